/** The collections and rows that the benches of records work on, the same on every server. */

import { Database } from "bun:sqlite";
import { join } from "node:path";
import { PASSWORD, type ServerTarget, SUPERUSER } from "../../compat/target.ts";

export const POSTS = 100_000;
export const AUTHORS = 1_000;
export const DOOMED = 40;
export const MEMBER_PASSWORD = "member-1234";
const POSTS_EACH = 100;
const LIKES_EACH = 200;

export interface Stage {
  readonly url: string;
  readonly pid: number;
  readonly superuser: string;
  /** Of one member. */
  readonly token: string;
}

export const authorId = (at: number) => `author${String(at).padStart(9, "0")}`;
export const postId = (at: number) => `post${String(at).padStart(11, "0")}`;
export const doomedId = (at: number) => `doomed${String(at).padStart(9, "0")}`;

const OPEN = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };

const relation = (name: string, collectionId: string) => {
  return { name, type: "relation", collectionId, maxSelect: 1, cascadeDelete: true };
};

/** Makes the collections over the API and writes the rows into the data directory. */
export async function setStage(server: ServerTarget): Promise<Stage> {
  const call = async (path: string, body: object, token = "") => {
    const headers = { "content-type": "application/json", authorization: token };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await server.fetch(path, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { token: string; id: string };
  };
  const signIn = (collection: string, identity: string, password: string) =>
    call(`/api/collections/${collection}/auth-with-password`, { identity, password });
  const { token: superuser } = await signIn("_superusers", SUPERUSER, PASSWORD);
  const make = async (name: string, fields: object[], more: object = {}) => {
    const body = { name, type: "base", ...OPEN, fields, ...more };
    return (await call("/api/collections", body, superuser)).id;
  };
  const dates = [
    { name: "created", type: "autodate", onCreate: true },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ];
  const members = await make("members", [{ name: "name", type: "text" }, ...dates], {
    type: "auth",
    authAlert: { enabled: false },
  });
  const own = [{ name: "title", type: "text" }, { name: "n", type: "number" }, ...dates];
  const index = (table: string, field: string) =>
    `CREATE INDEX idx_${table}_${field} ON ${table} (${field})`;
  const posts = await make("posts", [...own, relation("author", members)], {
    indexes: [index("posts", "author")],
  });
  await make("made", [...own, relation("author", members)], { indexes: [index("made", "author")] });
  await make("likes", [relation("post", posts), relation("member", members)], {
    indexes: [index("likes", "post"), index("likes", "member")],
  });
  const member = { password: MEMBER_PASSWORD, passwordConfirm: MEMBER_PASSWORD };
  const email = "member@example.com";
  await call("/api/collections/members/records", { ...member, email, id: authorId(0) });
  const { token } = await signIn("members", email, MEMBER_PASSWORD);
  writeRows(server.dir);
  return { url: server.url, pid: server.pid, superuser, token };
}

/** One transaction beside the running server, as another process of the same machine may write. */
function writeRows(dir: string): void {
  const db = new Database(join(dir, "data.db"));
  const at = "2026-01-01 12:00:00.000Z";
  const member = db.prepare(
    `INSERT INTO members (id, name, email, emailVisibility, verified, password, tokenKey, created,
       updated) VALUES (?, ?, ?, 1, 1, '', ?, '${at}', '${at}')`,
  );
  const post = db.prepare(
    `INSERT INTO posts (id, title, n, author, created, updated)
     VALUES (?, ?, ?, ?, '${at}', '${at}')`,
  );
  const like = db.prepare("INSERT INTO likes (id, post, member) VALUES (?, ?, ?)");
  const person = (id: string) =>
    member.run(id, `Name of ${id}`, `${id}@example.com`, `${id}`.repeat(2));
  db.transaction(() => {
    for (let n = 1; n < AUTHORS; n++) person(authorId(n));
    for (let n = 0; n < POSTS; n++) {
      post.run(postId(n), `Title number ${n}`, n, authorId(n % AUTHORS));
    }
    for (let n = 0; n < DOOMED; n++) {
      person(doomedId(n));
      for (let each = 0; each < POSTS_EACH; each++) {
        post.run(`d${n}p${each}`.padEnd(15, "x"), "Doomed", each, doomedId(n));
      }
      for (let each = 0; each < LIKES_EACH; each++) {
        const of = `d${n}p${each % POSTS_EACH}`.padEnd(15, "x");
        like.run(`d${n}l${each}`.padEnd(15, "x"), of, doomedId(n));
      }
    }
  })();
  db.run("PRAGMA optimize");
  db.close();
}
