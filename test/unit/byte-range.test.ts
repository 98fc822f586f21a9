/** Ranges and conditions of downloads. */

import { expect, test } from "bun:test";
import { contentRange, type FileState, rangeAnswer } from "../../src/tools/byte-range.ts";

const MODIFIED = Date.UTC(2024, 0, 10, 12, 0, 0, 500);
const SAME = "Wed, 10 Jan 2024 12:00:00 GMT";
const BEFORE = "Wed, 10 Jan 2024 11:59:59 GMT";
const AFTER = "Thu, 11 Jan 2024 00:00:00 GMT";
const file: FileState = { bytes: 100, modifiedAt: MODIFIED, etag: '"one"' };

function answer(headers: Record<string, string>, method = "GET", of: FileState = file): string {
  const found = rangeAnswer({ method, headers: new Headers(headers) }, of);
  return found.status === 206 ? `206 ${found.first}-${found.last}` : String(found.status);
}

test("one range is answered with its part", () => {
  const rows: [string, string][] = [
    ["bytes=0-0", "206 0-0"],
    ["bytes=0-99", "206 0-99"],
    ["bytes=10-19", "206 10-19"],
    ["bytes=90-", "206 90-99"],
    ["bytes=90-1000", "206 90-99"],
    ["bytes=-1", "206 99-99"],
    ["bytes=-1000", "206 0-99"],
    ["Bytes=5-6", "206 5-6"],
    ["bytes=99-", "206 99-99"],
    ["bytes=100-", "416"],
    ["bytes=100-200", "416"],
    ["bytes=-0", "416"],
    ["bytes=9-3", "416"],
  ];
  for (const [range, expected] of rows) {
    expect({ range, got: answer({ range }) }).toEqual({ range, got: expected });
  }
});

test("what is no single range gets the whole file", () => {
  const rows = ["bytes=0-1,5-6", "bytes=", "bytes=-", "items=0-1", "bytes=a-b", "0-1"];
  for (const range of [...rows, "bytes=1.5-2", "bytes=0x1-2", `bytes=${"9".repeat(30)}-`]) {
    expect({ range, got: answer({ range }) }).toEqual({ range, got: "200" });
  }
  expect(answer({ range: "bytes=0-1" }, "HEAD")).toBe("200");
  expect(answer({})).toBe("200");
});

test("an empty file has no part", () => {
  const empty = { ...file, bytes: 0 };
  expect(answer({ range: "bytes=0-" }, "GET", empty)).toBe("416");
  expect(answer({ range: "bytes=-5" }, "GET", empty)).toBe("416");
});

test("conditions come before ranges, in their order", () => {
  const rows: [Record<string, string>, string][] = [
    [{ "if-modified-since": SAME }, "304"],
    [{ "if-modified-since": AFTER }, "304"],
    [{ "if-modified-since": BEFORE }, "200"],
    [{ "if-modified-since": "yesterday" }, "200"],
    [{ "if-modified-since": SAME, range: "bytes=0-1" }, "304"],
    [{ "if-none-match": '"one"' }, "304"],
    [{ "if-none-match": 'W/"one"' }, "304"],
    [{ "if-none-match": '"two", "one"' }, "304"],
    [{ "if-none-match": "*" }, "304"],
    [{ "if-none-match": '"two"' }, "200"],
    // The tag is the stronger of the two.
    [{ "if-none-match": '"two"', "if-modified-since": SAME }, "200"],
    [{ "if-match": '"one"' }, "200"],
    [{ "if-match": "*" }, "200"],
    [{ "if-match": 'W/"one"' }, "412"],
    [{ "if-match": '"two"' }, "412"],
    [{ "if-match": '"two"', "if-none-match": '"one"' }, "412"],
    [{ "if-unmodified-since": SAME }, "200"],
    [{ "if-unmodified-since": BEFORE }, "412"],
    [{ "if-range": '"one"', range: "bytes=0-1" }, "206 0-1"],
    [{ "if-range": '"two"', range: "bytes=0-1" }, "200"],
    [{ "if-range": 'W/"one"', range: "bytes=0-1" }, "200"],
    [{ "if-range": SAME, range: "bytes=0-1" }, "206 0-1"],
    [{ "if-range": AFTER, range: "bytes=0-1" }, "200"],
    [{ "if-range": '"two"', range: "bytes=500-" }, "200"],
  ];
  for (const [headers, expected] of rows) {
    expect({ headers, got: answer(headers) }).toEqual({ headers, got: expected });
  }
  expect(answer({ "if-none-match": '"one"' }, "POST")).toBe("412");
});

test("a file without a tag matches none", () => {
  const untagged = { bytes: 100, modifiedAt: MODIFIED };
  expect(answer({ "if-none-match": '"one"' }, "GET", untagged)).toBe("200");
  expect(answer({ "if-match": '"one"' }, "GET", untagged)).toBe("412");
  expect(answer({ "if-none-match": "*" }, "GET", untagged)).toBe("304");
});

test("Content-Range says what was sent, or what there is", () => {
  expect(contentRange({ status: 206, first: 3, last: 9 }, 100)).toBe("bytes 3-9/100");
  expect(contentRange({ status: 416 }, 100)).toBe("bytes */100");
  expect(contentRange({ status: 200 }, 100)).toBeUndefined();
});
