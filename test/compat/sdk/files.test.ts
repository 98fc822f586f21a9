/** The official client: files with records, their downloads, thumbs and tokens; cascades. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { RecordModel } from "pocketbase";
import { refusal, Stage } from "./stage.ts";

const DOT =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

let on: Stage;
beforeAll(async () => {
  on = await Stage.start();
  await on.collection("papers", [
    { name: "title", type: "text" },
    { name: "meta", type: "json" },
    { name: "labels", type: "select", values: ["a", "b"], maxSelect: 2 },
    { name: "one", type: "file", maxSelect: 1, maxSize: 1_000 },
    { name: "docs", type: "file", maxSelect: 3, mimeTypes: ["text/plain"] },
    { name: "picture", type: "file", maxSelect: 1, thumbs: ["20x10f"] },
  ]);
});
afterAll(() => on[Symbol.asyncDispose]());

const text = (name: string, content = name) => new File([content], name, { type: "text/plain" });

async function picture(): Promise<File> {
  const dot = new Bun.Image(Buffer.from(DOT, "base64"));
  const bytes = await dot.resize(200, 100, { fit: "fill" }).png().bytes();
  return new File([new Uint8Array(bytes)], "view.png", { type: "image/png" });
}

async function sizeOf(answer: Response): Promise<string> {
  const { width, height } = await new Bun.Image(await answer.arrayBuffer()).metadata();
  return `${width}x${height}`;
}

test("S50 files come with other values, are added, taken away and refused", async () => {
  const papers = on.client().collection("papers");
  const made = await papers.create({
    title: "5",
    meta: { a: [1] },
    labels: ["a", "b"],
    one: text("only.txt"),
    docs: [text("First Doc.txt"), text("second.txt")],
  });
  expect(made).toMatchObject({ title: "5", meta: { a: [1] }, labels: ["a", "b"] });
  expect(made.one).toMatch(/^only_[a-z0-9]{10}\.txt$/);
  expect(made.docs).toEqual([
    expect.stringMatching(/^first_doc_[a-z0-9]{10}\.txt$/),
    expect.stringMatching(/^second_[a-z0-9]{10}\.txt$/),
  ]);
  const [first, second] = made.docs;
  const more = await papers.update(made.id, { "docs+": text("third.txt") });
  expect(more.docs.slice(0, 2)).toEqual([first, second]);
  expect(more.docs).toHaveLength(3);
  const fewer = await papers.update(made.id, { "docs-": [first] });
  expect(fewer.docs).toEqual([second, more.docs[2]]);
  const url = on.client().files.getURL(made, first);
  expect((await fetch(url)).status).toBe(404);
  const cleared = await papers.update(made.id, { docs: [], one: null });
  expect(cleared).toMatchObject({ docs: [], one: "" });

  const refused = [
    [{ one: text("large.txt", "x".repeat(1_001)) }, { one: "validation_file_size_limit" }],
    [{ docs: [await picture()] }, { docs: "validation_invalid_mime_type" }],
    [
      { docs: ["1", "2", "3", "4"].map((name) => text(name)) },
      { docs: "validation_too_many_files" },
    ],
  ] as const;
  for (const [body, codes] of refused) {
    expect(await refusal(papers.create(body))).toEqual([400, codes]);
  }
});

test("S51 a file is downloaded, in parts, small, and as an attachment", async () => {
  const client = on.client();
  const paper = await client
    .collection("papers")
    .create({ docs: text("words.txt", "0123456789"), picture: await picture() });
  const url = (name: string, query = {}) => client.files.getURL(paper, name, query);
  const words = await fetch(url(paper.docs[0]));
  expect(words.headers.get("content-type")).toStartWith("text/plain");
  expect(words.headers.get("content-disposition")).toStartWith("attachment");
  expect(await words.text()).toBe("0123456789");
  const part = await fetch(url(paper.docs[0]), { headers: { range: "bytes=2-4" } });
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
    206,
    "bytes 2-4/10",
    "234",
  ]);
  const whole = await fetch(url(paper.picture));
  expect(whole.headers.get("content-type")).toBe("image/png");
  expect(whole.headers.get("content-disposition")).toStartWith("inline");
  expect(await sizeOf(whole)).toBe("200x100");
  expect(await sizeOf(await fetch(url(paper.picture, { thumb: "100x100" })))).toBe("100x100");
  expect(await sizeOf(await fetch(url(paper.picture, { thumb: "20x10f" })))).toBe("20x10");
  expect(await sizeOf(await fetch(url(paper.picture, { thumb: "33x33" })))).toBe("200x100");
  const saved = await fetch(url(paper.picture, { download: true }));
  expect(saved.headers.get("content-disposition")).toStartWith("attachment");
  expect((await fetch(url("missing.txt"))).status).toBe(404);
});

test("S52 a protected file is for those who may see its record, by a token", async () => {
  const ann = await on.person("Ann");
  const bob = await on.person("Bob");
  await on.collection("secrets", [{ name: "file", type: "file", maxSelect: 1, protected: true }], {
    viewRule: `@request.auth.id = '${ann.id}'`,
  });
  const secret = await on.root.collection("secrets").create({ file: text("secret.txt") });
  const status = async (token?: string) => {
    const url = on.client().files.getURL(secret, secret.file, token ? { token } : {});
    return (await fetch(url)).status;
  };
  expect(await status()).toBe(404);
  expect(await status(ann.client.authStore.token)).toBe(404);
  expect(await status(await ann.client.files.getToken())).toBe(200);
  expect(await status(await bob.client.files.getToken())).toBe(404);
  expect(await status(await on.root.files.getToken())).toBe(200);
  expect(await refusal(on.client().files.getToken())).toEqual([401, {}]);
});

test("S53 deleting a record deletes, keeps or frees those that refer to it", async () => {
  const { id: parents } = await on.collection("parents");
  const relation = { name: "of", type: "relation", collectionId: parents, maxSelect: 1 };
  await on.collection("cascading", [{ ...relation, cascadeDelete: true }]);
  await on.collection("freed", [relation]);
  await on.collection("listed", [{ ...relation, maxSelect: 3, cascadeDelete: true }]);
  await on.collection("required", [{ ...relation, required: true }]);
  const make = (name: string, body: object): Promise<RecordModel> => {
    return on.client().collection(name).create(body);
  };
  const left = async (name: string) => {
    return (await on.root.collection(name).getFullList()).map(({ id, of }) => [id, of]);
  };
  for (const id of ["p1", "p2", "p3"]) await make("parents", { id });
  await make("cascading", { id: "c1", of: "p1" });
  await make("freed", { id: "f1", of: "p1" });
  await make("listed", { id: "l1", of: ["p1", "p2"] });
  await make("listed", { id: "l2", of: ["p1"] });
  await make("required", { id: "r3", of: "p3" });
  expect(await on.client().collection("parents").delete("p1")).toBe(true);
  expect(await left("cascading")).toEqual([]);
  expect(await left("freed")).toEqual([["f1", ""]]);
  expect(await left("listed")).toEqual([["l1", ["p2"]]]);
  expect((await refusal(on.client().collection("parents").delete("p3")))[0]).toBe(400);
  expect(await left("required")).toEqual([["r3", "p3"]]);
  expect(await on.root.collection("parents").getFullList()).toHaveLength(2);
});
