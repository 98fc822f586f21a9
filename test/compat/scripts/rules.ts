/** Rules: who may list, view, create, update, delete; what rules can say of a request. */

import { area, call, guest, type JsonObject, type Step, su } from "../script.ts";
import { collection, relation, row, rules, STAGE, signIn } from "./stage.ts";

const POSTS = "/api/collections/posts/records";

/** The rows of the stage, without those that this area makes. */
const SEEDED = "id = 'p1' || id = 'p2' || id = 'p3' || id = 'p4' || id = 'p5' || id = 'p6'";

/** All five calls as one caller. */
function everything(as: string, when: string): Step[] {
  const made = { id: `${when}${as}`.slice(0, 15), title: "mine" };
  const fields = { fields: "id" };
  return [
    call(as, `${when}: ${as} lists`, `GET ${POSTS}`, undefined, {
      query: { ...fields, sort: "id" },
    }),
    call(as, `${when}: ${as} views p1`, `GET ${POSTS}/p1`, undefined, { query: fields }),
    call(as, `${when}: ${as} views p2`, `GET ${POSTS}/p2`, undefined, { query: fields }),
    call(as, `${when}: ${as} creates`, `POST ${POSTS}`, made, { query: { fields: "title" } }),
    call(as, `${when}: ${as} updates p1`, `PATCH ${POSTS}/p1`, { views: 11 }, { query: fields }),
    call(as, `${when}: ${as} updates p2`, `PATCH ${POSTS}/p2`, { views: 0 }, { query: fields }),
    call(as, `${when}: ${as} deletes p9`, `DELETE ${POSTS}/p9`),
  ];
}

function listed(as: string, rule: string, options: { readonly path?: string } = {}): Step[] {
  const query = { sort: "id", fields: "id", filter: SEEDED };
  return [
    rules("posts", `list rule: ${rule} ${as}`, { listRule: rule }),
    call(as, `list rule, ${as}: ${rule}`, `GET ${options.path ?? POSTS}`, undefined, {
      query,
      headers: { "X-Token": "abc", "X-Twice": "a" },
    }),
  ];
}

/** Which rows an update rule lets through, tried on p1 to p6 with the same body. */
function updated(rule: string): Step[] {
  const body = {
    title: "New",
    views: 7,
    labels: ["a", "b"],
    tags: ["t1", "t2"],
    author: "u2",
    extra: { a: [1, 2] },
    nul: null,
    // Refused after the rule has passed, so that the rows stay as they are.
    status: "no such status",
  };
  return [
    rules("posts", `update rule: ${rule}`, { updateRule: rule }),
    ...["p1", "p2", "p4"].map((id) => {
      return call("u2", `update rule, ${id}: ${rule}`, `PATCH ${POSTS}/${id}`, body, {
        only: ["status"],
      });
    }),
  ];
}

function created(rule: string, body: JsonObject): Step[] {
  const query = { fields: "title,author" };
  return [
    rules("posts", `create rule: ${rule}`, { createRule: rule }),
    call("u1", `create rule, u1: ${rule}`, `POST ${POSTS}`, body, { query }),
    guest(`create rule, guest: ${rule}`, `POST ${POSTS}`, body, { query }),
  ];
}

const INVALID: readonly string[] = [
  "nope = 1",
  "title = ",
  "@request.body.title:length = 3",
  "@request.auth.name.x = 1",
  "@collection.nope.id = 1",
  "title:changed = true",
  "@request.query.x:each = 1",
  "@request.method:isset = true",
  "tags.nope ?= 1",
  "@foo = 1",
];

export const RULES = area("rules", [
  ...STAGE,
  row("posts", { id: "p9", title: "to be deleted" }),
  signIn("u1"),
  signIn("u2"),
  rules("posts", "locked", {
    listRule: null,
    viewRule: null,
    createRule: null,
    updateRule: null,
    deleteRule: null,
  }),
  ...everything("guest", "locked"),
  ...everything("u1", "locked"),
  rules("posts", "owner", {
    listRule: "author = @request.auth.id",
    viewRule: "author = @request.auth.id",
    createRule: "@request.auth.id != '' && @request.body.author:isset = false",
    updateRule: "@request.auth.id != '' && author = @request.auth.id",
    deleteRule: "@request.auth.id != '' && author = @request.auth.id",
  }),
  ...everything("guest", "owner"),
  ...everything("u1", "owner"),
  ...everything("u2", "owner"),
  ...everything("superuser", "owner"),
  guest("a broken token is a guest", `GET ${POSTS}`, undefined, {
    headers: { authorization: "Bearer nonsense" },
    query: { fields: "id", filter: SEEDED },
  }),
  rules("posts", "invalid for guests only", { viewRule: "", updateRule: "" }),
  ...listed("u1", "@request.auth.id != ''"),
  ...listed("guest", "@request.auth.id != ''"),
  ...listed("guest", "@request.auth.id = ''"),
  ...listed("guest", "author = @request.auth.id"),
  ...listed("u1", "@request.auth.role = 'admin'"),
  ...listed("guest", "@request.auth.role = 'admin'"),
  ...listed("u1", "@request.auth.verified = true"),
  ...listed("u1", "@request.auth.email = 'u1@x.io'"),
  ...listed("u1", "@request.auth.collectionName = 'people'"),
  ...listed("superuser", "@request.auth.collectionName = 'people'"),
  ...listed("u1", "@request.auth.missing = ''"),
  ...listed("u1", "@request.auth.posts_via_author.title ?= 'Hello World'"),
  ...listed("u1", "@request.auth.profiles_via_user.nick = 'annie'"),
  ...listed("u1", "@request.query.page = '1'", { path: `${POSTS}?page=1` }),
  ...listed("u1", "@request.query.page = 1", { path: `${POSTS}?page=1` }),
  ...listed("u1", "@request.query.q = status", { path: `${POSTS}?q=live` }),
  ...listed("u1", "@request.query.q ?= 'live'", { path: `${POSTS}?q=live&q=draft` }),
  ...listed("u1", "@request.query.nope:isset = false"),
  ...listed("u1", "@request.query.views = views", { path: `${POSTS}?views=10` }),
  ...listed("u1", "@request.headers.x_token = 'abc'"),
  ...listed("u1", "@request.headers.x_token:lower = 'abc'"),
  ...listed("u1", "@request.method = 'GET' && @request.context = 'default'"),
  ...listed("u1", "@request.context != 'oauth2'"),
  ...listed("u1", "@request.body.x:isset = true"),
  ...listed("u1", "tags.name ?= 'red'"),
  ...listed("u1", "comments_via_post.text ?= 'nice'"),
  ...listed("u1", "@collection.profiles.user ?= author"),
  ...listed("u1", "secret != ''"),
  ...listed("u1", "author.email != ''"),
  ...updated("@request.body.title:isset = true"),
  ...updated("@request.body.nul:isset = true"),
  ...updated("@request.body.place:isset = true"),
  ...updated("@request.body.title != title"),
  ...updated("@request.body.title:lower = 'new'"),
  ...updated("@request.body.views > views"),
  ...updated("@request.body.labels:length = 2"),
  ...updated("@request.body.labels:each ?= 'b'"),
  ...updated("@request.body.labels:each = 'b'"),
  ...updated("@request.body.tags.name ?= 'red'"),
  ...updated("@request.body.author.role = 'editor'"),
  ...updated("@request.body.extra.a.1 = 2"),
  ...updated("@request.body.author:changed = true"),
  ...updated("@request.body.author:changed = false"),
  ...updated("author = 'u1' && @request.body.author = 'u2'"),
  ...updated("@request.auth.name.x = 1"),
  ...created("@request.auth.id = author", { title: "one", author: "u1" }),
  ...created("@request.auth.id != '' && author = @request.auth.id", { title: "two", author: "u2" }),
  ...created("title = 'three' && views = 0", { title: "three" }),
  ...created("tags.name ?= 'red'", { title: "four", tags: ["t1", "t2"] }),
  ...created("author.role = 'editor'", { title: "five", author: "u2" }),
  ...created("@request.body.title:changed = true", { title: "six" }),
  ...created("id = ''", { title: "seven" }),
  ...created("published = ''", { title: "eight", published: "2020-01-01" }),
  ...created("@request.body.views = 5", { title: "nine", "views+": 5 }),
  ...created("secret = ''", { title: "ten", secret: "x" }),
  ...created("@collection.tags.name ?= @request.body.title", { title: "red" }),
  ...INVALID.map((rule) => {
    return su(`invalid rule: ${rule}`, "PATCH /api/collections/posts", { listRule: rule });
  }),
  su("several invalid rules", "PATCH /api/collections/posts", {
    viewRule: "nope = 1",
    createRule: "nope = 1",
    updateRule: "nope = 1",
    deleteRule: "nope = 1",
  }),
]);

/** Deleting what others refer to. */
export const CASCADES = area("cascades", [
  { ...collection("roots", [{ name: "label", type: "text" }]), keep: { roots: "id" } } as Step,
  collection("loose", [relation("root", "roots")]),
  collection("bound", [relation("root", "roots", { cascadeDelete: true })]),
  collection("needy", [relation("root", "roots", { required: true })]),
  collection("loosemany", [relation("roots", "roots", { maxSelect: 3 })]),
  collection("boundmany", [relation("roots", "roots", { maxSelect: 3, cascadeDelete: true })]),
  collection("needymany", [relation("roots", "roots", { maxSelect: 3, required: true })]),
  ...["r1", "r2", "r3", "r4"].map((id) => row("roots", { id })),
  row("loose", { id: "l1", root: "r1" }),
  row("bound", { id: "b1", root: "r1" }),
  row("bound", { id: "b2", root: "r2" }),
  row("loosemany", { id: "lm1", roots: ["r1", "r2"] }),
  row("boundmany", { id: "bm1", roots: ["r1"] }),
  row("boundmany", { id: "bm2", roots: ["r1", "r2"] }),
  row("needy", { id: "n1", root: "r3" }),
  row("needymany", { id: "nm1", roots: ["r4", "r2"] }),
  guest("delete r1", "DELETE /api/collections/roots/records/r1"),
  guest("the loose one lost it", "GET /api/collections/loose/records/l1"),
  guest("the bound one is gone", "GET /api/collections/bound/records/b1"),
  guest("the loose list is shorter", "GET /api/collections/loosemany/records/lm1"),
  guest("the bound list that got empty is gone", "GET /api/collections/boundmany/records/bm1"),
  guest("the bound list with another stays", "GET /api/collections/boundmany/records/bm2"),
  guest("needed: refused", "DELETE /api/collections/roots/records/r3"),
  guest("needed: still there", "GET /api/collections/roots/records/r3"),
  guest("needed in a list with another", "DELETE /api/collections/roots/records/r4"),
  guest("that list is shorter", "GET /api/collections/needymany/records/nm1"),
  guest("needed as the last of a list", "DELETE /api/collections/roots/records/r2"),
  guest("nothing else was deleted", "GET /api/collections/bound/records/b2"),
  su("truncate what is needed", "DELETE /api/collections/roots/truncate"),
  su("truncate", "DELETE /api/collections/needymany/truncate"),
  guest("now it goes", "DELETE /api/collections/roots/records/r2"),
  guest("everything bound went with it", "GET /api/collections/bound/records"),
  guest("and these too", "GET /api/collections/boundmany/records"),
]);
