/**
 * Hosts of URLs as url fields accept them: IPv4, IPv6 in brackets, and names of labels in which
 * only the last two may be of any script. Each expression is at worst quadratic in a length that is
 * bounded.
 */

/** RFC 1035: no longer name has an address. */
const HOST_CHARS_MAX = 253;

const PLAIN = "[a-zA-Z0-9]";
const ANY = String.raw`[a-zA-Z0-9\u00a1-\uffff]`;
/** Runs of characters with one or two dashes between them. */
const RUNS = `${ANY}+(?:--?${ANY}+)*`;

const LABEL = whole(RUNS);
/** The last label of most names: no digits. */
const TOP = whole(String.raw`[a-zA-Z\u00a1-\uffff]+`);
/** A label that stands alone may hold underscores, but not in its last run. */
const ALONE = whole(`${PLAIN}[a-zA-Z0-9_-]*${PLAIN}${RUNS}`);
const FIRST = whole(`${PLAIN}[a-zA-Z0-9_-]*${PLAIN}`);
const MIDDLE = whole(`${PLAIN}+(?:-${PLAIN}+)*`);
const LAST = whole(`${PLAIN}+(?:-${PLAIN}+)*${RUNS}`);
/** The other way to write what comes before the last label: single separators, two plain ends. */
const LOOSE = whole(`${PLAIN}+(?:[-_.]${PLAIN}+)*`);
const LOOSE_END = new RegExp(`${PLAIN}{2}$`, "u");
const LOOSE_LAST = whole(`${PLAIN}${RUNS}`);

const BYTE = String.raw`(?:\d{1,2}|1\d\d|2[0-4]\d|25[0-5])`;
const IPV4 = whole(String.raw`(?:[1-9]\d?|1\d\d|2[01]\d|22[0-3]|24\d|25[0-5])(?:\.${BYTE}){3}`);

function whole(expression: string): RegExp {
  return new RegExp(`^(?:${expression})$`, "u");
}

/** Without port. */
export function isHost(host: string): boolean {
  if (host.length > HOST_CHARS_MAX) return false;
  if (host.startsWith("[")) return host.endsWith("]") && isIpv6(host.slice(1, -1));
  if (IPV4.test(host)) return true;
  const labels = host.split(".");
  const top = labels.at(-1) ?? "";
  return isName(labels) || (labels.length > 1 && TOP.test(top) && isName(labels.slice(0, -1)));
}

function isName(labels: readonly string[]): boolean {
  const [first = "", ...rest] = labels;
  const last = rest.pop();
  if (last === undefined) return LABEL.test(first) || ALONE.test(first);
  if (first === "www" && rest.length === 0 && LABEL.test(last)) return true;
  const plain = FIRST.test(first) && rest.every((label) => MIDDLE.test(label)) && LAST.test(last);
  if (plain) return true;
  const before = [first, ...rest].join(".");
  return LOOSE.test(before) && LOOSE_END.test(before) && LOOSE_LAST.test(last);
}

const IPV6_GROUP = /^[\da-f]{1,4}$/i;

/** RFC 4291 text, with an IPv4 tail or an escaped zone. */
function isIpv6(text: string): boolean {
  const address = text.replace(/%25[\da-z]+$/i, "");
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const tail = groups.at(-1) ?? "";
  const ipv4 = tail.includes(".");
  if (ipv4 && !/^(?:\d{1,3}\.){3}\d{1,3}$/.test(tail)) return false;
  const count = groups.length + (ipv4 ? 1 : 0);
  if (halves.length === 2 ? count > 7 : count !== 8) return false;
  return groups.slice(0, ipv4 ? -1 : undefined).every((group) => IPV6_GROUP.test(group));
}
