/** The official client: settings, limits, logs, jobs, backups; what HTTP itself promises. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { ClientResponseError } from "pocketbase";
import { until } from "../../fixtures/until.ts";
import { ids, refusal, Stage } from "./stage.ts";

const WAIT_MS = 15_000;

let on: Stage;
beforeAll(async () => {
  on = await Stage.start();
  await on.collection("posts", [{ name: "title", type: "text" }]);
});
afterAll(() => on[Symbol.asyncDispose]());

const stored = async () => ids(await on.root.collection("posts").getFullList({ sort: "id" }));

test("S59 settings are changed in part and keep their secrets", async () => {
  const before = await on.root.settings.getAll();
  expect(before.meta).toMatchObject({ appName: "Acme" });
  const smtp = { host: "mail.example.com", username: "me", password: "secret-of-mail" };
  const changed = await on.root.settings.update({ smtp, meta: { appName: "Ours" } });
  expect(changed.meta).toEqual({ ...before.meta, appName: "Ours" });
  expect(changed.smtp).toMatchObject({ host: "mail.example.com", username: "me" });
  expect(JSON.stringify(changed)).not.toContain("secret-of-mail");
  await on.root.settings.update({ smtp: { password: "" } });
  expect((await on.root.settings.getAll()).smtp).toEqual(changed.smtp);
  expect(await refusal(on.client().settings.getAll())).toEqual([401, {}]);
  const invalid = await on.root.settings.update({ meta: { appName: "" } }).catch((error) => error);
  expect(invalid.response.data.meta.appName.code).toBe("validation_required");
});

test("S59 a limit of requests holds for guests, not for superusers", async () => {
  const rules = [{ label: "posts:list", audience: "", duration: 60, maxRequests: 2 }];
  await on.root.settings.update({ rateLimits: { enabled: true, rules } });
  const posts = on.client().collection("posts");
  for (let i = 0; i < 2; i++) await posts.getList();
  expect(await refusal(posts.getList())).toEqual([429, {}]);
  for (let i = 0; i < 3; i++) await on.root.collection("posts").getList();
  await on.root.settings.update({ rateLimits: { enabled: false } });
  expect((await posts.getList()).items).toEqual([]);
});

test("S60 requests are logged, listed, counted and shown one by one", async () => {
  await on
    .client()
    .send("/api/nothing-here", {})
    .catch(() => undefined);
  const filter = "data.url ~ 'nothing-here'";
  const [log] = await until("the log", WAIT_MS, async () => {
    const { items } = await on.root.logs.getList(1, 5, { filter, sort: "-created" });
    return items.length > 0 && items;
  });
  expect(log?.data).toMatchObject({ type: "request", method: "GET", status: 404, auth: "" });
  expect(await on.root.logs.getOne(log?.id ?? "")).toEqual(log as never);
  const stats = await on.root.logs.getStats({ filter });
  expect(stats).toEqual([{ date: expect.stringMatching(/:00:00\.000Z$/), total: 1 }]);
  expect(await refusal(on.client().logs.getList())).toEqual([401, {}]);
});

test("S60 jobs are listed and started by hand", async () => {
  const jobs = await on.root.crons.getFullList();
  expect(jobs).toContainEqual({ id: "__pbLogsCleanup__", expression: "0 */6 * * *" });
  expect(await on.root.crons.run("__pbLogsCleanup__")).toBe(true);
  expect(await refusal(on.root.crons.run("none"))).toEqual([404, {}]);
});

test("S60 backups are made, uploaded, downloaded, deleted and restored from", async () => {
  const { backups, files } = on.root;
  await on.root.collection("posts").create({ id: "then", title: "kept" });
  expect(await backups.create("then.zip")).toBe(true);
  expect(await refusal(backups.create("then.zip"))).toEqual([
    400,
    { name: "validation_backup_name_exists" },
  ]);
  const [made] = await backups.getFullList();
  expect(made).toMatchObject({ key: "then.zip" });
  const download = await fetch(backups.getDownloadURL(await files.getToken(), "then.zip"));
  expect(download.headers.get("content-type")).toBe("application/zip");
  const bytes = await download.arrayBuffer();
  expect(bytes.byteLength).toBe(made?.size ?? 0);
  expect((await fetch(backups.getDownloadURL("wrong", "then.zip"))).status).toBe(403);
  const file = new File([bytes], "copy.zip", { type: "application/zip" });
  expect(await backups.upload({ file })).toBe(true);
  expect(await backups.delete("then.zip")).toBe(true);
  expect((await backups.getFullList()).map(({ key }) => key)).toEqual(["copy.zip"]);

  await on.root.collection("posts").create({ id: "since" });
  expect(await stored()).toBe("since then");
  expect(await backups.restore("copy.zip")).toBe(true);
  await until("what was restored", WAIT_MS, async () => {
    return (await stored().catch(() => "")) === "then";
  });
  expect((await on.root.collection("posts").getOne("then")).title).toBe("kept");
}, 60_000);

test("S61 what no route answers, and what cannot be read, is refused as JSON", async () => {
  const client = on.client();
  expect(await refusal(client.send("/api/unknown", {}))).toEqual([404, {}]);
  const records = `${on.url}/api/collections/posts/records`;
  const type = { "content-type": "application/json" };
  const malformed = await fetch(records, { method: "POST", headers: type, body: '{"title":' });
  expect(malformed.status).toBe(400);
  expect(await malformed.json()).toMatchObject({ status: 400, data: {} });
  const body = JSON.stringify({ title: "x".repeat(33 * 1024 * 1024) });
  const large = await fetch(records, { method: "POST", headers: type, body }).catch(
    () => undefined,
  );
  expect(large?.status ?? 413).toBe(413);
  expect((await client.health.check()).code).toBe(200);
});

test("S61 DELETE with a type and no body, HEAD, and preflights are answered", async () => {
  await on.root.collection("posts").create({ id: "gone" });
  const record = `${on.url}/api/collections/posts/records/gone`;
  const headers = { "content-type": "application/json" };
  const head = await fetch(record, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await fetch(record, { method: "DELETE", headers })).status).toBe(204);
  const preflight = await fetch(record, {
    method: "OPTIONS",
    headers: {
      origin: "https://elsewhere.example",
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
  expect(preflight.headers.get("access-control-allow-methods")).toContain("PATCH");
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
});

test("S62 of two equal calls the first is aborted, and the server minds it not", async () => {
  const client = on.client().autoCancellation(true);
  for (let round = 0; round < 20; round++) {
    const first = client.collection("posts").getList();
    const second = client.collection("posts").getList();
    const error = await first.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ClientResponseError);
    expect([error.isAbort, error.status]).toEqual([true, 0]);
    expect((await second).page).toBe(1);
  }
  expect((await client.health.check()).code).toBe(200);
  expect(on.log()).not.toMatch(/\berror\b/i);
});
