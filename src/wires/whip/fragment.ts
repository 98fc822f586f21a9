/** Fragments of session descriptions (RFC 8840), and links to ICE servers (RFC 9725, section 4.6). */

export interface Fragment {
  /** Its media line and mid, which the answer repeats. */
  readonly media: string;
  readonly mid: string;
  /** Whether it begins another ICE session. */
  readonly hasCredentials: boolean;
}

/** Undefined for what is none. */
export function readFragment(text: string): Fragment | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  if (!lines.every((line) => /^[am]=[ -~]*$/.test(line))) return undefined;
  const media = lines.find((line) => /^m=(audio|video) \d{1,5} [\w/]+( \d{1,3}){1,64}$/.test(line));
  const mid = lines.find((line) => /^a=mid:[A-Za-z0-9]{1,8}$/.test(line));
  const has = (name: string) => lines.some((line) => line.startsWith(`a=${name}:`));
  return {
    media: media ?? "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    mid: mid ?? "a=mid:0",
    hasCredentials: has("ice-ufrag") && has("ice-pwd"),
  };
}

export interface IceDescription {
  readonly username_fragment: string;
  readonly password: string;
  /** `a=candidate:…` */
  readonly candidates: readonly string[];
}

/** The server's end of a restarted ICE session. */
export function iceFragment({ media, mid }: Fragment, ice: IceDescription): string {
  const lines = [
    "a=ice-lite",
    media,
    mid,
    `a=ice-ufrag:${ice.username_fragment}`,
    `a=ice-pwd:${ice.password}`,
    ...ice.candidates,
    "a=end-of-candidates",
  ];
  return `${lines.join("\r\n")}\r\n`;
}

interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Values of `Link` headers. */
export function iceLinks(servers: readonly IceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    urls.map((url) => {
      const link = `<${url}>; rel="ice-server"`;
      if (username === undefined || credential === undefined) return link;
      const name = `username=${quote(username)}; credential=${quote(credential)}`;
      return `${link}; ${name}; credential-type="password"`;
    }),
  );
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
