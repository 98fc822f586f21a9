/** Bodies of the records API: which are taken, for what, and which are refused. */

import { describe, expect, test } from "bun:test";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

async function thingsApp(): Promise<AppFixture> {
  const app = await freshApp();
  const body = {
    name: "things",
    type: "base",
    createRule: "",
    updateRule: "",
    fields: [
      { name: "t", type: "text" },
      { name: "n", type: "number" },
      { name: "b", type: "bool" },
      { name: "j", type: "json" },
      { name: "s", type: "select", maxSelect: 3, values: ["1", "x", "true"] },
    ],
  };
  const token = await app.superuser();
  const made = await app.request("POST", "/api/collections", { token, body });
  expect(made.status).toBe(200);
  return app;
}

interface Sent {
  readonly body: string | Uint8Array<ArrayBuffer> | FormData | URLSearchParams;
  readonly type?: string;
  /** What the body's length is stated to be, in bytes. */
  readonly length?: number;
}

async function send(app: AppFixture, { body, type, length }: Sent) {
  const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
  if (length !== undefined) headers["content-length"] = String(length);
  const init = { method: "POST", headers, body };
  const request = new Request("http://localhost/api/collections/things/records", init);
  // A body of text brings a type of its own, which nobody asked for.
  if (type === undefined && typeof body === "string") request.headers.delete("content-type");
  const response = await app.raw(request);
  const answer = (await response.json()) as Record<string, unknown>;
  const { t, n, b, j, s } = answer;
  return response.status === 200 ? { t, n, b, j, s } : [response.status, answer.data];
}

const ZERO = { t: "", n: 0, b: false, j: null, s: [] };
const REFUSED = [400, {}];

describe("the type is compared by its beginning, as it is written", () => {
  const rows: readonly (readonly [string, Sent, unknown])[] = [
    ["JSON", { body: '{"t":"x"}', type: JSON_TYPE }, { ...ZERO, t: "x" }],
    [
      "with parameters",
      { body: '{"t":"x"}', type: `${JSON_TYPE}; charset=utf-8` },
      { ...ZERO, t: "x" },
    ],
    ["with a suffix", { body: '{"t":"x"}', type: `${JSON_TYPE}+x` }, { ...ZERO, t: "x" }],
    ["in capitals", { body: "{}", type: "application/JSON" }, REFUSED],
    ["none", { body: "{}" }, REFUSED],
    ["text", { body: "{}", type: "text/plain" }, REFUSED],
    ["XML", { body: "<a/>", type: "application/xml" }, REFUSED],
    ["an empty body of no type", { body: "" }, ZERO],
    ["an empty body of any type", { body: "", type: "image/png" }, ZERO],
    ["an empty JSON body", { body: "", type: JSON_TYPE }, ZERO],
    ["an empty form", { body: "", type: FORM }, ZERO],
  ];
  test.each(rows)("%s", async (_what, sent, answer) => {
    await using app = await thingsApp();
    expect(await send(app, sent)).toEqual(answer as unknown[]);
  });
});

describe("JSON is read leniently", () => {
  const rows: readonly (readonly [Sent["body"], unknown])[] = [
    ['{"t":"a","t":"b"}', { ...ZERO, t: "b" }],
    ['{"t":"a"} trailing', { ...ZERO, t: "a" }],
    ["null", ZERO],
    [Buffer.from([0x7b, 0x22, 0x74, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]), { ...ZERO, t: "\ufffd" }],
    ['{"t":"\\ud800"}', { ...ZERO, t: "\ufffd" }],
    [`{"j":${"[".repeat(200)}${"]".repeat(200)}}`, expect.anything()],
    ["[]", REFUSED],
    ['"x"', REFUSED],
    [" ", REFUSED],
    ["\ufeff{}", REFUSED],
    ['{"n":1e400}', REFUSED],
    ["{", REFUSED],
    ["[".repeat(100_000), REFUSED],
  ];
  test.each(rows)("%p", async (body, answer) => {
    await using app = await thingsApp();
    expect(await send(app, { body, type: JSON_TYPE })).toEqual(answer as unknown[]);
    const length = Buffer.byteLength(body as string);
    expect(await send(app, { body, type: JSON_TYPE, length })).toEqual(answer as unknown[]);
  });
});

test("forms of both kinds say the same", async () => {
  await using app = await thingsApp();
  const entries: [string, string][] = [
    ["t", "0012"],
    ["n", "1.5"],
    ["b", "true"],
    ["j", '{"a":[1]}'],
    ["s", "1"],
    ["s", "true"],
    ["unknown", "x"],
  ];
  const parts = new FormData();
  for (const [key, value] of entries) parts.append(key, value);
  const expected = { t: "0012", n: 1.5, b: true, j: { a: [1] }, s: ["1", "true"] };
  expect(await send(app, { body: parts })).toEqual(expected);
  const text = new URLSearchParams(entries).toString();
  expect(await send(app, { body: text, type: FORM })).toEqual(expected);
});

test("JSON in a form lies over its values", async () => {
  await using app = await thingsApp();
  const parts = new FormData();
  parts.append("t", "plain");
  parts.append("@jsonPayload", '{"t":"over","j":{"a":"1"}}');
  parts.append("@jsonPayload", '{"n":7}');
  expect(await send(app, { body: parts })).toEqual({ ...ZERO, t: "over", j: { a: "1" }, n: 7 });
  const broken = new FormData();
  broken.append("@jsonPayload", "[1]");
  expect(await send(app, { body: broken })).toEqual(REFUSED);
});

test.each([
  ["no boundary", "multipart/form-data", "x"],
  ["cut off", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data"],
])("a form that is none is refused: %s", async (_what, type, body) => {
  await using app = await thingsApp();
  expect(await send(app, { body, type })).toEqual(REFUSED);
});

test("other routes take forms too, their values as what they ask for", async () => {
  await using app = await freshApp();
  const account = { email: "a@example.com", password: "1234567890", passwordConfirm: "1234567890" };
  const made = await app.request("POST", "/api/collections/users/records", { body: account });
  expect(made.status).toBe(200);
  const signIn = async (body: FormData | URLSearchParams) => {
    const address = "http://localhost/api/collections/users/auth-with-password";
    return (await app.raw(new Request(address, { method: "POST", body }))).status;
  };
  const form = new FormData();
  form.append("identity", account.email);
  form.append("password", account.password);
  expect(await signIn(form)).toBe(200);
  const right = { identity: account.email, password: account.password };
  expect(await signIn(new URLSearchParams(right))).toBe(200);
  expect(await signIn(new URLSearchParams({ ...right, password: PASSWORD }))).toBe(400);
  const payload = new FormData();
  payload.append("@jsonPayload", JSON.stringify(right));
  expect(await signIn(payload)).toBe(200);
});

test("routes of the server's own take JSON alone", async () => {
  await using app = await freshApp();
  const { token } = await app.signUp("Alice");
  const request = (body: string, type: string) =>
    app.raw(
      new Request("http://localhost/api/rooms", {
        method: "POST",
        headers: { authorization: token, "content-type": type },
        body,
      }),
    );
  expect((await request("name=x", FORM)).status).toBe(400);
  expect((await request('{"name":"x"} trailing', JSON_TYPE)).status).toBe(400);
});
