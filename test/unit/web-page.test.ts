import { describe, expect, test } from "bun:test";
import { tileWidth } from "../../src/web/layout.ts";
import { displayName, initials } from "../../src/web/names.ts";

describe("page", () => {
  test.each([
    [0, 1000, 600, 0],
    [1, 1600, 900, 1600],
    [2, 1610, 900, 800],
    [2, 360, 640, 360],
    [4, 1610, 900, 791],
    [3, 0, 0, 0],
  ])("%d tiles in %d × %d are %d wide", (count, width, height, tile) => {
    expect(tileWidth(count, { width, height }, { gap: 10, ratio: 16 / 9 })).toBe(tile);
  });

  test.each([
    ["Ada Lovelace", "AL"],
    ["zoë", "Z"],
    ["  Jean-Luc  de la Tour ", "JT"],
    ["👩‍🚀 Sam", "👩‍🚀S"],
    ["", "?"],
  ])("initials of %p are %p", (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  test("a guest is told apart by the end of the id", () => {
    expect(displayName({ id: "abcdefgh", name: "" })).toBe("Guest efgh");
    expect(displayName({ id: "abcdefgh", name: "Ada" })).toBe("Ada");
  });
});
