/**
 * Long work on whole database files, each on a thread that lives as long as the work: the event
 * loop and the connections of the server go on meanwhile.
 */

import { LIMITS } from "../../base/limits.ts";

type Task =
  | { readonly kind: "snapshot"; readonly source: string; readonly target: string }
  | { readonly kind: "check"; readonly source: string; readonly table: string };

/** A text for the reason that the checkpoint's thread has. */
const PROGRAM = `
import { Database } from "bun:sqlite";
function snapshot({ source, target, busyMs }) {
  const db = new Database(source, { readwrite: true, create: false, strict: true });
  db.run("PRAGMA busy_timeout = " + busyMs);
  db.query("VACUUM INTO ?").run(target);
  db.close(true);
}
function check({ source, table }) {
  const db = new Database(source, { readwrite: true, create: false, strict: true });
  try {
    const found = db.query("PRAGMA quick_check(1)").get();
    if (found.quick_check !== "ok") return found.quick_check;
    const asked = db.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
    return asked.get(table) ? undefined : "there is no table " + table;
  } finally {
    db.close(true);
  }
}
self.onmessage = ({ data }) => {
  try {
    postMessage({ fault: data.kind === "snapshot" ? snapshot(data) : check(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
`;

/**
 * Writes the database as it is at this moment to a new file, writes to it going on. Throws what
 * SQLite says: a full disk, a target that exists.
 */
export async function snapshotDatabase(source: string, target: string): Promise<void> {
  await inThread({ kind: "snapshot", source, target });
}

/** What is wrong with a database file that nobody uses; undefined: it is whole and has the table. */
export async function checkDatabase(source: string, table: string): Promise<string | undefined> {
  try {
    return await inThread({ kind: "check", source, table });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function inThread(task: Task): Promise<string | undefined> {
  const program = URL.createObjectURL(new Blob([PROGRAM], { type: "text/javascript" }));
  const thread = new Worker(program);
  const { promise, resolve, reject } = Promise.withResolvers<{ fault?: string; error?: string }>();
  thread.onmessage = ({ data }) => resolve(data);
  thread.onerror = ({ message }) => reject(new Error(`database thread: ${message}`));
  thread.postMessage({ ...task, busyMs: LIMITS.busyTimeoutMs });
  try {
    const { fault, error } = await promise;
    if (error !== undefined) throw new Error(error);
    return fault;
  } finally {
    thread.terminate();
    URL.revokeObjectURL(program);
  }
}
