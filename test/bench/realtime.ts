/**
 * Records told to 500 listeners, by this server and by the reference in turn on the same machine:
 * `bun test/bench/realtime.ts [FILE]`. Each round has a fresh server; writers wait only when too
 * much is on its way. About a minute and a half.
 *
 * all alike: everybody listens to the same. each asked: everybody's subscription has a value of its
 * own that the collection's rule reads, so that the rule is asked for each of them.
 */

import { Reference } from "../compat/reference.ts";
import { compiled, PASSWORD, SUPERUSER, type Target } from "../compat/target.ts";
import { printFigures, writeRaw } from "../fixtures/figures.ts";
import { until } from "../fixtures/until.ts";

const LISTENERS = 500;
const ROUNDS = 3;
const ROUND_MS = 4_000;
/** Records written and not yet told to all. */
const UNDERWAY_MAX = 24;
const BODY = "b".repeat(150);

interface Scenario {
  readonly name: string;
  readonly listRule: string;
  readonly topics: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  { name: "all alike", listRule: "", topics: ["posts/*"] },
  {
    name: "each asked",
    listRule: "@request.query.page != title",
    topics: Array.from({ length: LISTENERS }, (_, page) => {
      const options = encodeURIComponent(JSON.stringify({ query: { page } }));
      return `posts/*?options=${options}`;
    }),
  },
];

interface Round {
  /** Events that reached a listener, a second. */
  readonly rate: number;
  readonly records: number;
  /** From sending a record to its event at one listener, ms. */
  readonly delays: readonly number[];
}

async function prepare(target: Target, { listRule }: Scenario): Promise<string> {
  const json = { "content-type": "application/json" };
  const signedIn = await target.fetch("/api/collections/_superusers/auth-with-password", {
    method: "POST",
    headers: json,
    body: JSON.stringify({ identity: SUPERUSER, password: PASSWORD }),
  });
  const { token } = (await signedIn.json()) as { token: string };
  const fields = ["title", "body"].map((name) => ({ name, type: "text" }));
  const made = await target.fetch("/api/collections", {
    method: "POST",
    headers: { ...json, authorization: token },
    body: JSON.stringify({ name: "posts", type: "base", listRule, createRule: "", fields }),
  });
  if (!made.ok) throw new Error(await made.text());
  return new URL((await target.fetch("/api/health", {})).url).origin;
}

class Listeners implements Disposable {
  delivered = 0;
  readonly delays: number[] = [];
  readonly #child: Bun.Subprocess;
  #ready = false;
  #closed = 0;

  constructor(url: string, topics: readonly string[]) {
    const script = `${import.meta.dir}/realtime-listeners.ts`;
    this.#child = Bun.spawn(["bun", script, url, String(LISTENERS), ...topics], {
      stdout: "inherit",
      stderr: "inherit",
      ipc: (message: { ready?: true; closed?: number; delivered?: number; delays?: number[] }) => {
        if (message.ready) this.#ready = true;
        if (message.closed !== undefined) this.#closed += 1;
        this.delivered = message.delivered ?? this.delivered;
        this.delays.push(...(message.delays ?? []));
      },
    });
  }

  async ready(): Promise<void> {
    await until("all listen", 30_000, () => this.#ready);
  }

  assertOpen(): void {
    if (this.#closed > 0) throw new Error(`${this.#closed} listeners were cut off`);
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

async function play(target: Target, scenario: Scenario): Promise<Round> {
  const url = await prepare(target, scenario);
  using listeners = new Listeners(url, scenario.topics);
  await listeners.ready();
  const started = performance.now();
  let written = 0;
  const writer = async () => {
    while (performance.now() - started < ROUND_MS) {
      if (written - listeners.delivered / LISTENERS >= UNDERWAY_MAX) {
        await Bun.sleep(1);
        continue;
      }
      written += 1;
      const answer = await fetch(`${url}/api/collections/posts/records`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ title: `${Date.now()} `, body: BODY }),
      });
      if (!answer.ok) throw new Error(await answer.text());
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
  await until("everything came", 30_000, () => listeners.delivered >= written * LISTENERS);
  const seconds = (performance.now() - started) / 1_000;
  listeners.assertOpen();
  return {
    rate: listeners.delivered / seconds,
    records: written,
    delays: [...listeners.delays],
  };
}

async function rounds(start: () => Promise<Target>, scenario: Scenario): Promise<Round> {
  await using target = await start();
  return await play(target, scenario);
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const raw: Record<string, unknown> = {};
using reference = new Reference();
for (const scenario of SCENARIOS) {
  const ours: Round[] = [];
  const theirs: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await rounds(compiled, scenario));
    theirs.push(await rounds(() => reference.start(), scenario));
  }
  const rates = [ours, theirs].map((side) => side.map(({ rate }) => Math.round(rate)));
  const [mine = [], other = []] = rates;
  const ratio = (median(mine) / median(other)).toFixed(1);
  console.log(
    `${scenario.name}: ${median(mine)} deliveries/s, reference ${median(other)}: ${ratio}x`,
  );
  console.log(`  rounds ${mine.join(" ")} against ${other.join(" ")}`);
  printFigures(
    `${scenario.name}, event after`,
    "ms",
    ours.flatMap(({ delays }) => delays),
  );
  printFigures(
    "  the reference's",
    "ms",
    theirs.flatMap(({ delays }) => delays),
  );
  raw[scenario.name] = { ours, theirs };
}
writeRaw("realtime", raw);
