/**
 * Rules hold in realtime whatever a subscription asks for: no option of it shows a row or a field
 * that a request of the same caller would not show.
 */

import { expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { Records } from "../../src/features/records/index.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";
import { Listener, type RealtimeEvent, Stage, topic } from "./realtime-fixture.ts";

type Visitor = { readonly name: string; readonly id: string; readonly token: string | undefined };

const RULES: readonly (string | null)[] = [
  null,
  "",
  "public = true",
  "owner = @request.auth.id && @request.auth.id != ''",
  "owner.name = 'Ann'",
  "@request.auth.id != ''",
  "@request.query.page = '1'",
  "@request.headers.x_token = 'abc'",
  "title:lower = @request.auth.name:lower",
  "team.leader = @request.auth.id && @request.auth.id != ''",
  "@collection.teams.leader ?= @request.auth.id && @request.auth.id != ''",
];

/** Shapes of options; what they add to a rule, they may only take away. */
const QUERIES: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { filter: "public = false" },
  { filter: "title != ''" },
  { filter: "secret != ''" },
  { filter: "owner.email != ''" },
  { filter: "team.code != ''" },
  { filter: "@request.auth.id = ''" },
  { filter: "1 = 1 || id != ''" },
  { filter: "(title = 'x'" },
  { expand: "owner,team,team.leader,notes_via_post" },
  { expand: "team,owner", fields: "*,expand.*" },
  { fields: "id,secret,expand.owner.email,expand.team.code" },
  { fields: "*,secret" },
  { page: 1 },
  { page: 1, filter: "owner = '' || public = true || title ?~ 'a'", expand: "team" },
];

const HEADERS: readonly Readonly<Record<string, string>>[] = [{}, { "X-Token": "abc" }];

async function world(): Promise<{ fixture: AppFixture; on: Stage; visitors: Visitor[] }> {
  const fixture = await freshApp();
  const on = await Stage.on(fixture);
  const [ann, bob] = [await fixture.signUp("Ann"), await fixture.signUp("Bob")];
  const users = fixture.app.kernel.registry.service(Records).collection("users")?.id;
  const to = (collectionId: string | undefined) => ({
    type: "relation",
    collectionId,
    maxSelect: 1,
  });
  await on.rules("users", { viewRule: "id = @request.auth.id || name = 'Ann'" });
  const teams = await on.collection(
    "teams",
    [
      { name: "code", type: "text" },
      { name: "leader", ...to(users) },
    ],
    { listRule: "leader = @request.auth.id", viewRule: "leader = @request.auth.id" },
  );
  const posts = await on.collection("posts", [
    { name: "title", type: "text" },
    { name: "public", type: "bool" },
    { name: "secret", type: "text", hidden: true },
    { name: "owner", ...to(users) },
    { name: "team", ...to(teams) },
  ]);
  await on.collection("notes", [{ name: "post", ...to(posts) }], {
    listRule: null,
    viewRule: null,
  });
  await on.create("teams", { id: "red", code: "teamcode", leader: ann.id });
  await on.create("teams", { id: "blue", code: "teamcode", leader: "" });
  const guest = { name: "guest", id: "", token: undefined };
  return { fixture, on, visitors: [guest, { name: "Ann", ...ann }, { name: "Bob", ...bob }] };
}

/** What the same caller gets by asking for the record itself. */
async function shownByRequest(
  { request }: AppFixture,
  visitor: Visitor,
  { event, data }: RealtimeEvent,
): Promise<string | undefined> {
  const given = new URLSearchParams(event.slice(event.indexOf("?") + 1)).get("options");
  const { query, headers } = JSON.parse(given ?? "{}");
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  if (query.fields) parameters.set("fields", query.fields);
  const isList = event.startsWith("posts/*");
  const id = data.record.id ?? /^posts\/(\w+)/.exec(event)?.[1];
  const path = "/api/collections/posts/records";
  if (!isList) {
    const answer = await request("GET", `${path}/${id}?${parameters}`, {
      token: visitor.token,
      headers,
    });
    return answer.status === 200 ? JSON.stringify(answer.body) : undefined;
  }
  const filter = `id = '${id}'`;
  parameters.set("filter", query.filter ? `(${query.filter}) && ${filter}` : filter);
  const answer = await request("GET", `${path}?${parameters}`, { token: visitor.token, headers });
  const item = answer.status === 200 ? answer.body.items[0] : undefined;
  return item && JSON.stringify(item);
}

test("nothing more is told than asking would show", async () => {
  const { fixture, on, visitors } = await world();
  await using _ = fixture;
  const random = fakeIds(new FakeClock(), 11);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  let told = 0;
  let asked = 0;
  for (let round = 0; round < RULES.length * 2; round++) {
    const listRule = RULES[round % RULES.length];
    await on.rules("posts", { listRule, viewRule: pick(RULES) });
    const id = `p${round}`;
    const listeners = await Promise.all(visitors.map(() => Listener.open(fixture)));
    const topics = QUERIES.flatMap((query) => {
      const name = pick(["posts/*", `posts/${id}`]);
      const asks = query.fields && !String(query.fields).includes("id") ? {} : query;
      return [topic(name, asks, pick(HEADERS))];
    });
    for (const [index, visitor] of visitors.entries()) {
      const answer = await listeners[index]?.subscribe(topics, visitor.token);
      expect(answer?.status).toBe(204);
    }
    const values = () => ({
      title: pick(["ann", "bob", "x", ""]),
      public: pick([true, false]),
      secret: "hiddenvalue",
      owner: pick(["", ...visitors.map((visitor) => visitor.id)]),
      team: pick(["", "red", "blue"]),
    });
    await on.create("posts", { id, ...values() });
    for (const write of [() => undefined, () => on.update("posts", id, values())]) {
      await write();
      for (const [index, visitor] of visitors.entries()) {
        const events = (await listeners[index]?.take()) ?? [];
        asked += topics.length;
        for (const event of events) {
          told += 1;
          const shown = JSON.stringify(event.data.record);
          expect([visitor.name, event.event, shown]).toEqual([
            visitor.name,
            event.event,
            (await shownByRequest(fixture, visitor, event)) ?? "nothing",
          ]);
          expect(shown).not.toContain("hiddenvalue");
        }
      }
    }
    for (const each of listeners) each.close();
  }
  // Neither everything nor nothing: both would prove little.
  expect(told).toBeGreaterThan(asked / 20);
  expect(told).toBeLessThan(asked);
}, 60_000);

test("a deleted record is told with what its listener could see before", async () => {
  const { fixture, on, visitors } = await world();
  await using _ = fixture;
  await on.rules("posts", { listRule: "owner = @request.auth.id && @request.auth.id != ''" });
  const [, ann, bob] = visitors;
  const listeners = await Promise.all(visitors.map(() => Listener.open(fixture)));
  for (const [index, { token }] of visitors.entries()) {
    await listeners[index]?.subscribe([topic("posts/*", { expand: "team" })], token);
  }
  await on.create("posts", { id: "a", owner: ann?.id, team: "red", secret: "hiddenvalue" });
  await on.create("posts", { id: "b", owner: bob?.id, team: "red" });
  for (const each of listeners) await each.take();
  await on.delete("posts", "a");
  await on.delete("posts", "b");
  const heard = await Promise.all(listeners.map((each) => each.take()));
  expect(heard.map((events) => events.map(({ data }) => data.record.id))).toEqual([
    [],
    ["a"],
    ["b"],
  ]);
  expect(heard[1]?.[0]?.data.record.expand.team.code).toBe("teamcode");
  expect(heard[2]?.[0]?.data.record.expand?.team).toBeUndefined();
  expect(JSON.stringify(heard)).not.toContain("hiddenvalue");
});

test("values in between two writes of one transaction stay in between", async () => {
  const { fixture, on } = await world();
  await using _ = fixture;
  await on.rules("posts", { listRule: "public = true" });
  await on.create("posts", { id: "a", public: true, title: "before" });
  const listener = await Listener.open(fixture);
  await listener.subscribe(["posts/*"]);
  const records = fixture.app.kernel.registry.service(Records);
  const context = fixture.app.context();
  const place = { collection: "posts", id: "a" };
  await context.transaction(async () => {
    await records.update(context, place, { public: false, title: "private" });
    await records.update(context, place, { public: true, title: "after" });
  });
  const shown = (await listener.take()).map(({ data }) => data.record.title);
  expect(shown).toEqual(["after", "after"]);
});

test("addresses are told to their owners and to those who manage them only", async () => {
  const { fixture, on, visitors } = await world();
  await using _ = fixture;
  const [, ann, bob] = visitors;
  await on.rules("users", { listRule: "", manageRule: "@request.auth.name = 'Bob'" });
  const listeners = await Promise.all(visitors.map(() => Listener.open(fixture)));
  for (const [index, { token }] of visitors.entries()) {
    await listeners[index]?.subscribe(
      ["users/*", topic("users/*", { filter: "email != ''" })],
      token,
    );
  }
  await on.update("users", ann?.id ?? "", { name: "Ann A" });
  await on.update("users", bob?.id ?? "", { name: "Bob" });
  const heard = await Promise.all(listeners.map((each) => each.take()));
  const shown = heard.map((events) =>
    events
      .filter(({ event }) => event === "users/*")
      .map(({ data }) => data.record.email ?? "none"),
  );
  expect(shown).toEqual([
    ["none", "none"],
    ["ann@example.com", "none"],
    ["ann@example.com", "bob@example.com"],
  ]);
  const filtered = heard.map((events) => events.filter(({ event }) => event !== "users/*").length);
  expect(filtered[0]).toBe(0);
  expect(JSON.stringify(heard)).not.toContain("tokenKey");
});
