/**
 * A directory that the reference filled is served as it is, with the reference's answers; and the
 * other way round. PARVIS_REFERENCE (a path, or "build") has the reference serve one of ours.
 */

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../../src/base/clock.ts";
import { freshApp } from "../../features/app-fixture.ts";
import { faults } from "../compare.ts";
import { play } from "../player.ts";
import { Reference } from "../reference.ts";
import { PASSWORD } from "../target.ts";
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

/** What PocketBase did to the directory by itself; migrations of collections are scripts. */
function builtIn(dir: string): string[] {
  using db = new Database(join(dir, "data.db"), { readonly: true });
  const rows = db.query("SELECT file FROM _migrations WHERE file LIKE '%.go' ORDER BY file").all();
  return (rows as { file: string }[]).map(({ file }) => file);
}

test("a new directory is past the migrations that the reference would make", async () => {
  using kept = unpack();
  await using fresh = await freshApp();
  expect(builtIn(fresh.dir)).toEqual(builtIn(kept.dir));
});

test("a directory made here is not taken for the reference's", async () => {
  const dir = mkdtempSync(join(tmpdir(), "parvis-own-"));
  await using first = await freshApp({ features: "none" }, {}, { dir });
  expect(first.app.features).not.toContain("rooms");
  await first.app.stop();
  await using again = await freshApp({}, {}, { dir });
  expect(again.app.features).toContain("rooms");
});

if (process.env.PARVIS_REFERENCE) {
  test(
    "the reference serves a directory made here, and what it writes is here afterwards",
    async () => {
      using reference = new Reference();
      const dir = mkdtempSync(join(tmpdir(), "parvis-lent-"));
      await using made = await freshApp({}, {}, { dir });
      const root = await made.superuser();
      const schema = { name: "notes", type: "base", fields: [{ name: "text", type: "text" }] };
      const open = { listRule: "", createRule: "" };
      await made.request("POST", "/api/collections", { body: { ...schema, ...open }, token: root });
      await made.request("POST", "/api/collections/notes/records", { body: { text: "ours" } });
      await made.signUp("Ann");
      await made.app.stop();
      const notes = "/api/collections/notes/records";
      const headers = { "content-type": "application/json" };
      const post = (body: object) => ({ method: "POST", headers, body: JSON.stringify(body) });
      const texts = (page: unknown) =>
        (page as { items: { text: string }[] }).items.map(({ text }) => text);
      {
        await using theirs = await reference.start(dir);
        const listed = await theirs.fetch(notes, {});
        expect(texts(await listed.json())).toEqual(["ours"]);
        const signIn = "/api/collections/users/auth-with-password";
        const ann = { identity: "ann@example.com", password: PASSWORD };
        expect((await theirs.fetch(signIn, post(ann))).status).toBe(200);
        expect((await theirs.fetch(notes, post({ text: "theirs" }))).status).toBe(200);
        await theirs.end();
        rmSync(dir, { recursive: true });
        cpSync(theirs.dir, dir, { recursive: true });
      }
      await using back = await freshApp({}, {}, { dir });
      expect(texts((await back.request("GET", `${notes}?sort=text`)).body)).toEqual([
        "ours",
        "theirs",
      ]);
      expect(back.app.features).toContain("rooms");
    },
    PLAY_MS,
  );
}
