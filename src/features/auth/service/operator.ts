/** The operator at this machine: commands of the same data directory, by the running server's secret. */

import { timingSafeEqual } from "node:crypto";
import type { TokenScheme } from "../../../core/registry.ts";
import { SUPERUSERS } from "../schema.ts";

export const OPERATOR_PREFIX = "op_";

/** `secret` carries the prefix. `isOwn` tells the machine's own addresses: no others may use it. */
export function operatorScheme(secret: string, isOwn: (address: string) => boolean): TokenScheme {
  const expected = Buffer.from(secret);
  return {
    name: "operator",
    matches: (token) => token.startsWith(OPERATOR_PREFIX),
    async authenticate(token, { ip }) {
      const given = Buffer.from(token);
      const right = given.length === expected.length && timingSafeEqual(given, expected);
      if (!right || !isOwn(ip)) return undefined;
      return {
        kind: "superuser",
        id: "operator",
        collection: SUPERUSERS,
        ip,
        expiresAt: Number.POSITIVE_INFINITY,
        refreshable: false,
        record: {},
      };
    },
  };
}
