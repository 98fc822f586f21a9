/**
 * The records API against the reference, in turn, on one machine in one run:
 * `bun test/bench/records.ts [NAME…]`, all operations where none is named. Ours is the compiled
 * executable. Prints rates, their ratio, and the times of single requests.
 */

import { Reference } from "../compat/reference.ts";
import { compiled, type ServerTarget } from "../compat/target.ts";
import { figures } from "../fixtures/figures.ts";
import { type Asked, type Load, type Measured, measure } from "./load/generator.ts";
import {
  AUTHORS,
  authorId,
  DOOMED,
  doomedId,
  MEMBER_PASSWORD,
  POSTS,
  postId,
  type Stage,
  setStage,
} from "./load/stage.ts";

interface Operation {
  readonly name: string;
  /** How many times the reference's rate is the goal. */
  readonly goal: number;
  readonly status: number;
  readonly connections: number;
  readonly load: (stage: Stage) => () => Asked | undefined;
}

/** As many clients as a small site has at work in one moment; sign-ins and deletions have fewer. */
const CONNECTIONS = 32;
const POST_RECORDS = "/api/collections/posts/records";
const random = (below: number) => Math.floor(Math.random() * below);

function get(name: string, goal: number, path: () => string): Operation {
  const load = () => () => ({ method: "GET", path: path() });
  return { name, goal, status: 200, connections: CONNECTIONS, load };
}

const OPERATIONS: readonly Operation[] = [
  {
    name: "create",
    goal: 4,
    status: 200,
    connections: CONNECTIONS,
    load: () => () => ({
      method: "POST",
      path: "/api/collections/made/records",
      body: JSON.stringify({ title: "A new one", n: 5, author: authorId(random(AUTHORS)) }),
    }),
  },
  get("view", 4, () => `${POST_RECORDS}/${postId(random(POSTS))}`),
  get("list with total", 10, () => `${POST_RECORDS}?perPage=20`),
  get("list without total", 3, () => `${POST_RECORDS}?perPage=20&skipTotal=1`),
  get("filter with expand", 3, () => {
    const filter = encodeURIComponent(`author = '${authorId(random(AUTHORS))}'`);
    return `${POST_RECORDS}?perPage=20&skipTotal=1&expand=author&filter=${filter}`;
  }),
  {
    name: "update",
    goal: 4,
    status: 200,
    connections: CONNECTIONS,
    load: () => () => ({
      method: "PATCH",
      path: `${POST_RECORDS}/${postId(random(POSTS))}`,
      body: JSON.stringify({ n: random(1_000) }),
    }),
  },
  {
    name: "auth refresh",
    goal: 3,
    status: 200,
    connections: CONNECTIONS,
    load:
      ({ token }) =>
      () => ({ method: "POST", path: "/api/collections/members/auth-refresh", token }),
  },
  {
    name: "password sign-in",
    goal: 1,
    status: 200,
    connections: 8,
    load: () => () => ({
      method: "POST",
      path: "/api/collections/members/auth-with-password",
      body: JSON.stringify({ identity: "member@example.com", password: MEMBER_PASSWORD }),
    }),
  },
  {
    name: "cascade delete",
    goal: 5,
    status: 204,
    connections: 1,
    load: ({ superuser: token }) => {
      let at = 0;
      return () => {
        const path = `/api/collections/members/records/${doomedId(at)}`;
        return at++ < DOOMED ? { method: "DELETE", path, token } : undefined;
      };
    },
  },
];

/** Deletions are few, so all of them count. Else both are measured once they are warm. */
function timesOf(operation: Operation): Pick<Load, "measureMs" | "warmUpMs"> {
  return operation.name === "cascade delete"
    ? { warmUpMs: 0, measureMs: 60_000 }
    : { warmUpMs: 3_000, measureMs: 5_000 };
}

function run(operation: Operation, stage: Stage): Promise<Measured> {
  const { status, connections } = operation;
  const next = operation.load(stage);
  const { url, pid } = stage;
  return measure({ url, pid, status, connections, next, ...timesOf(operation) });
}

function shown({ perSecond, times, faults, cpuUs }: Measured): string {
  const { p50, p99 } = figures(times);
  const rate = String(Math.round(perSecond)).padStart(7);
  const wrong = faults > 0 ? `  ${faults} FAULTS` : "";
  const shownTimes = `p50 ${p50.toFixed(1).padStart(6)}  p99 ${p99.toFixed(1).padStart(6)}`;
  return `${rate}/s  ${shownTimes}  ${String(Math.round(cpuUs)).padStart(6)} µs of CPU${wrong}`;
}

async function main(names: readonly string[]): Promise<void> {
  const wanted = OPERATIONS.filter(({ name }) => names.length === 0 || names.includes(name));
  using reference = new Reference();
  await using theirs: ServerTarget = await reference.start();
  await using ours: ServerTarget = await compiled();
  const stages = [await setStage(theirs), await setStage(ours)] as const;
  for (const operation of wanted) {
    const first = await run(operation, stages[0]);
    const second = await run(operation, stages[1]);
    const ratio = second.perSecond / first.perSecond;
    const verdict = ratio >= operation.goal ? "" : `  (goal ${operation.goal})`;
    console.log(`${operation.name.padEnd(20)} reference ${shown(first)}`);
    console.log(`${"".padEnd(20)} ours      ${shown(second)}  ${ratio.toFixed(2)}x${verdict}`);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
