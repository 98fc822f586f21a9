/** What belongs to accounts: whose it is, when it goes, and whose ids there are. */

import { describe, expect, test } from "bun:test";
import { freshApp, PASSWORD } from "./app-fixture.ts";
import { authApp } from "./auth-fixture.ts";

const PAIR = { password: PASSWORD, passwordConfirm: PASSWORD };

describe("an account's id", () => {
  test("is its own among all auth collections, however many try at the same time", async () => {
    await using app = await authApp();
    const admin = app.client();
    await admin.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
    await admin.collections.create({ name: "members", type: "auth" });
    const names = ["users", "members", "_superusers", "users", "members"];
    const answers = await Promise.all(
      names.map((name, index) =>
        app.request("POST", `/api/collections/${name}/records`, {
          token: admin.authStore.token,
          body: { id: "same00000000000", email: `a${index}@example.com`, ...PAIR },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    const made = answers.findIndex(({ status }) => status === 200);
    for (const [index, { body }] of answers.entries()) {
      if (index === made) continue;
      const isOwn = names[index] === names[made];
      const code = isOwn ? "validation_not_unique" : "validation_invalid_auth_id";
      expect(body.data.id.code).toBe(code);
    }
  });
});

describe("what belongs to accounts", () => {
  test("goes with their collection", async () => {
    await using app = await authApp();
    const admin = app.client();
    await admin.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
    await admin.collections.create({ name: "members", type: "auth" });
    const member = { email: "a@example.com", ...PAIR };
    await admin.collection("members").create(member);
    await app.client().collection("members").authWithPassword(member.email, PASSWORD);
    expect(await app.rows("_authOrigins")).toHaveLength(2);
    await admin.collections.delete("members");
    expect(await app.rows("_authOrigins")).toHaveLength(1);
  });

  const rows: readonly (readonly [string, object, Readonly<Record<string, string>>])[] = [
    [
      "of no collection",
      { collectionRef: "nope" },
      { collectionRef: "validation_invalid_collection_id" },
    ],
    [
      "of a collection by its name",
      { collectionRef: "users" },
      { collectionRef: "validation_invalid_collection_id" },
    ],
    [
      "of a collection without accounts",
      { collectionRef: "pbc_2279338944" },
      { collectionRef: "validation_invalid_collection_type" },
    ],
    ["of nobody", { recordRef: "nobody000000000" }, { recordRef: "validation_invalid_record" }],
    ["of a provider that is none", { provider: "nope" }, { provider: "validation_in_invalid" }],
  ];
  for (const [what, wrong, codes] of rows) {
    test(`is not made ${what}`, async () => {
      await using app = await authApp();
      const { id } = await app.signUp("Ann");
      const values = { collectionRef: "_pb_users_auth_", recordRef: id, provider: "google" };
      const admin = app.client();
      await admin.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
      const answer = await app.request("POST", "/api/collections/_externalAuths/records", {
        token: admin.authStore.token,
        body: { ...values, providerId: "1", ...wrong },
      });
      const entries = Object.entries(answer.body.data as Record<string, { code: string }>);
      const found = Object.fromEntries(entries.map(([name, { code }]) => [name, code]));
      expect([answer.status, found]).toEqual([400, codes]);
    });
  }

  test("is kept where a data directory brings it along", async () => {
    await using app = await freshApp({ features: "none" });
    await app.signUp("Ann");
    const before = await app.app.context().db.all("SELECT * FROM `_collections` ORDER BY id");
    const context = app.app.context();
    await context.transaction(() =>
      context.tx.run("DELETE FROM `_migrations` WHERE file LIKE 'parvis/000%_auth%'"),
    );
    await app.app.stop();
    await using again = await freshApp(
      { features: "none" },
      {},
      { dir: app.dir, clock: app.clock },
    );
    const after = await again.app.context().db.all("SELECT * FROM `_collections` ORDER BY id");
    expect(after).toEqual(before);
    const origins = await again.app.context().db.all("SELECT * FROM `_authOrigins`");
    expect(origins).toHaveLength(1);
  });
});
