/** Files: uploads, what fields allow, downloads, ranges, thumbs, protected files, batches. */

import {
  area,
  type Body,
  type CallOptions,
  call,
  type FilePart,
  form,
  guest,
  type Json,
  type JsonObject,
  prepare,
  type Step,
  su,
} from "../script.ts";
import { ACCOUNTS } from "./accounts.ts";
import { collection } from "./stage.ts";

const AT = "/api/collections/docs/records";
/** A picture of 9 by 6 pixels. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAkAAAAGCAIAAACepSOSAAAAEUlEQVR4nGM4wcWFCzEMIjkAY70uaR3K0OcAAAAASUVORK5CYII=";

function text(file: string, content = file): FilePart {
  return { file, type: "application/octet-stream", text: content };
}

const picture = (file: string): FilePart => ({ file, type: "image/png", base64: PNG });

const DOCS = collection("docs", [
  { name: "title", type: "text" },
  { name: "meta", type: "json" },
  { name: "one", type: "file", maxSelect: 1, maxSize: 1000, thumbs: ["0x20", "6x4f", "2x2t"] },
  { name: "many", type: "file", maxSelect: 3, mimeTypes: ["text/plain", "image/png"] },
  { name: "must", type: "file", maxSelect: 1, hidden: true },
  { name: "safe", type: "file", maxSelect: 1, protected: true },
]);

const HEADERS = {
  show: ["content-disposition", "content-security-policy", "cache-control", "x-frame-options"],
} as const;

function create(name: string, body: Json | Body, options: CallOptions = {}): Step {
  return guest(name, `POST ${AT}`, body, options);
}

function update(name: string, id: string, body: Json | Body, options: CallOptions = {}): Step {
  return guest(name, `PATCH ${AT}/${id}`, body, options);
}

function download(name: string, path: string, options: CallOptions = {}): Step {
  return guest(name, `GET /api/files/docs/${path}`, undefined, { ...HEADERS, ...options });
}

const UPLOADS: readonly Step[] = [
  create("one file", form(["id", "aa"], ["one", text("My File.txt")]), { keep: { aa: "one" } }),
  create("several files", form(["id", "bb"], ["many", text("a.txt")], ["many", text("b.txt")]), {
    keep: { b0: "many.0", b1: "many.1" },
  }),
  create(
    "files and JSON",
    form(["id", "cc"], ["@jsonPayload", '{"meta":{"a":1},"title":"5"}'], ["one", picture("p.png")]),
    { keep: { cc: "one" } },
  ),
  create("several files for one", form(["one", text("a.txt")], ["one", text("b.txt")])),
  create("a file under another field", form(["title", text("a.txt")])),
  create("a file under no field", form(["nope", text("a.txt")])),
  create("a file in a hidden field", form(["id", "hh"], ["must", text("a.txt")])),
  su("a superuser's file in a hidden field", `POST ${AT}`, form(["must", text("a.txt")])),
  create("an empty file", form(["one", text("empty.txt", "")])),
  create("a value for a file", form(["one", "x.txt"])),
  create("names in JSON", { many: ["x.txt", "y.txt"] }),
  create("an object for a file", { one: { name: "x.txt" } }),
  create("a number for a file", { one: 5 }),
  create("null for files", { one: null, many: null }),
  create("too large", form(["one", { file: "big.txt", bytes: 1001 }])),
  create("as large as it may be", form(["one", { file: "big.txt", bytes: 1000 }])),
  create("another type", form(["many", text("x.txt", "<html><body></body></html>")])),
  create("a type that its name does not tell", form(["many", text("x.html", "plain words")])),
  create(
    "too many",
    form(...["a", "b", "c", "d"].map((name) => ["many", text(`${name}.txt`)] as const)),
  ),
  create("added to nothing", form(["many+", text("a.txt")], ["+many", text("b.txt")])),
  create("removed from nothing", form(["many-", "a.txt"])),
  ...[
    "noext",
    ".hidden",
    "x.TAR.GZ",
    "ünïcode.txt",
    "a b(c)[d].t-x-t",
    "x.a.b.c",
    "..",
    "CamelCase9.txt",
  ].map((name) =>
    create(`the name ${name}`, form(["one", text(name, "plain words")]), {
      like: { one: "^[a-z_0-9]+_[a-z0-9]{10}(\\.[-\\w]+)+$" },
    }),
  ),
  create("text of several kinds", form(["many", text("a.json", '{"a":1}')])),
  create("no name at all", form(["one", text("", "x")])),
];

const CHANGES: readonly Step[] = [
  update("another title keeps the file", "aa", { title: "x" }),
  update("the same name again", "aa", { one: "{aa}" }),
  update("another's name", "aa", { one: "{cc}" }),
  update("added", "bb", form(["many+", text("c.txt")]), { keep: { b2: "many.2" } }),
  update("one too many", "bb", form(["many+", text("d.txt")])),
  update("removed by name", "bb", { "many-": "{b1}" }),
  update("removed already", "bb", { "many-": ["{b1}", "nope.txt"] }),
  update("put first", "bb", form(["+many", text("e.txt")]), { keep: { b3: "many.0" } }),
  update("in another order", "bb", { many: ["{b2}", "{b0}"] }),
  update("one removed, one added", "bb", form(["many-", "{b0}"], ["many+", text("f.txt")])),
  update("kept by name and joined", "bb", form(["many", "{b2}"], ["many", text("g.txt")])),
  update("replaced", "bb", form(["many", text("h.txt")])),
  update("replaced by a wrong one", "bb", form(["many", text("x", "<html></html>")])),
  update("what is there now", "bb", { title: "seen" }),
  update("cleared by an empty text", "bb", { many: "" }),
  update("cleared by a form", "aa", form(["one", ""])),
  update("a modifier of a single file", "aa", form(["one+", text("i.txt")])),
  update("removed from a single file", "aa", { "one-": "nope.txt" }),
  update("null", "aa", { one: null }),
];

const KINDS: readonly (readonly [string, string])[] = [
  ["page.html", "<!doctype html><p>x</p>"],
  ["style.css", "p { color: red }"],
  ["script.js", "alert(1)"],
  ["module.mjs", "export {}"],
  ["draw.svg", '<svg xmlns="http://www.w3.org/2000/svg"></svg>'],
  ["data.json", '{"a":1}'],
  ["table.csv", "a,b\n1,2\n"],
  ["paper.pdf", "%PDF-1.4\n"],
  ["words.txt", "words"],
  ["fake.png", "words"],
  ["page.xml", '<?xml version="1.0"?><a/>'],
];

const DOWNLOADS: readonly Step[] = [
  ...KINDS.flatMap(([file, content], index): Step[] => {
    const id = `k${index}`;
    const sent = form(["id", id], ["one", text(file, content)]);
    return [
      create(`stage: ${file}`, sent, { keep: { [id]: "one" }, quiet: true }),
      download(`download of ${file}`, `${id}/{${id}}`),
    ];
  }),
  download("a picture", "cc/{cc}"),
  ...["1", "true", "0", "t", "yes", ""].map((value) =>
    download(`download=${value}`, "cc/{cc}", { query: { download: value } }),
  ),
  ...["bytes=1-2", "bytes=-2", "bytes=3-", "bytes=99-", "bytes=2-1"].map((range) =>
    download(`range ${range}`, "k8/{k8}", {
      headers: { range },
      show: ["content-range", "accept-ranges", "content-length"],
      ...(range === "bytes=99-" || range === "bytes=2-1" ? { quiet: true } : {}),
    }),
  ),
  download("not changed since", "k8/{k8}", {
    headers: { "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" },
  }),
  download("changed since", "k8/{k8}", {
    headers: { "if-modified-since": "Fri, 01 Jan 1990 00:00:00 GMT" },
  }),
  guest("by the collection's id in other case", "GET /api/files/DOCS/k8/{k8}"),
  guest("HEAD", "HEAD /api/files/docs/k8/{k8}"),
  download("no such file", "k8/nope.txt"),
  download("another record's file", "k8/{k1}"),
  download("no such record", "nope/{k8}"),
  download("the description beside it", "k8/{k8}.attrs"),
  guest("no such collection", "GET /api/files/nope/k8/{k8}"),
  guest("no name", "GET /api/files/docs/k8"),
  guest("another method", "POST /api/files/docs/k8/{k8}"),
];

const THUMBS: readonly Step[] = [
  ...["100x100", "0x20", "6x4f", "2x2t", "50x50", "0x0", "100X100", "100x100t", "x", ""].map(
    (thumb) => download(`thumb=${thumb}`, "cc/{cc}", { query: { thumb }, content: "image" }),
  ),
  download("thumb of no picture", "k8/{k8}", { query: { thumb: "100x100" } }),
  download("thumb of what only looks like one", "k9/{k9}", { query: { thumb: "100x100" } }),
  download("a thumb to keep", "cc/{cc}", {
    query: { thumb: "100x100", download: "1" },
    content: "image",
  }),
];

const RULE = "@request.context = 'protectedFile' && @request.auth.id = 'ann000000000000'";

const PROTECTED: readonly Step[] = [
  guest("a token for a guest", "POST /api/files/token"),
  call("ann", "ann's token", "POST /api/files/token", undefined, { keep: { annFile: "token" } }),
  call("bob", "bob's token", "POST /api/files/token", undefined, { keep: { bobFile: "token" } }),
  su("a superuser's token", "POST /api/files/token", undefined, { keep: { rootFile: "token" } }),
  create("a protected file", form(["id", "ss"], ["safe", text("s.txt")], ["one", text("o.txt")]), {
    keep: { ss: "safe", oo: "one" },
  }),
  download("open to all", "ss/{ss}"),
  prepare("stage: for ann", "PATCH /api/collections/docs", { viewRule: RULE }),
  download("without a token", "ss/{ss}"),
  download("with ann's", "ss/{ss}", { query: { token: "{annFile}" } }),
  download("with bob's", "ss/{ss}", { query: { token: "{bobFile}" } }),
  download("with a superuser's", "ss/{ss}", { query: { token: "{rootFile}" } }),
  download("with nonsense", "ss/{ss}", { query: { token: "x.y.z" } }),
  download("with a sign-in token", "ss/{ss}", { query: { token: "{ann}" } }),
  call("ann", "with the call's own token", "GET /api/files/docs/ss/{ss}"),
  download("what is not protected", "ss/{oo}"),
  call("annFile", "a file token as the call's own", "POST /api/files/token"),
  prepare("stage: for nobody", "PATCH /api/collections/docs", { viewRule: null }),
  download("locked, with ann's", "ss/{ss}", { query: { token: "{annFile}" } }),
  download("locked, with a superuser's", "ss/{ss}", { query: { token: "{rootFile}" } }),
  prepare("stage: for all again", "PATCH /api/collections/docs", { viewRule: "" }),
];

function requests(...items: JsonObject[]): string {
  return JSON.stringify({ requests: items });
}

const BATCHES: readonly Step[] = [
  prepare("stage: batches", "PATCH /api/settings", { batch: { enabled: true } }),
  guest(
    "files of a batch",
    "POST /api/batch",
    form(
      [
        "@jsonPayload",
        requests(
          { method: "POST", url: AT, body: { id: "x1", title: "a" } },
          { method: "PATCH", url: `${AT}/x1`, body: { title: "b" } },
        ),
      ],
      ["requests.0.one", text("first.txt")],
      ["requests[1].many+", text("second.txt")],
      ["requests.7.one", text("nobody.txt")],
    ),
    { keep: { x1: "0.body.one" } },
  ),
  download("a file of a batch", "x1/{x1}"),
  guest(
    "a batch with a wrong file",
    "POST /api/batch",
    form(
      ["@jsonPayload", requests({ method: "POST", url: AT, body: {} })],
      ["requests.0.many", text("x.txt", "<html></html>")],
    ),
  ),
];

const VIEWS: readonly Step[] = [
  prepare("stage: a view", "POST /api/collections", {
    name: "shown",
    type: "view",
    viewRule: "",
    listRule: "",
    viewQuery: "SELECT d.id, d.one AS pic, d.safe FROM docs d",
  }),
  guest("a view's file", "GET /api/files/shown/cc/{cc}", undefined, { content: "image" }),
  guest("a view's thumb", "GET /api/files/shown/cc/{cc}", undefined, {
    query: { thumb: "100x100" },
    content: "image",
  }),
  guest("another record's of the view", "GET /api/files/shown/ss/{cc}"),
];

const GONE: readonly Step[] = [
  guest("deleted", `DELETE ${AT}/cc`),
  download("a deleted record's file", "cc/{cc}"),
  download("a deleted record's thumb", "cc/{cc}", { query: { thumb: "100x100" } }),
];

export const FILES = area("files", [
  ...ACCOUNTS,
  DOCS,
  ...UPLOADS,
  ...DOWNLOADS,
  ...THUMBS,
  ...PROTECTED,
  ...BATCHES,
  ...VIEWS,
  ...CHANGES,
  ...GONE,
]);
