/**
 * Fills a directory with the reference, packs it, and records what the reference answers on it:
 * `bun test/compat/data-directory/make.ts`.
 */

import { play } from "../player.ts";
import { Reference } from "../reference.ts";
import { writeTranscript } from "../transcript.ts";
import { pack, unpack } from "./directory.ts";
import { INHERITED, STOCK } from "./scripts.ts";

async function main(): Promise<void> {
  using reference = new Reference();
  {
    await using filled = await reference.start();
    const entries = await play(STOCK, filled);
    const failed = entries.filter(({ status = 0 }) => status >= 300);
    if (failed.length > 0) throw new Error(`Not filled: ${JSON.stringify(failed)}`);
    await filled.end();
    pack(filled.dir, Date.now());
  }
  using kept = unpack();
  await using heir = await reference.start(kept.dir);
  writeTranscript(INHERITED.name, await play(INHERITED, heir));
}

await main();
