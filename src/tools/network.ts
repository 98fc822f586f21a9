/** IP addresses and networks in CIDR notation (RFC 4632), both families. */

export interface Network {
  readonly bits: bigint;
  readonly prefix: number;
  readonly width: 32 | 128;
}

/** `10.0.0.0/8`, `::1`; undefined for what is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", prefixText, ...rest] = text.split("/");
  const parsed = parseAddress(address);
  if (!parsed || rest.length > 0) return undefined;
  const prefix = prefixText === undefined ? parsed.width : Number(prefixText);
  if (!/^\d{1,3}$/.test(prefixText ?? "0") || prefix > parsed.width) return undefined;
  return { ...parsed, prefix };
}

export function inNetwork(network: Network, address: string): boolean {
  const parsed = parseAddress(address);
  if (!parsed || parsed.width !== network.width) return false;
  const shift = BigInt(network.width - network.prefix);
  return parsed.bits >> shift === network.bits >> shift;
}

/** Whether an address is of the machine itself. */
export function isLoopback(address: string): boolean {
  const parsed = parseAddress(address);
  if (!parsed) return false;
  return parsed.width === 32 ? parsed.bits >> 24n === 127n : parsed.bits === 1n;
}

/** IPv4 addresses mapped into IPv6 (`::ffff:10.0.0.1`) count as IPv4. */
function parseAddress(text: string): { bits: bigint; width: 32 | 128 } | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  return text.includes(":") && !mapped ? parseV6(text) : parseV4(mapped ?? text);
}

function parseV4(text: string): { bits: bigint; width: 32 } | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return { bits, width: 32 };
}

function parseV6(text: string): { bits: bigint; width: 128 } | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const zeros = halves.length === 2 ? new Array<string>(missing).fill("0") : [];
  let bits = 0n;
  for (const group of [...head, ...zeros, ...tail]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    bits = (bits << 16n) | BigInt(`0x${group}`);
  }
  return { bits, width: 128 };
}

/** The address with nothing left out, `2001:0db8:0000:…`; undefined for what is none. */
export function fullAddress(text: string): string | undefined {
  const parsed = parseAddress(text);
  if (!parsed) return undefined;
  const groups = parsed.width === 32 ? { size: 8n, radix: 10 } : { size: 16n, radix: 16 };
  const parts: string[] = [];
  for (let shift = BigInt(parsed.width); shift > 0n; shift -= groups.size) {
    const group = (parsed.bits >> (shift - groups.size)) & ((1n << groups.size) - 1n);
    parts.push(group.toString(groups.radix).padStart(parsed.width === 32 ? 1 : 4, "0"));
  }
  return parts.join(parsed.width === 32 ? "." : ":");
}
