/** Backups through the official client, on a server that listens; restores across its lives. */

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import PocketBase from "pocketbase";
import { LIMITS } from "../../src/base/limits.ts";
import { silentLog } from "../../src/base/log.ts";
import { Records } from "../../src/features/records/index.ts";
import { unpackArchive } from "../../src/infra/archive/unpack.ts";
import { openAssets } from "../../src/infra/assets/assets.ts";
import { createHttp, type HttpServer } from "../../src/server.ts";
import { ACCESS_KEY, BUCKET, startFakeS3 } from "../unit/storage-fixture.ts";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";

let server: AppFixture;
let http: HttpServer;
let client: PocketBase;
let restarts: number;
let dir: string;

async function open(given: Parameters<typeof freshApp>[2] = {}): Promise<void> {
  server = await freshApp({ features: "none", http: "127.0.0.1:0" }, {}, given);
  dir = server.dir;
  const assets = openAssets(join(dir, "assets"));
  http = createHttp(server.app, { assets, log: silentLog() });
  client = new PocketBase(http.listen().url).autoCancellation(false);
}

/** The same data directory in a new life. */
async function reopen(): Promise<void> {
  await http.stop();
  await server.app.stop();
  await open({ dir });
  await client.collection("_superusers").authWithPassword("root@example.com", PASSWORD);
}

beforeEach(async () => {
  restarts = 0;
  await open({ restart: () => void restarts++ });
  client.authStore.save(await server.superuser());
  await client.collections.create({
    name: "posts",
    type: "base",
    fields: [
      { name: "title", type: "text" },
      { name: "file", type: "file", maxSelect: 1 },
    ],
  });
});

afterEach(async () => {
  await http.stop();
  await server.app.stop();
  rmSync(dir, { recursive: true, force: true });
});

const post = (title: string) =>
  client.collection("posts").create({ title, file: new File([`of ${title}`], "it.txt") });
const titles = async () =>
  (await client.collection("posts").getFullList({ sort: "title" })).map(({ title }) => title);
const keys = async () => (await client.backups.getFullList()).map(({ key }) => key);
const temporary = () => readdirSync(join(dir, ".pb_temp_to_delete"));

/** A backup unpacked beside the data directory. */
async function unpacked(name: string): Promise<string> {
  const target = join(dir, "unpacked");
  await unpackArchive({ path: join(dir, "backups", name), target, bytesMax: 1e9 });
  return target;
}

describe("a backup", () => {
  test("is made, listed, sent and deleted", async () => {
    await post("one");
    await client.backups.create("first.zip");
    await client.backups.create("");
    expect(await keys()).toEqual(["first.zip", "pb_backup_acme_20240110120000.zip"]);
    const [first] = await client.backups.getFullList();
    expect(first?.size).toBe(statSync(join(dir, "backups/first.zip")).size);
    const url = client.backups.getDownloadURL(await client.files.getToken(), "first.zip");
    const answer = await fetch(url);
    expect(answer.headers.get("content-type")).toBe("application/zip");
    expect((await answer.bytes()).length).toBe(first?.size ?? 0);
    const part = await fetch(url, { headers: { range: "bytes=0-1" } });
    expect([part.status, await part.text()]).toEqual([206, "PK"]);
    expect((await fetch(url.replace(/token=.*/, "token=x"))).status).toBe(403);
    await client.backups.delete("first.zip");
    expect(await keys()).toEqual(["pb_backup_acme_20240110120000.zip"]);
    expect(temporary()).toEqual([]);
  });

  test("holds the databases and the files, and nothing of the place", async () => {
    const { id, collectionId, file } = await post("one");
    mkdirSync(join(dir, ".autocert_cache"));
    writeFileSync(join(dir, ".autocert_cache/key"), "key");
    await client.logs.getStats();
    await client.backups.create("first.zip");
    const folder = await unpacked("first.zip");
    expect(readdirSync(folder).sort()).toEqual(["auxiliary.db", "data.db", "storage"]);
    expect(existsSync(join(folder, "storage", collectionId, id, file))).toBe(true);
    const db = new Database(join(folder, "data.db"));
    expect(db.query("SELECT title FROM posts").all()).toEqual([{ title: "one" }]);
    db.close();
  });

  test("holds all that was written before it and no half of what is written meanwhile", async () => {
    await post("before");
    let running = true;
    const writing = (async () => {
      for (let index = 0; running; index++) {
        const context = server.app.context();
        await context.transaction(async () => {
          const sql = "INSERT INTO posts (id, title, file) VALUES (?, ?, '')";
          for (const half of ["a", "b"]) {
            const id = `${half}${String(index).padStart(14, "0")}`;
            await context.tx.run(sql, id, `pair ${index}`);
          }
        });
      }
    })();
    await client.backups.create("busy.zip");
    running = false;
    await writing;
    const db = new Database(join(await unpacked("busy.zip"), "data.db"));
    const rows = db.query(
      "SELECT count(*) AS n FROM posts GROUP BY title HAVING title != 'before'",
    );
    expect(new Set(rows.all().map((row) => (row as { n: number }).n))).toEqual(new Set([2]));
    expect(db.query("SELECT 1 FROM posts WHERE title = 'before'").get()).not.toBeNull();
    db.close();
  });

  test("is one at a time, and health says so", async () => {
    const canBackup = async () => (await client.health.check()).data.canBackup;
    expect(await canBackup()).toBe(true);
    const making = client.backups.create("first.zip");
    await Bun.sleep(0);
    const answers = await Promise.allSettled([
      making,
      client.backups.create("second.zip"),
      client.backups.create("third.zip"),
    ]);
    const refused = answers.filter(({ status }) => status === "rejected");
    expect(refused).toMatchObject([{ reason: { status: 400 } }, { reason: { status: 400 } }]);
    expect(await canBackup()).toBe(true);
  });

  test("that was sent is kept under its name", async () => {
    await client.backups.create("first.zip");
    const bytes = await Bun.file(join(dir, "backups/first.zip")).bytes();
    await client.backups.upload({ file: new File([bytes], "Sent it.zip") });
    expect(await keys()).toEqual(["Sent it.zip", "first.zip"]);
    const text = client.backups.upload({ file: new File(["no zip"], "text.zip") });
    expect(text).rejects.toMatchObject({
      status: 400,
      response: { data: { file: { code: "validation_invalid_mime_type" } } },
    });
    await text.catch(() => undefined);
    expect(await keys()).toHaveLength(2);
  });

  test("goes to the bucket that the settings name, and is restored from there", async () => {
    const s3 = startFakeS3();
    try {
      await client.settings.update({
        backups: {
          s3: {
            enabled: true,
            bucket: BUCKET,
            region: "r",
            endpoint: `http://127.0.0.1:${s3.port}`,
            accessKey: ACCESS_KEY,
            secret: "s",
            forcePathStyle: true,
          },
        },
      });
      await client.settings.testS3("backups");
      expect([...s3.objects.keys()]).toEqual([]);
      await client.backups.create("first.zip");
      expect([...s3.objects.keys()]).toEqual(["first.zip"]);
      expect(existsSync(join(dir, "backups"))).toBe(false);
      await client.backups.restore("first.zip");
      await server.clock.advance(LIMITS.restartDelayMs);
      expect(restarts).toBe(1);
    } finally {
      await s3.stop();
    }
  });
});

describe("the schedule", () => {
  test("makes backups of its own and keeps the newest", async () => {
    await client.backups.create("mine.zip");
    await client.settings.update({ backups: { cron: "0 * * * *", cronMaxKeep: 2 } });
    for (let hour = 0; hour < 3; hour++) {
      await server.clock.advance(3_600_000);
      // One that still runs is left out the next time.
      await server.app.kernel.registry.service(Records).scheduler.idle();
    }
    expect(await keys()).toEqual([
      "@auto_pb_backup_acme_20240110140000.zip",
      "@auto_pb_backup_acme_20240110150000.zip",
      "mine.zip",
    ]);
  });
});

describe("a restore", () => {
  test("puts back rows, files and settings with the next start", async () => {
    const { file, collectionId, id } = await post("kept");
    await client.settings.update({ meta: { appName: "Then" } });
    await client.backups.create("then.zip");
    await post("lost");
    await client.collection("posts").delete(id);
    await client.settings.update({ meta: { appName: "Now" } });
    await client.backups.restore("then.zip");
    expect(restarts).toBe(0);
    await server.clock.advance(LIMITS.restartDelayMs);
    expect(restarts).toBe(1);
    await reopen();
    expect(await titles()).toEqual(["kept"]);
    expect((await client.settings.getAll()).meta.appName).toBe("Then");
    const url = `${client.baseURL}/api/files/${collectionId}/${id}/${file}`;
    expect(await (await fetch(url)).text()).toBe("of kept");
    expect(await keys()).toEqual(["then.zip"]);
    expect(temporary()).toEqual([]);
    expect(existsSync(join(dir, ".restore.json"))).toBe(false);
  });

  test.each([
    ["missing", undefined],
    ["empty", "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="],
  ])("of one that is %s is refused and changes nothing", async (_, base64) => {
    await post("kept");
    if (base64) {
      const bytes = Buffer.from(base64, "base64");
      await client.backups.upload({ file: new File([bytes], "bad.zip") });
    }
    const restoring = client.backups.restore("bad.zip");
    expect(restoring).rejects.toMatchObject({ status: 400 });
    await restoring.catch(() => undefined);
    await server.clock.advance(LIMITS.restartDelayMs);
    expect(restarts).toBe(0);
    expect((await client.health.check()).data.canBackup).toBe(true);
    await reopen();
    expect(await titles()).toEqual(["kept"]);
  });

  test("of data that the server cannot start on gives way to the old", async () => {
    await client.backups.create("then.zip");
    await post("kept");
    await client.backups.restore("then.zip");
    const [name = ""] = temporary().filter((one) => one.startsWith("restore_"));
    const restored = join(dir, ".pb_temp_to_delete", name, "data.db");
    const db = new Database(restored);
    db.run("INSERT OR REPLACE INTO _params (id, value) VALUES ('settings', 'sealed elsewhere')");
    db.close();
    await reopen();
    expect(await titles()).toEqual(["kept"]);
    expect(existsSync(join(dir, ".restore.json"))).toBe(false);
  });

  test("is refused where the process cannot start itself anew", async () => {
    await client.backups.create("then.zip");
    await reopen();
    const restoring = client.backups.restore("then.zip");
    expect(restoring).rejects.toMatchObject({ status: 400 });
    await restoring.catch(() => undefined);
    expect(existsSync(join(dir, ".restore.json"))).toBe(false);
  });
});
