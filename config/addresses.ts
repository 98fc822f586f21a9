/** The kinds of values that name a place in a network. */

import { isIP } from "node:net";
import { parseNetwork } from "../src/tools/network.ts";
import { matching, textual } from "./kinds.ts";
import type { Kind } from "./language.ts";

export interface Address {
  /** An IP address (version 6 without brackets) or a name. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `127.0.0.1:8090`, `[::1]:8090`, `localhost:8090`; `:8090` is every IPv4 address. */
export function address(): Kind<Address> {
  return textual({
    label: "host:port",
    expected: "an address such as 127.0.0.1:8090, [::1]:8090 or :8090",
    parse: parseAddress,
    write: ({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`),
  });
}

function parseAddress(value: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  const port = parsePort(match?.[3] ?? "");
  if (!match || port === undefined) return undefined;
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? { host: match[1], port } : undefined;
  const host = match[2] || "0.0.0.0";
  return isHost(host) ? { host, port } : undefined;
}

/** 0 to 65535, or undefined. */
export function parsePort(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined;
}

/** Names as in RFC 1123; a last label of digits would be a mistyped IPv4 address. */
function isHost(value: string): boolean {
  if (isIP(value) !== 0) return true;
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/i;
  const labels = value.split(".");
  const last = labels.at(-1) ?? "";
  return value.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(last);
}

export function ip(): Kind<string> {
  return matching("IP address", "an IP address", (value) => isIP(value) !== 0);
}

export function ipOrName(): Kind<string> {
  return matching("IP address or name", "an IP address or a host name", isHost);
}

export function ipOrRange(): Kind<string> {
  const expected = "an IP address or a range such as 10.0.0.0/8";
  return matching("IP address or CIDR", expected, (value) => parseNetwork(value) !== undefined);
}

/** `*` or scheme, host and port: what browsers send as Origin (RFC 6454). */
export function origin(): Kind<string> {
  return matching("origin", "* or an origin such as https://example.com", (value) => {
    if (value === "*") return true;
    const url = URL.parse(value);
    return url !== null && /^https?:$/.test(url.protocol) && url.origin === value;
  });
}

/** An http or https URL without a user, so that no password can be in it. */
export function webUrl(): Kind<string> {
  return textual({
    label: "URL",
    expected: "an http or https URL without user and password",
    parse(value) {
      const url = URL.parse(value);
      const plain = url !== null && url.username === "" && url.password === "" && !url.hash;
      return plain && /^https?:\/\/\S+$/.test(value) && value.length <= 2_048 ? value : undefined;
    },
    write: (value) => value,
    hidden: true,
  });
}

/** `stun:host[:port]`, `turn:host[:port][?transport=udp|tcp]`, also with TLS (RFC 7064, 7065). */
export function iceUrl(): Kind<string> {
  const form =
    /^(?:stuns?:|turns?:)(\[[0-9a-f:.]+\]|[^:?[\]@/\s]+)(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/;
  return matching("STUN or TURN URL", "a URL such as stun:host:3478 or turn:host", (value) => {
    const match = form.exec(value);
    if (!match || (match[3] && value.startsWith("stun"))) return false;
    const host = match[1]?.replace(/^\[|\]$/g, "") ?? "";
    return isHost(host) && (match[2] === undefined || parsePort(match[2]) !== undefined);
  });
}
