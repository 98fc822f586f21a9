/**
 * Nothing that a caller may not see can be found out: whatever is filtered, sorted, expanded or
 * picked, the answers stay the same when everything hidden from the caller becomes something else.
 */

import { expect, test } from "bun:test";
import { type AppFixture, freshApp, PASSWORD } from "./app-fixture.ts";
import { seeded } from "./seeded.ts";

type Random = () => number;
interface Post {
  readonly id: string;
  readonly owner: string;
  readonly public: boolean;
}

const QUERIES = 700;
const POST_RULE = "public = true || owner = @request.auth.id";

const text = (name: string, more = {}) => ({ name, type: "text", ...more });
const bool = (name: string) => ({ name, type: "bool" });
const relation = (name: string, collectionId: string, maxSelect = 1) => {
  return { name, type: "relation", collectionId, maxSelect };
};
const ruled = (rule: string | null) => ({ listRule: rule, viewRule: rule });

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

interface World extends AsyncDisposable {
  readonly app: AppFixture;
  readonly superuser: string;
  readonly posts: readonly Post[];
}

async function freshWorld(random: Random): Promise<World> {
  const app = await freshApp({ features: "none" });
  const superuser = await app.superuser();
  const make = async (path: string, body: object): Promise<string> => {
    const answer = await app.request("POST", path, { body, token: superuser });
    expect({ path, ...answer }).toMatchObject({ status: 200 });
    return answer.body.id;
  };
  const collection = (name: string, fields: object[], more: object = {}) =>
    make("/api/collections", { name, type: "base", fields, ...more });
  const people = await collection("people", [text("name"), text("note", { hidden: true })], {
    type: "auth",
    ...ruled(""),
  });
  const tags = await collection("tags", [text("name"), bool("shown")], ruled("shown = true"));
  const posts = await collection(
    "posts",
    [
      text("title"),
      { name: "n", type: "number" },
      { name: "meta", type: "json" },
      text("secret", { hidden: true }),
      bool("public"),
      relation("owner", people),
      relation("tags", tags, 5),
    ],
    ruled(POST_RULE),
  );
  const comments = [text("text"), text("hint", { hidden: true }), bool("open")];
  const commentRule = "open = true && (post.public = true || post.owner = @request.auth.id)";
  await collection("comments", [...comments, relation("post", posts)], ruled(commentRule));
  await collection("vault", [text("text"), relation("post", posts)], ruled(null));

  const row = (name: string, body: object) => make(`/api/collections/${name}/records`, body);
  const accounts: string[] = [];
  for (const name of ["ann", "bob", "cyd"]) {
    const person = { name, email: `${name}@x.test`, emailVisibility: name === "bob", note: name };
    accounts.push(
      await row("people", { ...person, password: PASSWORD, passwordConfirm: PASSWORD }),
    );
  }
  const labels: string[] = [];
  for (let at = 0; at < 6; at++) {
    labels.push(await row("tags", { name: `tag${at}`, shown: at % 2 === 0 }));
  }
  const made: Post[] = [];
  for (let at = 0; at < 16; at++) {
    const body = {
      title: pick(random, ["one", "two", "three"]),
      n: Math.floor(random() * 5),
      meta: { a: Math.floor(random() * 3) },
      secret: `s${at}`,
      public: random() < 0.4,
      owner: pick(random, [...accounts, ""]),
      tags: labels.filter(() => random() < 0.4),
    };
    made.push({ ...body, id: await row("posts", body) });
  }
  for (let at = 0; at < 24; at++) {
    const post = pick(random, made).id;
    await row("comments", { text: `c${at % 5}`, hint: `h${at}`, open: random() < 0.5, post });
    if (at % 3 === 0) await row("vault", { text: `v${at}`, post });
  }
  const dispose = { [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  return { app, superuser, posts: made, ...dispose };
}

/** Changes everything that neither `id` nor guests may see; what rules and relations say stays. */
async function changeHidden({ app }: World, id: string): Promise<void> {
  const hiddenPosts = "`public` = FALSE AND `owner` != ?";
  const changes: readonly (readonly [string, ...string[]])[] = [
    ["UPDATE posts SET secret = 'other ' || secret"],
    [
      `UPDATE posts SET title = 'x' || title, n = 100 - n, meta = '{"a":7}' WHERE ${hiddenPosts}`,
      id,
    ],
    ["UPDATE comments SET hint = 'other ' || hint"],
    [
      `UPDATE comments SET text = 'z' || text
        WHERE open = FALSE OR post IN (SELECT id FROM posts WHERE ${hiddenPosts})`,
      id,
    ],
    ["UPDATE tags SET name = 'zz' || name WHERE shown = FALSE"],
    ["UPDATE vault SET text = 'gone'"],
    ["UPDATE people SET note = 'other ' || note"],
    ["UPDATE people SET email = 'new' || email WHERE emailVisibility = FALSE AND id != ?", id],
  ];
  await app.app.kernel.runtime.db.write(async (tx) => {
    for (const [sql, ...values] of changes) {
      expect((await tx.run(sql, ...values)).changes).toBeGreaterThan(0);
    }
  });
}

/** Paths of a collection, those included that lead to what is hidden. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  posts: [
    ...["id", "title", "title:lower", "n", "meta.a", "secret", "public", "owner", "tags:length"],
    ...["owner.name", "owner.email", "owner.note", "owner.tokenKey", "owner.password", "owner.id"],
    ...["tags.name", "tags.shown", "tags:each", "tags.id", "comments_via_post.text"],
    ...["comments_via_post.hint", "comments_via_post.id", "vault_via_post.text"],
    ...["comments_via_post.post.title", "owner.posts_via_owner.title", "tags.posts_via_tags.n"],
    ...["owner.posts_via_owner.secret", "vault_via_post.id", "comments_via_post.post.owner.email"],
  ],
  comments: [
    ...["text", "hint", "open", "post", "post.title", "post.n", "post.secret", "post.meta.a"],
    ...["post.owner.email", "post.tags.name", "post.vault_via_post.text", "post.id"],
    ...["post.comments_via_post.text"],
  ],
  tags: ["name", "shown", "posts_via_tags.title", "posts_via_tags.owner.email", "posts_via_tags.n"],
  people: [
    ...["name", "email", "note", "verified", "posts_via_owner.title", "posts_via_owner.secret"],
    ...["posts_via_owner.comments_via_post.text", "emailVisibility", "email:lower", "tokenKey"],
  ],
  vault: ["text", "post.title"],
};
const EXPANDS = [
  ...["owner", "tags", "comments_via_post", "vault_via_post", "comments_via_post.post.owner"],
  ...["post", "post.owner", "post.tags", "post.vault_via_post", "posts_via_owner.tags", "secret"],
  ...["posts_via_tags.comments_via_post", "posts_via_owner.comments_via_post", "owner.note"],
];
const VALUES = [
  ...["'one'", "'two'", "'x'", "'s'", "'other'", "'z'", "''", "null", "true", "0", "2", "50", "7"],
  ...["'tag1'", "'zz'", "'ann@x.test'", "'cyd@x.test'", "'new'", "'@'", "'c1'", "'v'", "'a'"],
];
const SIGNS = ["=", "!=", "<", ">", "<=", ">=", "~", "!~", "?=", "?!=", "?<", "?>", "?~", "?!~"];

function comparison(random: Random, paths: readonly string[]): string {
  const right = random() < 0.25 ? pick(random, paths) : pick(random, VALUES);
  return `${pick(random, paths)} ${pick(random, SIGNS)} ${right}`;
}

/** A list, or the view of a record. */
function randomQuery(random: Random, posts: readonly Post[]): string {
  const name = pick(random, Object.keys(PATHS));
  const paths = PATHS[name] ?? [];
  const query = new URLSearchParams();
  if (random() < 0.6) {
    const terms = Array.from({ length: 2 }, () => pick(random, EXPANDS));
    query.set("expand", terms.join(","));
  }
  if (random() < 0.2) query.set("fields", "*,secret,note,expand.*.email,expand.*");
  if (random() < 0.15) return `/api/collections/posts/records/${pick(random, posts).id}?${query}`;
  const terms = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    return comparison(random, paths);
  });
  if (random() < 0.85) query.set("filter", terms.join(random() < 0.5 ? " && " : " || "));
  if (random() < 0.5) query.set("sort", `${random() < 0.5 ? "-" : ""}${pick(random, paths)},id`);
  if (random() < 0.3) query.set("perPage", "3");
  return `/api/collections/${name}/records?${query}`;
}

test.each(["ann", undefined])(
  "by %p",
  async (name) => {
    const random = seeded(name === undefined ? 7 : 8);
    await using world = await freshWorld(random);
    const { app, posts } = world;
    const body = { identity: `${name}@x.test`, password: PASSWORD };
    const signedIn = await app.request("POST", "/api/collections/people/auth-with-password", {
      body,
    });
    const token: string | undefined = name === undefined ? undefined : signedIn.body.token;
    // Of a guest the rule asks whether the owner is nobody.
    const own: string = name === undefined ? "" : signedIn.body.record.id;
    const visible = new Set(
      posts.filter((post) => post.public || post.owner === own).map((p) => p.id),
    );
    const queries = Array.from({ length: QUERIES }, () => randomQuery(random, posts));
    const ask = async (path: string) => {
      const { status, body: answer } = await app.request("GET", path, { token });
      return { path, status, answer };
    };
    const before = [];
    for (const query of queries) before.push(await ask(query));
    const shown = before.filter(({ answer }) => answer.items?.length > 0).length;
    expect(shown).toBeGreaterThan(QUERIES / 5);
    for (const { path, answer } of before) {
      const all = JSON.stringify(answer);
      expect({ path, hidden: /"(secret|note|hint|tokenKey|password)":/.test(all) }).toEqual({
        path,
        hidden: false,
      });
      for (const item of path.startsWith("/api/collections/posts/records?")
        ? (answer.items ?? [])
        : []) {
        expect(visible).toContain(item.id);
      }
    }
    await changeHidden(world, own);
    for (const earlier of before) expect(await ask(earlier.path)).toEqual(earlier);
  },
  60_000,
);
