/** The official client's services for settings, the log and cron jobs, on a server that listens. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { silentLog } from "../../src/base/log.ts";
import { openAssets } from "../../src/infra/assets/assets.ts";
import { createHttp, type HttpServer } from "../../src/server.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

let server: AppFixture;
let http: HttpServer;
let admin: PocketBase;
let guest: PocketBase;

beforeAll(async () => {
  server = await freshApp({ features: "none", http: "127.0.0.1:0" });
  const assets = openAssets(join(server.dir, "assets"));
  http = createHttp(server.app, { assets, log: silentLog() });
  const { url } = http.listen();
  admin = new PocketBase(url).autoCancellation(false);
  guest = new PocketBase(url).autoCancellation(false);
  admin.authStore.save(await server.superuser());
});

afterAll(async () => {
  await http.stop();
  await server[Symbol.asyncDispose]();
});

const statusOf = (call: Promise<unknown>) =>
  call.then(
    () => 200,
    (error: { status: number }) => error.status,
  );

test("settings are read, changed, picked from, and nobody else's", async () => {
  const before = await admin.settings.getAll({ fields: "meta.appName" });
  expect(before).toEqual({ meta: { appName: "Acme" } });
  const changed = await admin.settings.update({ meta: { appName: "Changed" } });
  expect(changed.meta).toMatchObject({ appName: "Changed", senderName: "Support" });
  expect([
    await statusOf(guest.settings.getAll()),
    await statusOf(admin.settings.testS3("storage")),
    await statusOf(admin.settings.testEmail("users", "nobody", "otp")),
    await statusOf(admin.settings.generateAppleClientSecret("a", "b", "c", "d", 1)),
  ]).toEqual([401, 400, 400, 400]);
  await admin.settings.testEmail("users", "me@example.com", "verification");
});

test("the log is listed, looked into and counted", async () => {
  await guest.health.check({ query: { traced: 1 } });
  const filter = "data.url ~ 'traced'";
  const { items, totalItems } = await admin.logs.getList(1, 10, { filter, sort: "-created" });
  expect([items.length, totalItems]).toEqual([1, 1]);
  const [entry] = items;
  expect(await admin.logs.getOne(entry?.id ?? "")).toEqual(entry ?? ({} as never));
  expect(await admin.logs.getStats({ filter })).toMatchObject([{ total: 1 }]);
  expect(await statusOf(admin.logs.getOne("nope"))).toBe(404);
});

test("cron jobs are listed and run", async () => {
  const ids = (await admin.crons.getFullList()).map(({ id }) => id);
  expect(ids).toContain("__pbDBOptimize__");
  expect(await admin.crons.run("__pbDBOptimize__")).toBe(true);
  expect(await statusOf(admin.crons.run("nope"))).toBe(404);
});

test("health says more to superusers", async () => {
  expect((await guest.health.check()).data).toEqual({} as never);
  expect((await admin.health.check()).data).toEqual({
    canBackup: true,
    realIP: "127.0.0.1",
    possibleProxyHeader: "",
  } as never);
});
