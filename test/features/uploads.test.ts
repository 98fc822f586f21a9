/** Files on their way into records: what is stored, refused, replaced and taken back. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { ClientResponseError, RecordModel } from "pocketbase";
import { type RecordEvent, Records } from "../../src/features/records/index.ts";
import { Upload } from "../../src/tools/fields/upload.ts";
import { DOCS, type FilesFixture, filesFixture, pictureFile, textFile } from "./files-fixture.ts";

async function refusal(call: Promise<unknown>): Promise<ClientResponseError> {
  return call.then(
    () => {
      throw new Error("it was not refused");
    },
    (error: ClientResponseError) => error,
  );
}

const MADE = {
  name: "made.txt",
  originalName: "made.txt",
  size: 4,
  mimeType: "text/plain",
  content: { kind: "bytes", bytes: Buffer.from("made") },
} as const;

const docs = (fixture: FilesFixture) => fixture.guest.collection("docs");
const folder = ({ collectionId, id }: RecordModel) => `${collectionId}/${id}`;

describe("with the clients' library", () => {
  test("files come with values of every kind and lie where the reference puts them", async () => {
    await using fixture = await filesFixture();
    const record = await docs(fixture).create({
      title: "1.0",
      meta: { a: [1, "x"] },
      one: await pictureFile("My Photo.png"),
      many: [textFile("a.tar.gz"), textFile("b.txt")],
    });
    expect(record).toMatchObject({ title: "1.0", meta: { a: [1, "x"] }, secret: "" });
    expect(record.one).toMatch(/^my_photo_[a-z0-9]{10}\.png$/);
    expect(record.many).toEqual([
      expect.stringMatching(/^a[a-z0-9]{10}_[a-z0-9]{10}\.tar\.gz$/),
      expect.stringMatching(/^b[a-z0-9]{10}_[a-z0-9]{10}\.txt$/),
    ]);
    const paths = [record.one, ...record.many].map((name) => `${folder(record)}/${name}`);
    expect(await fixture.stored()).toEqual(paths.sort());
    const path = join(fixture.app.dir, "storage", folder(record), record.one);
    expect(JSON.parse(readFileSync(`${path}.attrs`, "utf8"))).toMatchObject({
      "user.content_type": "image/png",
      "user.metadata": { "original-filename": "My Photo.png" },
    });
    expect(fixture.uploads()).toEqual([]);
  });

  test("files are added, put first, taken off by name, kept by name, and cleared", async () => {
    await using fixture = await filesFixture();
    const { id, many } = await docs(fixture).create({ many: textFile("first.txt") });
    const bases = (record: RecordModel) =>
      record.many.map((name: string) => name.replace(/_[a-z0-9]{10}(\.\w+)$/, "$1"));
    const update = (body: Record<string, unknown>) => docs(fixture).update(id, body);
    expect(bases(await update({ "many+": textFile("last.txt") }))).toEqual([
      "first.txt",
      "last.txt",
    ]);
    const three = await update({ "+many": [textFile("new.txt")] });
    expect(bases(three)).toEqual(["new.txt", "first.txt", "last.txt"]);
    expect(bases(await update({ "many-": many[0] }))).toEqual(["new.txt", "last.txt"]);
    expect((await fixture.stored()).length).toBe(2);
    const kept = await update({ many: [three.many[0], textFile("other.txt")] });
    expect(bases(kept)).toEqual(["new.txt", "other.txt"]);
    expect(bases(await update({ many: [textFile("only.txt")] }))).toEqual(["only.txt"]);
    expect((await fixture.stored()).length).toBe(1);
    expect((await update({ many: null })).many).toEqual([]);
    expect(await fixture.stored()).toEqual([]);
    const one = await update({ one: textFile("one.txt") });
    expect((await update({ title: "x" })).one).toBe(one.one);
    expect((await update({ one: "" })).one).toBe("");
    expect(await fixture.stored()).toEqual([]);
  });

  test("what a field does not allow is refused by its name and leaves nothing", async () => {
    await using fixture = await filesFixture();
    const big = new File([Buffer.alloc(300_001, "x")], "big.txt");
    const five = Array.from({ length: 4 }, (_, index) => textFile(`${index}.txt`));
    const rows: [string, Record<string, unknown>, string][] = [
      ["one", { one: big }, "validation_file_size_limit"],
      ["many", { many: [textFile("x.png", "<html>")] }, "validation_invalid_mime_type"],
      ["many", { many: five }, "validation_too_many_files"],
      ["one", { one: "made_up.txt" }, "validation_invalid_file"],
    ];
    for (const [field, body, code] of rows) {
      const { status, response } = await refusal(docs(fixture).create(body));
      expect([status, response.data[field]?.code]).toEqual([400, code]);
    }
    expect(await fixture.stored()).toEqual([]);
    expect(fixture.uploads()).toEqual([]);
  });

  test("a write that fails takes its files back, and leaves those of the record", async () => {
    await using fixture = await filesFixture();
    const record = await docs(fixture).create({ title: "taken", one: textFile("one.txt") });
    const other = await docs(fixture).create({ title: "other", one: textFile("two.txt") });
    const before = await fixture.stored();
    // Above what is kept in memory, so that it waits in a file of its own.
    const large = () => new File([Buffer.alloc(200_000, "x")], "large.txt");
    const double = refusal(docs(fixture).create({ title: "taken", one: large() }));
    expect((await double).response.data.title.code).toBe("validation_not_unique");
    await refusal(docs(fixture).create({ id: record.id, one: large() }));
    await refusal(docs(fixture).update(other.id, { title: "taken", one: large() }));
    expect(await fixture.stored()).toEqual(before);
    expect(fixture.uploads()).toEqual([]);
    const storage = join(fixture.app.dir, "storage", record.collectionId);
    expect(readdirSync(storage).sort()).toEqual([record.id, other.id].sort());
  });

  test("a hook that refuses takes the files back; one that adds a file has it stored", async () => {
    await using fixture = await filesFixture();
    const { hooks } = fixture.app.app.context();
    let refuse = true;
    const added = new Upload({ ...MADE, name: "added.txt" });
    hooks.bind<RecordEvent>("record.create:docs", async (event, next) => {
      event.record = { ...event.record, many: [added] };
      await next();
      if (refuse) throw new Error("no");
    });
    expect((await refusal(docs(fixture).create({ one: textFile("a.txt") }))).status).toBe(500);
    expect(await fixture.stored()).toEqual([]);
    refuse = false;
    const made = await docs(fixture).create({ one: textFile("a.txt") });
    const names = [made.one, "added.txt"].sort();
    expect(await fixture.stored()).toEqual(names.map((name) => `${folder(made)}/${name}`));
  });

  test("a deleted record takes its files and thumbs along, also in a cascade", async () => {
    await using fixture = await filesFixture();
    const { id: collectionId } = await fixture.admin.collections.getOne("docs");
    await fixture.admin.collections.create({
      ...DOCS,
      name: "notes",
      indexes: [],
      fields: [
        { name: "doc", type: "relation", collectionId, cascadeDelete: true, maxSelect: 1 },
        { name: "one", type: "file", maxSelect: 1 },
      ],
    });
    const doc = await docs(fixture).create({ one: await pictureFile("a.png") });
    const note = { doc: doc.id, one: textFile("n.txt") };
    await fixture.guest.collection("notes").create(note);
    await fetch(fixture.guest.files.getURL(doc, doc.one, { thumb: "100x100" }));
    expect((await fixture.stored()).length).toBe(3);
    await docs(fixture).delete(doc.id);
    expect(await fixture.stored()).toEqual([]);
  });

  test("a batch stores the files of each part, or none when one part fails", async () => {
    await using fixture = await filesFixture();
    await fixture.admin.settings.update({ batch: { enabled: true } });
    const run = (title: string) => {
      const batch = fixture.guest.createBatch();
      batch.collection("docs").create({ title: "one", one: textFile("one.txt") });
      batch.collection("docs").create({ title, many: [textFile("x.txt"), textFile("y.txt")] });
      return batch.send();
    };
    expect((await refusal(run("one"))).status).toBe(400);
    expect(await fixture.stored()).toEqual([]);
    const [first, second] = await run("two");
    expect(first?.body.one).toMatch(/^one_[a-z0-9]{10}_[a-z0-9]{10}\.txt$/);
    expect(second?.body.many.length).toBe(2);
    expect((await fixture.stored()).length).toBe(3);
    expect(fixture.uploads()).toEqual([]);
  });
});

test("rules see the names that were there, not the uploads", async () => {
  await using fixture = await filesFixture();
  await fixture.admin.collections.update("docs", { createRule: "@request.body.one = ''" });
  const record = await docs(fixture).create({ one: textFile("a.txt") });
  expect(record.one).not.toBe("");
});

test("a large upload is never whole in memory, and its temporary file is gone after it", async () => {
  await using fixture = await filesFixture();
  const fields = [{ name: "big", type: "file", maxSelect: 1, maxSize: 200_000_000 }];
  await fixture.admin.collections.create({ ...DOCS, name: "bigs", fields, indexes: [] });
  const form = new FormData();
  const chunk = Buffer.alloc(1024 * 1024, "x");
  form.append(
    "big",
    new File(
      Array.from({ length: 64 }, () => chunk),
      "big.bin",
    ),
  );
  const record = await fixture.guest.collection("bigs").create(form);
  const [path = ""] = await fixture.stored();
  expect(Bun.file(join(fixture.app.dir, "storage", path)).size).toBe(64 * 1024 * 1024);
  expect(record.big).toMatch(/\.bin$/);
  expect(fixture.uploads()).toEqual([]);
}, 30_000);

test("a body above what the fields may take is 413, whatever the form of its length", async () => {
  await using fixture = await filesFixture();
  const fields = [{ name: "one", type: "file", maxSelect: 1, maxSize: 1 }];
  await fixture.admin.collections.create({ ...DOCS, name: "small", fields, indexes: [] });
  const address = `${fixture.url}/api/collections/small/records`;
  const body = new FormData();
  body.append("one", new File([Buffer.alloc(33 * 1024 * 1024)], "x.bin"));
  const { status } = await fixture.app.raw(new Request(address, { method: "POST", body }));
  expect(status).toBe(413);
  expect(fixture.uploads()).toEqual([]);
  const missing = new Request(address.replace("small", "none"), { method: "POST", body: "{}" });
  expect((await fixture.app.raw(missing)).status).toBe(404);
});

test("an upload that its client leaves is forgotten", async () => {
  await using fixture = await filesFixture();
  const head = 'Content-Disposition: form-data; name="one"; filename="x.bin"';
  const socket = connect(Number(new URL(fixture.url).port), "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    "POST /api/collections/docs/records HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n" +
      `Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\n${head}\r\n\r\n`,
  );
  socket.write(Buffer.alloc(300_000, "x"));
  while (fixture.uploads().length === 0) await Bun.sleep(1);
  socket.destroy();
  while (fixture.uploads().length > 0) await Bun.sleep(1);
  expect(await fixture.stored()).toEqual([]);
});

test("a deleted collection takes its files along", async () => {
  await using fixture = await filesFixture();
  await docs(fixture).create({ one: textFile("a.txt") });
  await fixture.admin.collections.delete("docs");
  expect(await fixture.stored()).toEqual([]);
});

test("a truncated collection keeps no files", async () => {
  await using fixture = await filesFixture();
  await docs(fixture).create({ one: textFile("a.txt") });
  await fixture.admin.collections.truncate("docs");
  expect(await fixture.stored()).toEqual([]);
});

test("features store files through the service, once, and take them back when it fails", async () => {
  await using fixture = await filesFixture();
  const context = fixture.app.app.context();
  const records = fixture.app.app.kernel.registry.service(Records);
  const upload = new Upload(MADE);
  const failing = context.transaction(async () => {
    await records.create(context, "docs", { title: "t", one: upload });
    throw new Error("undone");
  });
  await expect(failing).rejects.toThrow("undone");
  expect(await fixture.stored()).toEqual([]);
  const made = await records.create(context, "docs", { title: "t", one: upload });
  expect(made.one).toBe("made.txt");
  expect((await fixture.stored()).length).toBe(1);
});
