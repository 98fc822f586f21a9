import { fullAddress } from "../../../tools/network.ts";
import type { Settings } from "../../records/index.ts";

/**
 * The client's address by the headers that the settings trust, the first of them that holds one.
 * Undefined where none does: then the connection's own counts.
 */
export function trustedAddress(
  headers: Headers,
  { headers: names, useLeftmostIP }: Settings["trustedProxy"],
): string | undefined {
  for (const name of names) {
    if (!HEADER.test(name)) continue;
    const value = headers.get(name);
    if (!value) continue;
    const found = value.split(",").flatMap((part) => fullAddress(part.trim()) ?? []);
    // The last one is what the proxy nearest to the server wrote; the first may be made up.
    const address = useLeftmostIP ? found[0] : found.at(-1);
    if (address) return address;
  }
  return undefined;
}

/** RFC 9110, section 5.6.2: asking for another name throws. */
const HEADER = /^[\w!#$%&'*+.^`|~-]+$/;
