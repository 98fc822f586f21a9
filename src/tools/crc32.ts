/** CRC-32 (IEEE 802.3), as the ids of collections and fields are made from it. */
export function crc32(text: string): number {
  return Bun.hash.crc32(text) >>> 0;
}
