/** bcrypt by the addon that the build lays out and by the runtime: the same hashes and answers. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type Bcrypt,
  lazyBcrypt,
  loadBcrypt,
  runtimeBcrypt,
} from "../../src/infra/bcrypt/bcrypt.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";

const ADDON = join(import.meta.dir, "../../dist/assets/bcrypt.node");
const COST = 4;
const both: readonly (readonly [string, () => Bcrypt])[] = [
  ["the addon", () => loadBcrypt(ADDON)],
  ["the runtime", runtimeBcrypt],
];

const OF_CORRECT_HORSE = "$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
/** Made by libcrypt. */
const HASHES: readonly (readonly [plain: string, hash: string])[] = [
  ["correct horse", `$2a${OF_CORRECT_HORSE}`],
  ["correct horse", `$2b${OF_CORRECT_HORSE}`],
  ["correct horse", `$2y${OF_CORRECT_HORSE}`],
  ["correct horse", "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
  ["é".repeat(36), "$2b$04$abcdefghijklmnopqrstuuKiIlCeXB6chNXkLyAo8C7XcLPzh6zUe"],
  ["a".repeat(72), "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"],
  ["a".repeat(73), "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"],
  ["a".repeat(300), "$2a$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe"],
];

const NO_HASHES = [
  "",
  "correct horse",
  "$2b$04$",
  `$2b${OF_CORRECT_HORSE.slice(0, -1)}`,
  `$2b${OF_CORRECT_HORSE}.`,
  `$2c${OF_CORRECT_HORSE}`,
  `$2${OF_CORRECT_HORSE}`,
  `$2b$03${OF_CORRECT_HORSE.slice(3)}`,
  `$2b$32${OF_CORRECT_HORSE.slice(3)}`,
  `$2b${OF_CORRECT_HORSE.replace("abc", "a:c")}`,
  "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
];

describe.each(both)("%s", (_, make) => {
  test.each(HASHES)("knows %p by %s, and no other password", async (plain, hash) => {
    const bcrypt = make();
    expect(await bcrypt.verify(plain, hash)).toBe(true);
    expect(await bcrypt.verify(`x${plain}`, hash)).toBe(false);
    expect(await bcrypt.verify("", hash)).toBe(false);
  });

  test.each(NO_HASHES)("finds nothing equal to %p", async (hash) => {
    expect(await make().verify("correct horse", hash)).toBe(false);
  });

  test("makes hashes of the given cost that both know, another one each time", async () => {
    for (const plain of ["a", "a\0b", "\ud800", "é".repeat(36)]) {
      const hashes = [await make().hash(plain, COST), await make().hash(plain, COST + 1)] as const;
      expect(hashes[0]).toStartWith("$2b$04$");
      expect(hashes[1]).toStartWith("$2b$05$");
      expect(await make().hash(plain, COST)).not.toBe(hashes[0]);
      for (const [, other] of both) {
        expect(await other().verify(plain, hashes[0])).toBe(true);
        expect(await other().verify(`${plain}c`, hashes[0])).toBe(plain === "é".repeat(36));
      }
    }
  });

  test("does not hold the event loop", async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    const bcrypt = make();
    await bcrypt.verify("x", await bcrypt.hash("correct horse", 8));
    clearInterval(turning);
    expect(turns).toBeGreaterThan(2);
  });
});

test("what cannot be loaded leaves the work to the runtime and says so once", async () => {
  const { log, lines } = recordedLog();
  const bcrypt = lazyBcrypt(() => loadBcrypt("/nowhere/bcrypt.node"), log);
  expect(lines).toEqual([]);
  expect(await bcrypt.verify("correct horse", `$2b${OF_CORRECT_HORSE}`)).toBe(true);
  expect(await bcrypt.verify("a", await bcrypt.hash("a", COST))).toBe(true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("the addon for passwords cannot be loaded");
});
