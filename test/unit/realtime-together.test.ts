/** Changes that wait for one another to be looked at are told together, but not late. */

import { expect, test } from "bun:test";
import { FakeClock, settle } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Context } from "../../src/core/context.ts";
import { Session, type Stream } from "../../src/core/session.ts";
import { Models } from "../../src/features/records/service/models.ts";
import { Realtime } from "../../src/features/records/service/realtime/realtime.ts";

/** Moves on by a step at each look at it, which is written down as a dot. */
class SteppingClock extends FakeClock {
  happened = "";
  readonly #stepMs: number;
  #elapsed = 0;

  constructor(stepMs: number) {
    super();
    this.#stepMs = stepMs;
  }

  override monotonic(): number {
    this.happened += ".";
    this.#elapsed += this.#stepMs;
    return this.#elapsed;
  }
}

async function told(stepMs: number): Promise<string> {
  const clock = new SteppingClock(stepMs);
  const guest = { kind: "guest", ip: "192.0.2.1" } as const;
  const session = new Session({ id: "one", wire: "test", caller: guest, clock });
  const stream: Stream = {
    session,
    ended: false,
    lastEventId: undefined,
    push({ event }) {
      clock.happened += event;
    },
    end: () => undefined,
    onEnd: () => undefined,
  };
  const context = () => {
    throw new Error("nobody asks a rule");
  };
  const realtime = new Realtime({ clock, log: silentLog(), context }, () => new Models([]));
  realtime.connect(stream);
  const subscriptions = ["a", "b", "c"];
  realtime.subscribe({ caller: guest } as Context, { clientId: "one", subscriptions });
  clock.happened = "";
  for (const topic of subscriptions) realtime.publish(topic, {});
  await settle();
  return clock.happened;
}

// One look when the work begins, one after each change, and one as each is told.
test("several that wait are told after the last was looked at", async () => {
  expect(await told(0)).toBe(".....a.b.c");
});

test("none is held for longer than the limit", async () => {
  expect(await told(LIMITS.realtimeHeldMs)).toBe("...a..b..c");
});
