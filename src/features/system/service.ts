/** Who may scrape. */

import { timingSafeEqual } from "node:crypto";
import { type Caller, checkStanding } from "../../core/access.ts";
import type { TokenScheme } from "../../core/registry.ts";

/**
 * The scheme of the operator's scrape token; none where there is no token. To stand before all
 * others: the token may have any form. It makes a guest of its bearer, who may read metrics.
 */
export function scrapeTokens(token: string | undefined): TokenScheme[] {
  if (token === undefined) return [];
  const expected = Buffer.from(token);
  return [
    {
      name: "metrics",
      matches(text) {
        if (text.length !== token.length) return false;
        const given = Buffer.from(text);
        return given.length === expected.length && timingSafeEqual(given, expected);
      },
      authenticate: async (_, { ip }) => ({ kind: "guest", ip, pass: "metrics" }),
    },
  ];
}

/** Errors: 401 `unauthenticated`, 403 `forbidden`. */
export function mayScrape(caller: Caller): void {
  if (caller.kind === "guest" && caller.pass === "metrics") return;
  checkStanding("superuser", caller);
}
