/** Email addresses and URLs as their fields accept them: shapes, not whether anyone is there. */

import { isHost } from "./host-name.ts";

/** Letters beyond ASCII, without surrogates and private use. */
const BEYOND = String.raw`\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF`;
const ATOM = `[a-z\\d!#$%&'*+\\-/=?^_\`{|}~${BEYOND}]+`;
const EDGE = `[a-z\\d${BEYOND}]`;
const TOP_EDGE = `[a-z${BEYOND}]`;
/** An inner character of a domain may be a dot; of its last label it may not. */
const DOMAIN = `${EDGE}(?:[a-z\\d\\-._~${BEYOND}]*${EDGE})?`;
const TOP = `${TOP_EDGE}(?:[a-z\\d\\-_~${BEYOND}]*${TOP_EDGE})?`;
const EMAIL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@${DOMAIN}\\.${TOP}\\.?$`, "i");

/** Whether text has the shape of an address; quoted local parts (RFC 5321) are not accepted. */
export function isEmail(text: string): boolean {
  return EMAIL.test(text);
}

const URL_CHARS_MAX = 2_082;
const URL_BYTES_MIN = 4;
const SCHEME = /^(?:ftp|tcp|udp|wss?|https?):\/\//;

/**
 * Whether text is a URL in the lenient sense of url fields: the scheme may be absent but is one of
 * seven in lower case, hosts need no dot after a scheme or before a port, nothing contains blanks.
 */
export function isUrl(text: string): boolean {
  if (text.length > URL_CHARS_MAX * 2 || [...text].length > URL_CHARS_MAX) return false;
  if (Buffer.byteLength(text) < URL_BYTES_MIN || text.startsWith(".")) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no URL may contain
  if (/[\s\u0000-\u001f\u007f]/.test(text) || hasBrokenEscape(text)) return false;
  // A port needs a scheme before it to be seen as one.
  const isPort = text.includes(":") && !text.includes("://");
  if (!isParsable(isPort ? `http://${text}` : text)) return false;
  return hostStarts(text).some((start) => isAuthority(text.slice(start)));
}

/** Host and port as written after `scheme://` and a user; "" for a URL without a scheme. */
export function urlHost(text: string): string {
  const authority = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1] ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1);
}

/** Queries may hold a lone percent sign, the rest of a URL may not. */
function hasBrokenEscape(text: string): boolean {
  const [path = "", ...fragment] = text.split("#");
  const parts = [path.split("?")[0] ?? "", fragment.join("#")];
  return parts.some((part) => /%(?![\da-f]{2})/i.test(part));
}

/** Generic syntax (RFC 3986) as far as it is looked at; without a host, only a dot is no word. */
function isParsable(url: string): boolean {
  const generic = /^(?:(?:[a-z][a-z\d+.-]*:)?\/\/([^/?#]*))?([^?#]*)/i.exec(url);
  const [authority = "", path = ""] = [generic?.[1], generic?.[2]];
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  if (at >= 0 && !/^[\w\-.~!$&'()*+,;=:%@]*$/.test(authority.slice(0, at))) return false;
  if (host.startsWith(".") || /[\\^`{|}]/.test(host)) return false;
  const port = host.startsWith("[") ? host.replace(/^.*\]/, "") : /:[^:]*$/.exec(host)?.[0];
  if (!/^(?::\d*)?$/.test(port ?? "")) return false;
  return host !== "" || path === "" || path.includes(".");
}

/** The host begins after the scheme, or after an `@`: anything may be a user. */
function hostStarts(text: string): number[] {
  const starts = [SCHEME.exec(text)?.[0].length ?? 0];
  for (let at = text.indexOf("@", 1); at >= 0; at = text.indexOf("@", at + 1)) starts.push(at + 1);
  return starts;
}

function isAuthority(rest: string): boolean {
  const authority = /^(?:\[[^\]]*\])?[^/?#@]*/.exec(rest)?.[0] ?? "";
  if (rest[authority.length] === "@") return false;
  const host = authority.replace(/:\d{1,5}$/, "").replace(/\.$/, "");
  return isHost(host);
}
