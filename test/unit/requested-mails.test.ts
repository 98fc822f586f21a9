/** Mails that are asked for by an address: one in a while, but one that went out. */

import { expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import type { Context } from "../../src/core/context.ts";
import { RequestedMails } from "../../src/features/auth/service/requested-mails.ts";
import { Pauses } from "../../src/features/auth/service/throttles.ts";

const PAUSE_MS = 1_000;

function stage() {
  const clock = new FakeClock();
  const running: Promise<unknown>[] = [];
  const queue = { isFull: false };
  const background = {
    run(_what: string, work: (context: Context) => Promise<void>) {
      if (queue.isFull) return false;
      running.push(work({} as Context).catch((error: unknown) => error));
      return true;
    },
  };
  const mails = new RequestedMails(background, new Pauses(clock, PAUSE_MS));
  let sent = 0;
  /** How many were tried so far. */
  const ask = async (send: () => Promise<void> = async () => undefined, key = "ann") => {
    mails.send("mail", key, () => {
      sent += 1;
      return send();
    });
    await Promise.all(running);
    return sent;
  };
  return { clock, mails, queue, ask };
}

test("the next goes out after the pause, to others at once", async () => {
  const { clock, ask } = stage();
  expect([await ask(), await ask(), await ask(undefined, "bob")]).toEqual([1, 1, 2]);
  await clock.advance(PAUSE_MS);
  expect(await ask()).toBe(3);
});

test("one that was used, that failed, or that was left out makes way for the next", async () => {
  const { mails, queue, ask } = stage();
  expect(await ask()).toBe(1);
  mails.used("ann");
  expect(await ask(() => Promise.reject(new Error("no server")))).toBe(2);
  queue.isFull = true;
  expect(await ask()).toBe(2);
  queue.isFull = false;
  expect([await ask(), await ask()]).toEqual([3, 3]);
});
