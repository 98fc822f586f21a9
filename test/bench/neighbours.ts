/**
 * What others feel of one client's heavy work: requests at a steady pace, alone, beside password
 * sign-ins, and beside a client that repeats a filter which looks at all 100,000 rows.
 * `bun test/bench/neighbours.ts`, with the executable built. Half a minute.
 */

import { compiled } from "../compat/target.ts";
import { printFigures, writeRaw } from "../fixtures/figures.ts";
import { call } from "../fixtures/people.ts";
import { type Asked, measure } from "./load/generator.ts";
import { paced } from "./load/paced.ts";
import { MEMBER_PASSWORD, POSTS, postId, type Stage, setStage } from "./load/stage.ts";

const MEASURE_MS = 6_000;
const WARM_UP_MS = 1_000;
const POST_RECORDS = "/api/collections/posts/records";

/** A write after three reads. */
function ask({ url }: Stage) {
  const somewhere = () => `${POST_RECORDS}/${postId(Math.floor(Math.random() * POSTS))}`;
  return (sent: number) =>
    sent % 4 === 0
      ? call(url, ["POST", "/api/collections/made/records"], { body: { title: "x", n: sent } })
      : call(url, ["GET", somewhere()]);
}

async function beside(stage: Stage, connections: number, next: () => Asked): Promise<number[]> {
  let isOver = false;
  const { url, pid } = stage;
  const times = { measureMs: MEASURE_MS, warmUpMs: WARM_UP_MS };
  const heavy = measure({ url, pid, status: 200, connections, next, ...times }).then((work) => {
    isOver = true;
    console.log(`  ${Math.round(work.perSecond)} of the heavy requests a second`);
    return work.faults;
  });
  const took = await paced(() => isOver, ask(stage));
  const faults = await heavy;
  if (faults > 0) throw new Error(`${faults} of the heavy requests failed.`);
  return took;
}

async function main(): Promise<void> {
  await using server = await compiled();
  const stage = await setStage(server);
  const identity = "member@example.com";
  const signIn: Asked = {
    method: "POST",
    path: "/api/collections/members/auth-with-password",
    body: JSON.stringify({ identity, password: MEMBER_PASSWORD }),
  };
  const filter = encodeURIComponent("title ~ 'in none of them'");
  const scan: Asked = { method: "GET", path: `${POST_RECORDS}?skipTotal=1&filter=${filter}` };
  const end = performance.now() + MEASURE_MS;
  const alone = await paced(() => performance.now() > end, ask(stage));
  const figures = {
    alone,
    "beside 8 who sign in": await beside(stage, 8, () => signIn),
    "beside 4 who scan": await beside(stage, 4, () => scan),
  };
  for (const [name, times] of Object.entries(figures)) printFigures(name, "ms", times);
  writeRaw("neighbours", figures);
}

await main();
