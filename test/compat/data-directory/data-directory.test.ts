/** A directory that the reference filled is served as it is, with the reference's answers. */

import { expect, test } from "bun:test";
import { FakeClock } from "../../../src/base/clock.ts";
import { freshApp } from "../../features/app-fixture.ts";
import { faults } from "../compare.ts";
import { play } from "../player.ts";
import { readTranscript } from "../transcript.ts";
import { unpack } from "./directory.ts";
import { INHERITED } from "./scripts.ts";

const PLAY_MS = 60_000;

async function serve({ dir, filledAt }: { readonly dir: string; readonly filledAt: number }) {
  const fixture = await freshApp({}, {}, { dir, clock: new FakeClock(filledAt) });
  return {
    fixture,
    fetch: (path: string, init: RequestInit) =>
      fixture.raw(new Request(`http://localhost${path}`, init)),
    now: () => fixture.clock.now(),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

test(
  "users, relations, files, rules and a view answer as before",
  async () => {
    using kept = unpack();
    await using server = await serve(kept);
    const actual = await play(INHERITED, server);
    expect(faults(readTranscript(INHERITED.name), actual, [])).toEqual([]);
  },
  PLAY_MS,
);

test("only records and auth are on there, until more is named", async () => {
  using kept = unpack();
  await using server = await serve(kept);
  const { features, disabled } = server.fixture.app;
  expect(features).not.toContain("rooms");
  expect(disabled.find(({ name }) => name === "rooms")?.reason).toMatch(/PocketBase/);
  await server[Symbol.asyncDispose]();

  using other = unpack();
  const clock = new FakeClock(other.filledAt);
  await using named = await freshApp({ features: "rooms" }, {}, { dir: other.dir, clock });
  expect(named.app.features).toContain("rooms");
});

test("a second start finds the directory as the first left it", async () => {
  using kept = unpack();
  const first = await freshApp({}, {}, { dir: kept.dir, clock: new FakeClock(kept.filledAt) });
  await first.app.stop();
  await using again = await freshApp(
    {},
    {},
    { dir: kept.dir, clock: new FakeClock(kept.filledAt) },
  );
  const tags = await again.request("GET", "/api/collections/tags/records");
  expect(tags.body.totalItems).toBe(3);
  expect(again.app.features).not.toContain("rooms");
});
