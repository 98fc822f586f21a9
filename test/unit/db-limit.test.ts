import { expect, test } from "bun:test";
import { limitTo } from "../../src/infra/db/limit.ts";

test("a limit is a whole number in the text, and nothing else ever is", () => {
  expect(limitTo(20)).toBe("LIMIT 20");
  expect(limitTo(-1)).toBe("LIMIT -1");
  for (const odd of [Number.NaN, 1.5, Number.POSITIVE_INFINITY, "1; DROP" as unknown as number]) {
    expect(() => limitTo(odd)).toThrow("limit");
  }
});
