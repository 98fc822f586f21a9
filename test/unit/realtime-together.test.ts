/** Changes that wait for one another to be looked at are told together, but not late. */

import { expect, test } from "bun:test";
import { FakeClock, settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Context } from "../../src/core/context.ts";
import { Session, type Stream } from "../../src/core/session.ts";
import { defineCollection, fields } from "../../src/features/records/schema.ts";
import { Models } from "../../src/features/records/service/models.ts";
import { Realtime } from "../../src/features/records/service/realtime/realtime.ts";
import { recordedLog } from "../fixtures/recorded-log.ts";

/** Moves on by a step at each look at it, which is written down as a dot. */
class SteppingClock extends FakeClock {
  happened = "";
  readonly #stepMs: number;
  #looked = 0;

  constructor(stepMs: number) {
    super();
    this.#stepMs = stepMs;
  }

  override monotonic(): number {
    this.happened += ".";
    this.#looked += this.#stepMs;
    return this.#looked;
  }
}

const GUEST = { kind: "guest", ip: "192.0.2.1" } as const;
const ASKED = "posts/*";
const POSTS = defineCollection({
  name: "posts",
  fields: [fields.text("title")],
  listRule: "title != ''",
});

/** One client that listens to topics a, b and c, and to posts, whose rule is asked of `rows`. */
function stage({ stepMs = 0, refused = "" } = {}) {
  const clock = new SteppingClock(stepMs);
  const { log, lines } = recordedLog();
  const session = new Session({ id: "one", wire: "test", caller: GUEST, clock });
  const stream: Stream = {
    session,
    ended: false,
    lastEventId: undefined,
    push({ event }) {
      if (event === refused) throw new Error("from the wire");
      clock.happened += event === ASKED ? "p" : event;
    },
    end: () => undefined,
    onEnd: () => undefined,
  };
  const rows = Promise.withResolvers<object[]>();
  const context = () => ({ caller: GUEST, clock, db: { all: () => rows.promise } }) as never;
  const models = new Models([POSTS]);
  const realtime = new Realtime({ clock, log, context }, () => models);
  realtime.connect(stream);
  const subscriptions = ["a", "b", "c", ASKED];
  realtime.subscribe({ caller: GUEST } as Context, { clientId: "one", subscriptions });
  clock.happened = "";
  return { clock, realtime, rows, lines };
}

async function told(stepMs: number): Promise<string> {
  const { clock, realtime } = stage({ stepMs });
  for (const topic of ["a", "b", "c"]) realtime.publish(topic, {});
  await settle();
  return clock.happened;
}

// Looks: when the first is held, after each that others wait behind, and as each is told.
test("several that wait are told after the last was looked at", async () => {
  expect(await told(0)).toBe("....a.b.c");
});

test("none is held for longer than the limit", async () => {
  expect(await told(LIMITS.realtimeHeldMs)).toBe("...a...b.c");
});

test("none waits for the next that takes long to be looked at", async () => {
  const { clock, realtime, rows } = stage();
  const letters = () => clock.happened.replaceAll(".", "");
  const record = { id: "x", title: "X" };
  realtime.publish("a", {});
  realtime.changed({ action: "create", collectionId: POSTS.id, record });
  realtime.publish("b", {});
  await settle();
  expect(letters()).toBe("");
  await clock.advance(LIMITS.realtimeHeldMs);
  expect(letters()).toBe("a");
  rows.resolve([record]);
  await settle();
  expect(letters()).toBe("apb");
});

test("one that cannot be told stops none of the others", async () => {
  const { clock, realtime, lines } = stage({ refused: "b" });
  for (const topic of ["a", "b", "c"]) realtime.publish(topic, {});
  await settle();
  realtime.publish("a", {});
  await settle();
  expect(clock.happened.replaceAll(".", "")).toBe("aca");
  expect(lines).toHaveLength(1);
});
