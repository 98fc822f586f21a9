/** Downloads: headers, ranges, thumbs, protected files, files of views, files in a bucket. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordModel } from "pocketbase";
import { ACCESS_KEY, BUCKET, startFakeS3 } from "../unit/storage-fixture.ts";
import { PASSWORD } from "./app-fixture.ts";
import { type FilesFixture, filesFixture, pictureFile, sizeOf, textFile } from "./files-fixture.ts";

type Query = Record<string, string>;

const docs = (fixture: FilesFixture) => fixture.guest.collection("docs");

function get(
  fixture: FilesFixture,
  [record, name]: readonly [RecordModel, string],
  { query = {}, ...init }: RequestInit & { readonly query?: Query } = {},
): Promise<Response> {
  return fetch(fixture.guest.files.getURL(record, name, query), init);
}

test("a file comes with its type, how to show it, for how long, and harmless", async () => {
  await using fixture = await filesFixture();
  const rows: [File, Query, string, "inline" | "attachment"][] = [
    [await pictureFile("p.png"), {}, "image/png", "inline"],
    [await pictureFile("p.png"), { download: "0" }, "image/png", "inline"],
    [await pictureFile("p.png"), { download: "1" }, "image/png", "attachment"],
    [await pictureFile("p.png"), { download: "true" }, "image/png", "attachment"],
    [textFile("t.txt"), {}, "text/plain; charset=utf-8", "attachment"],
    [textFile("t.html", "<html>"), {}, "text/html; charset=utf-8", "attachment"],
    [textFile("t.css", "a { }"), {}, "text/css", "attachment"],
    [textFile("t.svg", "<svg/>"), {}, "image/svg+xml", "attachment"],
    [textFile("t.pdf", "%PDF-1.7"), {}, "application/pdf", "inline"],
    [textFile("empty.txt", ""), {}, "text/plain", "attachment"],
  ];
  for (const [file, query, type, shown] of rows) {
    const record = await docs(fixture).create({ one: file });
    const response = await get(fixture, [record, record.one], { query });
    const { headers } = response;
    expect([response.status, headers.get("content-type")]).toEqual([200, type]);
    expect(headers.get("content-disposition")).toBe(`${shown}; filename=${record.one}`);
    expect(headers.get("content-security-policy")).toContain("sandbox");
    expect(headers.get("cache-control")).toBe("max-age=2592000, stale-while-revalidate=86400");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBeNull();
    expect(await response.bytes()).toEqual(await file.bytes());
  }
});

test("parts, conditions and HEAD", async () => {
  await using fixture = await filesFixture();
  const record = await docs(fixture).create({ one: textFile("a.txt", "0123456789") });
  const first = await get(fixture, [record, record.one]);
  const [changed, etag] = ["last-modified", "etag"].map((name) => first.headers.get(name) ?? "");
  const rows: [Record<string, string>, number, string, string | null][] = [
    [{}, 200, "0123456789", null],
    [{ range: "bytes=2-4" }, 206, "234", "bytes 2-4/10"],
    [{ range: "bytes=7-" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=-3" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=8-99" }, 206, "89", "bytes 8-9/10"],
    [{ range: "bytes=10-" }, 416, "", "bytes */10"],
    [{ range: "bytes=0-1,4-5" }, 200, "0123456789", null],
    [{ range: "lines=1" }, 200, "0123456789", null],
    [{ range: "bytes=2-4", "if-range": etag ?? "" }, 206, "234", "bytes 2-4/10"],
    [{ range: "bytes=2-4", "if-range": '"other"' }, 200, "0123456789", null],
    [{ "if-modified-since": changed ?? "" }, 304, "", null],
    [{ "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }, 200, "0123456789", null],
    [{ "if-none-match": etag ?? "" }, 304, "", null],
    [{ "if-match": '"other"' }, 412, "", null],
  ];
  for (const [headers, status, body, range] of rows) {
    const response = await get(fixture, [record, record.one], { headers });
    const got = [response.status, await response.text(), response.headers.get("content-range")];
    expect({ headers, got }).toEqual({ headers, got: [status, body, range] });
  }
  const head = await get(fixture, [record, record.one], { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
  expect(head.headers.get("content-type")).toBe("text/plain; charset=utf-8");
});

test("what is not there is 404: collection, record, name, file, or a way out of the folder", async () => {
  await using fixture = await filesFixture();
  const record = await docs(fixture).create({ title: "x", one: textFile("a.txt") });
  const path = `${record.collectionId}/${record.id}`;
  const rows = [
    `none/${record.id}/${record.one}`,
    `docs/none/${record.one}`,
    `docs/${record.id}/none.txt`,
    `docs/${record.id}/x`,
    `docs/${record.id}/${record.one}.attrs`,
    `docs/${record.id}/${encodeURIComponent(`../${record.id}/${record.one}`)}`,
  ];
  for (const row of rows) {
    const response = await fetch(`${fixture.url}/api/files/${row}`);
    expect([row, response.status]).toEqual([row, 404]);
    expect(response.headers.get("x-frame-options")).toBe("SAMEORIGIN");
  }
  for (const place of [path, `docs/${record.id}`, `DOCS/${record.id}`]) {
    const response = await fetch(`${fixture.url}/api/files/${place}/${record.one}`);
    expect([place, response.status]).toEqual([place, 200]);
  }
  await Bun.file(join(fixture.app.dir, "storage", path, record.one)).delete();
  expect((await get(fixture, [record, record.one])).status).toBe(404);
});

test("thumbs come in the sizes that the field names, and only of pictures", async () => {
  await using fixture = await filesFixture();
  const record = await docs(fixture).create({
    one: await pictureFile("p.png", 200, 100),
    many: [textFile("t.txt"), await pictureFile("q.png", 50, 50)],
  });
  const broken = await docs(fixture).create({ one: textFile("b.png", "\x89PNG\r\n\x1a\nxx") });
  const rows: [RecordModel, string, string, string][] = [
    [record, record.one, "100x100", "png 100x100"],
    [record, record.one, "0x20", "png 40x20"],
    [record, record.one, "40x30f", "png 40x20"],
    [record, record.one, "50x50", "png 200x100"],
    [record, record.one, "", "png 200x100"],
    [record, record.many[1], "100x100", "png 100x100"],
    [record, record.many[1], "0x20", "png 50x50"],
  ];
  for (const [of, name, thumb, size] of rows) {
    const response = await get(fixture, [of, name], { query: { thumb } });
    expect([thumb, response.status]).toEqual([thumb, 200]);
    const made = ["100x100", "0x20", "40x30f"].includes(thumb) && size !== "png 50x50";
    const shown = response.headers.get("content-disposition");
    expect(shown).toBe(`inline; filename=${made ? `${thumb}_` : ""}${name}`);
    expect([thumb, await sizeOf(await response.arrayBuffer())]).toEqual([thumb, size]);
  }
  const text = await get(fixture, [record, record.many[0]], { query: { thumb: "100x100" } });
  expect(await text.text()).toBe("t.txt");
  expect((await get(fixture, [broken, broken.one], { query: { thumb: "100x100" } })).status).toBe(
    200,
  );
  const thumbs = (await fixture.stored()).filter((path) => path.includes("thumbs_"));
  const folder = `${record.collectionId}/${record.id}/thumbs_${record.one}`;
  expect(thumbs.filter((path) => path.startsWith(folder))).toEqual([
    `${folder}/0x20_${record.one}`,
    `${folder}/100x100_${record.one}`,
    `${folder}/40x30f_${record.one}`,
  ]);
});

test("a thumb is made once for all who ask, and then kept", async () => {
  await using fixture = await filesFixture();
  const record = await docs(fixture).create({ one: await pictureFile("p.png", 800, 800) });
  const query = { thumb: "100x100" };
  const many = Array.from({ length: 20 }, () => get(fixture, [record, record.one], { query }));
  const answers = await Promise.all(many);
  const tags = new Set(answers.map(({ headers }) => headers.get("etag")));
  expect([answers.every(({ status }) => status === 200), tags.size]).toEqual([true, 1]);
  const folder = join(fixture.app.dir, "storage", record.collectionId, record.id);
  writeFileSync(join(folder, `thumbs_${record.one}`, `100x100_${record.one}`), "kept");
  expect(await (await get(fixture, [record, record.one], { query })).text()).toBe("kept");
});

test("a protected file is for those who may view its record, by a token of their own", async () => {
  await using fixture = await filesFixture();
  const alice = await fixture.app.signUp("Alice");
  const bob = await fixture.app.signUp("Bob");
  const rules = {
    viewRule: `@request.auth.id = '${alice.id}' && @request.context = 'protectedFile'`,
  };
  await fixture.admin.collections.update("docs", rules);
  const record = await fixture.admin.collection("docs").create({
    secret: textFile("s.txt"),
    one: textFile("o.txt"),
  });
  const status = async (token: string) =>
    (await get(fixture, [record, record.secret], { query: token ? { token } : {} })).status;
  const fileToken = (token: string) => fixture.client(token).files.getToken();
  const alices = await fileToken(alice.token);
  const rows: [string, number][] = [
    ["", 404],
    ["nonsense", 404],
    [alice.token, 404],
    [await fileToken(bob.token), 404],
    [alices, 200],
    [await fixture.admin.files.getToken(), 200],
  ];
  for (const [index, [token, expected]] of rows.entries()) {
    expect([index, await status(token)]).toEqual([index, expected]);
  }
  // The call's own token is not asked, and what is not protected needs none.
  const headers = { authorization: alice.token };
  expect((await get(fixture, [record, record.secret], { headers })).status).toBe(404);
  expect((await get(fixture, [record, record.one])).status).toBe(200);
  await fixture.admin.collections.update("docs", { viewRule: null });
  expect([await status(alices), await status(await fixture.admin.files.getToken())]).toEqual([
    404, 200,
  ]);
  await fixture.admin.collections.update("docs", { viewRule: "" });
  expect(await status("")).toBe(200);
});

test("file tokens are for who is signed in, and end soon", async () => {
  await using fixture = await filesFixture();
  const guest = await fixture.app.request("POST", "/api/files/token");
  expect([guest.status, guest.body.data]).toEqual([401, {}]);
  const { token } = await fixture.app.signUp("Alice");
  await fixture.admin.collections.update("docs", { viewRule: "@request.auth.id != ''" });
  const record = await fixture.admin.collection("docs").create({ secret: textFile("s.txt") });
  const query = { token: await fixture.client(token).files.getToken() };
  expect((await get(fixture, [record, record.secret], { query })).status).toBe(200);
  await fixture.app.clock.advance(181_000);
  expect((await get(fixture, [record, record.secret], { query })).status).toBe(404);
  // As the token of a call it stands for nobody.
  const asAuth = await fixture.app.request("POST", "/api/files/token", { token: query.token });
  expect(asAuth.status).toBe(401);
});

test("a view shows the files of the records that it is made from", async () => {
  await using fixture = await filesFixture();
  const record = await docs(fixture).create({
    one: await pictureFile("p.png"),
    many: [textFile("a.txt"), textFile("b.txt")],
  });
  await fixture.admin.collections.create({
    name: "shown",
    type: "view",
    listRule: "",
    viewRule: "",
    viewQuery: "SELECT (ROW_NUMBER() OVER()) as id, d.one AS pic, d.many FROM docs d",
  });
  await fixture.admin.collections.create({
    name: "again",
    type: "view",
    listRule: "",
    viewRule: "",
    viewQuery: "SELECT s.id, s.pic AS image FROM shown s",
  });
  const { items } = await fixture.guest.collection("shown").getList(1, 1);
  const row = items[0] as RecordModel;
  expect(await (await get(fixture, [row, row.many[1]])).text()).toBe("b.txt");
  const thumb = await get(fixture, [row, row.pic], { query: { thumb: "100x100" } });
  expect(await sizeOf(await thumb.arrayBuffer())).toBe("png 100x100");
  const again = await fixture.guest.collection("again").getFirstListItem("image != ''");
  expect((await get(fixture, [again, again.image])).status).toBe(200);
  expect((await fixture.stored()).every((path) => path.startsWith(record.collectionId))).toBe(true);
});

test("files are kept in a bucket as soon as the settings say so, and found there", async () => {
  const s3 = startFakeS3();
  try {
    await using fixture = await filesFixture();
    const before = await docs(fixture).create({ one: textFile("before.txt") });
    await fixture.admin.settings.update({
      s3: {
        enabled: true,
        bucket: BUCKET,
        region: "eu",
        endpoint: `http://127.0.0.1:${s3.port}`,
        accessKey: ACCESS_KEY,
        secret: "secret",
        forcePathStyle: true,
      },
    });
    const file = await pictureFile("p.png");
    const large = new File([Buffer.alloc(250_000, "x")], "large.txt");
    const record = await docs(fixture).create({ one: file, many: [textFile("t.txt")] });
    await docs(fixture).update(record.id, { secret: large });
    expect((await get(fixture, [before, before.one])).status).toBe(404);
    const whole = await get(fixture, [record, record.one]);
    expect(await whole.bytes()).toEqual(await file.bytes());
    const part = await get(fixture, [record, record.many[0]], { headers: { range: "bytes=2-4" } });
    expect([part.status, await part.text()]).toEqual([206, "txt"]);
    const thumb = await get(fixture, [record, record.one], { query: { thumb: "100x100" } });
    expect(await sizeOf(await thumb.arrayBuffer())).toBe("png 100x100");
    const head = await get(fixture, [record, record.one], { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(file.size));
    expect([...s3.objects.keys()].length).toBe(4);
    expect(fixture.uploads()).toEqual([]);
    await docs(fixture).delete(record.id);
    expect((await fixture.stored()).length).toBe(1);
    expect([...s3.objects.keys()]).toEqual([]);
  } finally {
    await s3.stop();
  }
});

test("an account's picture is a file like others", async () => {
  await using fixture = await filesFixture();
  const user = await fixture.guest.collection("users").create({
    email: "carol@example.com",
    password: PASSWORD,
    passwordConfirm: PASSWORD,
    avatar: await pictureFile("me.png"),
  });
  expect((await get(fixture, [user, user.avatar])).status).toBe(200);
  const wrong = fixture.guest.collection("users").create({
    email: "dave@example.com",
    password: PASSWORD,
    passwordConfirm: PASSWORD,
    avatar: textFile("me.png"),
  });
  await expect(wrong).rejects.toMatchObject({ status: 400 });
});
