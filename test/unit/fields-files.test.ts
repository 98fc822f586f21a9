/** Names under which files are stored. */

import { expect, test } from "bun:test";
import { readUpload } from "../../src/tools/fields/read-upload.ts";
import { storedFileName } from "../../src/tools/file-name.ts";
import { seeded, sentFile } from "./fields-fixture.ts";

const R = "[a-z0-9]{10}";

test.each([
  ["a.txt", `a${R}_${R}.txt`],
  ["test.tar.gz", `test_${R}.tar.gz`],
  ["My Photo v1.0 final.jpg", `my_photo_v1_${R}.0final.jpg`],
  ["myTestDB.png", `my_test_db_${R}.png`],
  ["HTMLParser2Go.js", `htmlparser2_go_${R}.js`],
  ["A1B.png", `a1_b_${R}.png`],
  [".bashrc", `${R}_${R}.bashrc`],
  ["noext", `noext_${R}.bin`],
  ["..", `${R}_${R}.bin`],
  ["ünïcode.jpg", `n_code_${R}.jpg`],
  ["日本.png", `${R}_${R}.png`],
  ["../../etc/passwd", `${R}_${R}.etcpasswd`],
  ["a/b\\c.txt", `a_b_c_${R}.txt`],
  ["a\0b c.t\nx\u202et", `a_b_c_${R}.txt`],
  ["test.JPG", `test_${R}.JPG`],
  ["foo.p*-+=#g!", `foo_${R}.p*-+=#g`],
  ["foo.é", `foo_${R}.bin`],
  ["name.", `name_${R}.bin`],
  ["file.t.", `file_${R}.t`],
  [`file.${"x".repeat(30)}`, `file_${R}.x{20}`],
  [`${"x".repeat(200)}.txt`, `x{100}_${R}.txt`],
  [`${"x".repeat(1e6)}.txt`, `x{100}_${R}.txt`],
])("%j is stored under a safe name", (original, pattern) => {
  const random = seeded();
  const name = storedFileName(original, { random, sniffedExtension: ".bin" });
  const literal = pattern.replace(/[.*+=#](?=[\w*+=#-]|$)(?![{\d])/g, "\\$&");
  expect(name).toMatch(new RegExp(`^${literal}$`));
  expect(storedFileName(original, { random, sniffedExtension: "" })).not.toBe(name);
});

test("an upload is what its content is, not what it is called", () => {
  const upload = readUpload(
    sentFile("Photo.png", '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    seeded(),
  );
  expect(upload).toMatchObject({ originalName: "Photo.png", size: 41, mimeType: "image/svg+xml" });
  expect(upload.name).toMatch(/^photo_[a-z0-9]{10}\.png$/);
  const nameless = readUpload(sentFile("report", "%PDF-1.7"), seeded());
  expect(nameless.name).toMatch(/^report_[a-z0-9]{10}\.pdf$/);
});
