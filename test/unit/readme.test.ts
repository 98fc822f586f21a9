/** The README's table of settings is the schema's. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configTable } from "../../config/print.ts";

test("README has the configuration table as it is now", () => {
  const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
  expect(readme).toContain(configTable().trim());
});
