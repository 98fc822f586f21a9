/**
 * What a compiled executable may lack though the source has it: codecs, workers, files that are
 * embedded, packages that load parts of themselves late.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { fromBuffer } from "yauzl";
import { MailSink } from "../compat/services.ts";
import {
  freshHome,
  type Home,
  type RunningServer,
  run,
  startServer,
} from "../fixtures/executable.ts";
import { until } from "../fixtures/until.ts";

const WAIT_MS = 15_000;
const ROOT = ["root@example.com", "secret-1234"] as const;
const PUBLIC = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };
const DOT =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

let home: Home;
let server: RunningServer;
let root: PocketBase;

beforeAll(async () => {
  // Neither Bun nor Node has one of its own.
  Object.assign(globalThis, { EventSource });
  home = freshHome();
  server = await startServer(home);
  const made = await run(home, ["superuser", "upsert", ...ROOT, "--dir", server.dir]);
  expect(made.code).toBe(0);
  root = new PocketBase(server.url).autoCancellation(false);
  await root.collection("_superusers").authWithPassword(...ROOT);
  const fields = [
    { name: "title", type: "text" },
    { name: "file", type: "file", maxSelect: 1, maxSize: 4_000_000 },
    { name: "made", type: "autodate", onCreate: true },
  ];
  await root.collections.create({ name: "papers", type: "base", ...PUBLIC, fields });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const encoded = () => new Bun.Image(Buffer.from(DOT, "base64")).resize(200, 120, { fit: "fill" });
const PICTURES = [
  ["png", "image/png", () => encoded().png()],
  ["jpg", "image/jpeg", () => encoded().jpeg()],
  ["webp", "image/webp", () => encoded().webp()],
] as const;

test.each(PICTURES)("a picture becomes a thumb: %s", async (suffix, type, image) => {
  const bytes = new Uint8Array(await image().bytes());
  const file = new File([bytes], `view.${suffix}`, { type });
  const paper = await root.collection("papers").create({ file });
  const url = root.files.getURL(paper, paper.file);
  expect((await (await fetch(url)).bytes()).byteLength).toBe(bytes.byteLength);
  const thumb = await fetch(`${url}?thumb=100x100`);
  const { width, height } = await new Bun.Image(await thumb.arrayBuffer()).metadata();
  expect([thumb.status, width, height]).toEqual([200, 100, 100]);
});

test("large uploads arrive whole side by side, and too large ones do not", async () => {
  const papers = root.collection("papers");
  const upload = async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const content = Buffer.concat(Array.from({ length: 32 }, () => bytes));
    const paper = await papers.create({ file: new File([content], "large.bin") });
    const got = await fetch(root.files.getURL(paper, paper.file));
    return Bun.hash(await got.arrayBuffer()) === Bun.hash(content);
  };
  expect(await Promise.all(Array.from({ length: 6 }, upload))).toEqual(Array(6).fill(true));
  const huge = papers.create({ file: new File([new Uint8Array(4_000_001)], "huge.bin") });
  const error = await huge.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    status: 400,
    response: { data: { file: { code: "validation_file_size_limit" } } },
  });
});

test("a mail goes out by SMTP", async () => {
  using mails = new MailSink();
  const smtp = { enabled: true, host: "127.0.0.1", port: mails.port };
  await root.settings.update({ smtp });
  expect(await root.settings.testEmail("users", "ann@example.com", "verification")).toBe(true);
  const mail = await mails.take();
  expect(mail?.to).toEqual(["ann@example.com"]);
  expect(mail?.text).toContain("/_/#/auth/confirm-verification/");
  await root.settings.update({ smtp: { enabled: false } });
});

function namesIn(zip: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    fromBuffer(zip, (error, file) => {
      if (error) return reject(error);
      const names: string[] = [];
      file.on("entry", ({ fileName }) => names.push(fileName));
      file.on("end", () => resolve(names));
      file.on("error", reject);
    });
  });
}

test("a backup is a zip with database and files", async () => {
  const paper = await root.collection("papers").create({ file: new File(["words"], "in.txt") });
  expect(await root.backups.create("whole.zip")).toBe(true);
  const token = await root.files.getToken();
  const answer = await fetch(root.backups.getDownloadURL(token, "whole.zip"));
  const zip = Buffer.from(await answer.arrayBuffer());
  const names = await namesIn(zip);
  expect(names).toContain("data.db");
  expect(names).toContain(`storage/${paper.collectionId}/${paper.id}/${paper.file}`);
  const file = new File([zip], "again.zip", { type: "application/zip" });
  expect(await root.backups.upload({ file })).toBe(true);
});

test("changes are heard", async () => {
  const client = new PocketBase(server.url);
  const heard: string[] = [];
  await client.collection("papers").subscribe("*", ({ action, record }) => {
    heard.push(`${action} ${record.title}`);
  });
  await root.collection("papers").create({ title: "news" });
  await until("the event", WAIT_MS, () => heard.length > 0);
  expect(heard).toEqual(["create news"]);
  await client.realtime.unsubscribe();
});

test("long lists are searched and counted off the event loop", async () => {
  await root.settings.update({ batch: { enabled: true, maxRequests: 500 } });
  const batch = root.createBatch();
  for (let i = 0; i < 500; i++) batch.collection("papers").create({ title: `row ${i}` });
  await batch.send();
  const filter = "title ~ 'row' && title ~ '9' && title:lower != 'x'";
  const found = await root.collection("papers").getList(1, 5, { filter, sort: "-title" });
  expect(found.totalItems).toBe(95);
  expect(found.items[0]?.title).toBe("row 99");
});

test("the page of the API has its script and style, and names the records", async () => {
  const page = await (await fetch(`${server.url}/api/docs`)).text();
  const links = [...page.matchAll(/\b(?:src|href)="([^"#]+)"/g)].map((match) => match[1] ?? "");
  expect(links.length).toBeGreaterThan(1);
  for (const link of links) {
    const answer = await fetch(new URL(link, `${server.url}/api/docs`));
    expect([link, answer.status, (await answer.bytes()).byteLength > 100]).toEqual([
      link,
      200,
      true,
    ]);
  }
  const document = (await (await fetch(`${server.url}/api/openapi`)).json()) as {
    paths: Record<string, unknown>;
  };
  expect(Object.keys(document.paths)).toContain("/api/collections/{collection}/records");
});

/** The answer to a GET that comes from another address of this machine. */
function getFrom(localAddress: string, path: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const to = { host: "127.0.0.1", port: Number(new URL(server.url).port), localAddress };
    const socket = createConnection(to);
    const head = ["host: localhost", `authorization: ${token}`, "connection: close"].join("\r\n");
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes.toString();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
    socket.write(`GET ${path} HTTP/1.1\r\n${head}\r\n\r\n`);
  });
}

test("callers are told apart by their addresses, as limits and idle streams need it", async () => {
  for (const address of ["127.0.0.1", "127.0.0.7"]) {
    const answer = await getFrom(address, "/api/health", root.authStore.token);
    expect(answer).toContain(`"realIP":"${address}"`);
  }
});

test("jobs run", async () => {
  for (const { id } of await root.crons.getFullList()) {
    expect(await root.crons.run(id)).toBe(true);
  }
});

test("nothing of this is an error to the server", () => {
  expect(server.log()).toContain("ready in");
  expect(
    server
      .log()
      .split("\n")
      .filter((line) => /\b(error|panic)\b/i.test(line)),
  ).toEqual([]);
});
