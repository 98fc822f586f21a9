/** What a server talks to while a script is played: a mail sink and an identity provider. */

const MAILS_MAX = 1_000;
const MAIL_WAIT_MS = 5_000;

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Head and body as sent, soft line breaks of quoted-printable taken out. */
  readonly text: string;
}

/** Takes every mail (RFC 5321, without extensions) and keeps it in memory. */
export class MailSink implements Disposable {
  readonly #mails: Mail[] = [];
  readonly #listener;

  constructor() {
    this.#listener = Bun.listen<Session>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { buffer: "", from: "", to: [], inData: false };
          socket.write("220 sink\r\n");
        },
        data: (socket, chunk) => {
          const said = this.#receive(socket.data, chunk.toString("latin1"));
          if (said !== "") socket.write(said);
          if (said.endsWith("221 bye\r\n")) socket.end();
        },
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** The next mail; undefined when none comes in time. */
  async take(): Promise<Mail | undefined> {
    const late = Date.now() + MAIL_WAIT_MS;
    while (this.#mails.length === 0 && Date.now() < late) await Bun.sleep(10);
    return this.#mails.shift();
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }

  #receive(session: Session, chunk: string): string {
    session.buffer += chunk;
    let said = "";
    for (;;) {
      const ending = session.inData ? "\r\n.\r\n" : "\r\n";
      const end = session.buffer.indexOf(ending);
      if (end < 0) return said;
      const text = session.buffer.slice(0, end);
      session.buffer = session.buffer.slice(end + ending.length);
      said += session.inData ? this.#store(session, text) : command(session, text);
    }
  }

  #store(session: Session, text: string): string {
    const { from, to } = session;
    if (this.#mails.length < MAILS_MAX) this.#mails.push({ from, to, text: decode(text) });
    session.inData = false;
    return "250 taken\r\n";
  }
}

interface Session {
  buffer: string;
  from: string;
  to: string[];
  inData: boolean;
}

function command(session: Session, line: string): string {
  const verb = line.slice(0, 4).toUpperCase();
  const address = /<(.*?)>/.exec(line)?.[1] ?? "";
  if (verb === "MAIL") {
    session.from = address;
    session.to = [];
  } else if (verb === "RCPT") {
    session.to.push(address);
  } else if (verb === "DATA") {
    session.inData = true;
    return "354 go on\r\n";
  } else if (verb === "QUIT") {
    return "221 bye\r\n";
  }
  return "250 fine\r\n";
}

/** Head and parts as texts (RFC 2045, section 6), as far as finding a link or a code needs it. */
function decode(text: string): string {
  const base64 = /(content-transfer-encoding: *base64.*?\r\n\r\n)([\w+/=\r\n]+)/gis;
  return text
    .replaceAll(base64, (_, head, content) => `${head}${Buffer.from(content, "base64")}`)
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number(`0x${hex}`)));
}

/**
 * An OpenID provider: the code that is exchanged is the JSON of the user that it answers for.
 * Codes that are no JSON are refused.
 */
export class IdentityProvider implements Disposable {
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/token") return exchange(await request.text());
      if (pathname !== "/userinfo") return new Response("Not here.", { status: 404 });
      const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
      return Response.json(JSON.parse(Buffer.from(token, "base64url").toString()));
    },
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }
}

function exchange(body: string): Response {
  const code = new URLSearchParams(body).get("code") ?? "";
  try {
    JSON.parse(code);
  } catch {
    return Response.json({ error: "invalid_grant" }, { status: 400 });
  }
  const token = Buffer.from(code).toString("base64url");
  return Response.json({ access_token: token, token_type: "Bearer", expires_in: 3600 });
}
