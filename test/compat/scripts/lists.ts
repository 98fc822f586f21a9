/** Lists: pages, order, picked fields, expanded relations. */

import { area, type CallOptions, call, guest, type Step, su } from "../script.ts";
import { collection, relation, row, rules, STAGE, signIn } from "./stage.ts";

const POSTS = "/api/collections/posts/records";

function paging(query: Readonly<Record<string, string>>): Step {
  const name = `page: ${new URLSearchParams(query)}`;
  return guest(name, `GET ${POSTS}`, undefined, { query: { fields: "id", sort: "id", ...query } });
}

function sorted(as: string, sort: string, of = "posts"): Step {
  const query = { sort, fields: "id" };
  const line = `GET /api/collections/${of}/records`;
  return call(as, `sort, ${as}, ${of}: ${sort}`, line, undefined, { query });
}

function picked(fields: string, more: CallOptions["query"] = {}): Step {
  const query = { fields, ...more };
  const rest = new URLSearchParams(more);
  return su(`fields: ${fields} ${rest}`, `GET ${POSTS}/p1`, undefined, { query });
}

export const LISTS = area("lists", [
  ...STAGE,
  guest("all, whole", `GET ${POSTS}`, undefined, { query: { sort: "id" } }),
  ...[
    {},
    { page: "1", perPage: "2" },
    { page: "2", perPage: "2" },
    { page: "3", perPage: "2" },
    { page: "4", perPage: "2" },
    { page: "0", perPage: "2" },
    { page: "-1" },
    { perPage: "0" },
    { perPage: "-5" },
    { perPage: "1001" },
    { perPage: "1000" },
    { page: "x" },
    { page: "1.5" },
    { page: "" },
    { perPage: "x" },
    { perPage: "" },
    { page: "99999999999999999999" },
    { skipTotal: "1" },
    { skipTotal: "true", perPage: "2", page: "2" },
    { skipTotal: "T" },
    { skipTotal: "0" },
    { skipTotal: "f" },
    { skipTotal: "yes" },
    { skipTotal: "" },
    { filter: "title = 'nothing'" },
    { filter: "title = 'nothing'", skipTotal: "1" },
    { filter: "tags.name ?!= ''", perPage: "2" },
    { filter: "" },
    { unknown: "x", expand: "nope" },
  ].map((query) => paging(query as Record<string, string>)),
  guest("page twice: the first counts", `GET ${POSTS}?page=2&page=1&perPage=4&sort=id&fields=id`),
  ...[
    "views",
    "-views",
    "+title",
    "title:lower",
    "-active,title",
    "status,-views",
    " status , -views ",
    "author.name,-views",
    "labels:length,id",
    "meta.k,id",
    "@rowid",
    "-@rowid",
    "place.lat,id",
    "-published",
    "secret,id",
    "tags.name,id",
    "comments_via_post.rating,id",
    "@request.auth.id,id",
    "@collection.tags.name,id",
    "foo",
    "title,",
    ",",
    "-",
    "null",
    "1",
    "'a'",
    "title desc",
    "title:foo",
    "title:each",
    "title.x",
    "views,title,status,active,published,id,meta,body",
    "views,title,status,active,published,id,meta,body,place",
    "x".repeat(256),
  ].map((sort) => sorted("superuser", sort)),
  sorted("superuser", "post.title,-rating", "comments"),
  sorted("guest", "secret"),
  sorted("guest", "@request.auth.id"),
  sorted("guest", "@collection.tags.name"),
  sorted("guest", "author.name,id"),
  sorted("guest", "-email,id", "people"),
  sorted("guest", "tokenKey", "people"),
  su("sort: by chance", `GET ${POSTS}`, undefined, {
    query: { sort: "@random", fields: "id" },
    unordered: "items",
  }),
  su("sort: by nothing", `GET ${POSTS}`, undefined, { query: { sort: "" }, only: ["totalItems"] }),
  ...[
    "id,title",
    "*",
    "",
    " id , title ",
    "nope",
    "id,id",
    "place.lon",
    "place.lon,place.nope",
    "meta.arr,meta.k",
    "meta.arr.0",
    "tags",
    "body:excerpt(5,true)",
    "body:excerpt(9)",
    "body:excerpt(200,true)",
    "body:excerpt(0)",
    "views:excerpt(3)",
    "id,body:excerpt(5, false)",
    "*,body:excerpt(5)",
    "title:nope(1)",
    "body:excerpt()",
    "body:excerpt",
  ].map((fields) => picked(fields)),
  picked("expand.author.name", { expand: "author" }),
  picked("*,expand.author.name", { expand: "author,tags" }),
  picked("expand.tags.name,expand.author.id", { expand: "author,tags" }),
  picked("expand.*.name", { expand: "author,tags" }),
  picked("id,expand", { expand: "tags" }),
  guest("fields: lists keep their envelope", `GET ${POSTS}`, undefined, {
    query: { fields: "title,page", sort: "id", perPage: "2" },
  }),
  guest("fields: not for errors", `GET ${POSTS}/zz9`, undefined, { query: { fields: "data" } }),
  guest(
    "fields: of what is created",
    `POST ${POSTS}`,
    { id: "p7", title: "T" },
    {
      query: { fields: "id,title" },
    },
  ),
  guest(
    "fields: of what is updated",
    `PATCH ${POSTS}/p7`,
    { title: "U" },
    {
      query: { fields: "title" },
    },
  ),
]);

function expanded(as: string, expand: string, of = "posts/records/p1"): Step {
  const query = { expand };
  return call(as, `${as}, ${of}: ${expand}`, `GET /api/collections/${of}`, undefined, { query });
}

export const EXPAND = area("expand", [
  ...STAGE,
  collection("nodes", [{ name: "label", type: "text" }]),
  { ...collection("chain", []), keep: { chain: "id" } } as Step,
  {
    ...su("stage: chain refers to itself", "PATCH /api/collections/chain", {
      fields: [
        {
          name: "id",
          type: "text",
          system: true,
          primaryKey: true,
          required: true,
          min: 2,
          max: 15,
        },
        relation("next", "chain"),
      ],
    }),
    quiet: true,
  } as Step,
  ...["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"].map((id) => row("chain", { id })),
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => {
    const step = su(`stage: n${n} to n${n + 1}`, `PATCH /api/collections/chain/records/n${n}`, {
      next: `n${n + 1}`,
    });
    return { ...step, quiet: true } as Step;
  }),
  signIn("u1"),
  ...[
    "author",
    "tags",
    "author,tags",
    " author , tags ",
    "author,author",
    "nope",
    "title",
    "author.nope",
    "comments_via_post",
    "comments_via_post.post",
    "author.profiles_via_user",
    "author.posts_via_author.tags",
    "nope_via_post",
    "comments_via_nope",
    "",
    ",",
  ].map((expand) => expanded("guest", expand)),
  expanded("superuser", "author"),
  expanded("u1", "author"),
  expanded("guest", "author,tags", "posts/records/p4"),
  expanded("guest", "comments_via_post", "posts/records/p4"),
  expanded("guest", "next.next.next.next.next.next.next", "chain/records/n1"),
  expanded("guest", "chain_via_next.chain_via_next", "chain/records/n3"),
  expanded("guest", "posts_via_author,profiles_via_user", "people/records/u2"),
  guest("list", `GET ${POSTS}`, undefined, {
    query: { expand: "author,tags", sort: "id", fields: "id,expand.author.name,expand.tags.name" },
  }),
  guest(
    "create",
    `POST ${POSTS}`,
    { id: "p7", author: "u1", tags: ["t3", "t1"] },
    {
      query: { expand: "author,tags", fields: "id,expand.author.email,expand.tags.name" },
    },
  ),
  guest(
    "update",
    `PATCH ${POSTS}/p7`,
    { author: "u2" },
    {
      query: { expand: "author", fields: "id,expand" },
    },
  ),
  guest(
    "sign in",
    "POST /api/collections/people/auth-with-password",
    {
      identity: "u2@x.io",
      password: "secret-1234",
    },
    {
      query: { expand: "posts_via_author", fields: "record.id,record.expand.posts_via_author.id" },
    },
  ),
  rules("people", "people: one is seen", { viewRule: "name = 'Ann'" }),
  expanded("guest", "author", "posts/records/p3"),
  expanded("guest", "author", "posts/records/p2"),
  rules("people", "people: nobody is seen", { viewRule: null }),
  expanded("guest", "author,tags", "posts/records/p6"),
  expanded("superuser", "author,tags", "posts/records/p6"),
  rules("people", "people: only when expanded", { viewRule: "@request.context = 'expand'" }),
  expanded("guest", "author", "posts/records/p5"),
  guest("the same row itself", "GET /api/collections/people/records/u3"),
  rules("tags", "tags: red is seen", { viewRule: "name = 'red'" }),
  expanded("guest", "tags", "posts/records/p7"),
  su("delete what is referred to", "DELETE /api/collections/tags/records/t1"),
  expanded("superuser", "tags", "posts/records/p6"),
]);
