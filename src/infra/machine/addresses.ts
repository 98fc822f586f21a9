/** The machine's own addresses. */

import { networkInterfaces } from "node:os";
import { inNetwork, isLoopback, parseNetwork } from "../../tools/network.ts";

/** Whether a peer with this address is on this machine. Asked anew each time: addresses change. */
export function isOwnAddress(address: string): boolean {
  if (isLoopback(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return own.some((each) => {
    const network = parseNetwork(each.address.split("%")[0] ?? "");
    return network !== undefined && inNetwork(network, address);
  });
}
