/** Connections: they end with their token, with their caller, and with the server. */

import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Caller } from "../../src/core/access.ts";
import { Hub } from "../../src/core/hub.ts";
import { type EndReason, Session } from "../../src/core/session.ts";
import { Metrics } from "../../src/infra/metrics/metrics.ts";

const DAY = 86_400_000;

function caller(clock: FakeClock, lifeMs: number, id = "u1"): Caller {
  return {
    kind: "user",
    id,
    collection: "users",
    name: "",
    ip: "10.0.0.1",
    expiresAt: clock.now() + lifeMs,
    refreshable: true,
    record: {},
  };
}

function open(clock: FakeClock, who: Caller) {
  const session = new Session({ id: "s", wire: "test", caller: who, clock });
  const ends: EndReason[] = [];
  session.onEnd((reason) => ends.push(reason));
  return { session, ends };
}

describe("a session", () => {
  for (const life of [1_000, 60 * DAY]) {
    test(`ends when its token does, after ${life} ms`, async () => {
      const clock = new FakeClock();
      const { ends } = open(clock, caller(clock, life));
      await clock.advance(life - 1);
      expect(ends).toEqual([]);
      await clock.advance(1);
      expect(ends).toEqual(["token_expired"]);
      expect(clock.pending).toBe(0);
    });
  }

  test("lives on with a fresh token", async () => {
    const clock = new FakeClock();
    const { session, ends } = open(clock, caller(clock, 1_000));
    await clock.advance(900);
    session.renew(caller(clock, 1_000));
    await clock.advance(900);
    expect(ends).toEqual([]);
    await clock.advance(100);
    expect(ends).toEqual(["token_expired"]);
  });

  test("tells its end once, also to who asks late", () => {
    const clock = new FakeClock();
    const { session, ends } = open(clock, { kind: "guest", ip: "10.0.0.1" });
    session.end("finished");
    session.end("client_gone");
    session.onEnd((reason) => ends.push(reason));
    expect(ends).toEqual(["finished", "finished"]);
  });
});

describe("the hub", () => {
  test("revoking ends every connection of that account and no other", () => {
    const clock = new FakeClock();
    const hub = new Hub(new Metrics());
    const mine = [open(clock, caller(clock, DAY)), open(clock, caller(clock, DAY))];
    const other = open(clock, caller(clock, DAY, "u2"));
    for (const { session } of [...mine, other]) hub.attach(session);
    hub.revoke({ collection: "users", id: "u1" });
    expect(mine.map(({ ends }) => ends)).toEqual([["token_revoked"], ["token_revoked"]]);
    expect(other.ends).toEqual([]);
    expect(hub.count()).toBe(1);
  });

  test("a guest that signed in is revoked as whom it became", () => {
    const clock = new FakeClock();
    const hub = new Hub(new Metrics());
    const { session, ends } = open(clock, { kind: "guest", ip: "10.0.0.1" });
    hub.attach(session);
    session.renew(caller(clock, DAY));
    hub.revoke({ collection: "users", id: "u2" });
    expect(ends).toEqual([]);
    hub.revoke({ collection: "users", id: "u1" });
    expect(ends).toEqual(["token_revoked"]);
    expect(hub.count()).toBe(0);
  });

  test("one caller has a bounded number of connections", () => {
    const clock = new FakeClock();
    const hub = new Hub(new Metrics());
    const opened = Array.from({ length: LIMITS.sseConnectionsPerCallerMax }, () =>
      open(clock, caller(clock, DAY)),
    );
    for (const { session } of opened) hub.attach(session);
    const extra = open(clock, caller(clock, DAY)).session;
    expect(() => hub.attach(extra)).toThrow("Too many open connections.");
    opened[0]?.session.end("client_gone");
    expect(() => hub.attach(extra)).not.toThrow();
  });

  test("closing ends all and takes no more", () => {
    const clock = new FakeClock();
    const hub = new Hub(new Metrics());
    const { session, ends } = open(clock, caller(clock, DAY));
    hub.attach(session);
    hub.close();
    expect(ends).toEqual(["server_stopping"]);
    expect(() => hub.attach(open(clock, caller(clock, DAY)).session)).toThrow("stopping");
    expect(clock.pending).toBe(1);
  });
});
