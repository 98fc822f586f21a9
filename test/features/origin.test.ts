/** Where requests come from: whom the system is asked about, when, and what a client cannot hide. */

import { expect, test } from "bun:test";
import type { Traffic } from "../../src/core/traffic.ts";
import { HttpCall } from "../../src/wires/http/call.ts";
import { authenticate, type Mount } from "../../src/wires/http/mount.ts";
import { ClientAddress, HttpOrigin } from "../../src/wires/http/origin.ts";
import { type AppFixture, freshApp } from "./app-fixture.ts";

type Named = Pick<Traffic, "addressOf">;

/** A request over a connection from `peer`; null: it is gone. */
function arrived(
  peer: string | null,
  given: { trusted?: readonly string[]; traffic?: Named; headers?: Record<string, string> } = {},
) {
  let asked = 0;
  const server = {
    requestIP() {
      asked++;
      return peer === null ? null : { address: peer };
    },
    timeout: () => undefined,
  };
  const request = new Request("http://localhost/", { headers: given.headers ?? {} });
  const clientAddress = new ClientAddress(given.trusted ?? []);
  const origin = new HttpOrigin(request, { clientAddress, server, traffic: given.traffic });
  const arrival = { request, pathname: "/", search: "", origin, params: {}, rateTags: [] };
  const call = new HttpCall({ arrival, server, requestId: "r", bodyBytesMax: 0 });
  return { origin, call, asked: () => asked };
}

const FORWARDED = { "x-forwarded-for": "198.51.100.7" };

test("the system is asked once, when somebody wants to know", () => {
  const { origin, asked } = arrived("192.0.2.1");
  expect(asked()).toBe(0);
  expect([origin.ip, origin.peer, origin.ip]).toEqual(["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
  expect(asked()).toBe(1);
});

test("a header that the operator trusts goes first, and a trusted proxy's next", () => {
  const traffic = { addressOf: () => "203.0.113.5" };
  const named = arrived("192.0.2.1", { traffic, trusted: ["192.0.2.1"], headers: FORWARDED });
  expect([named.origin.ip, named.asked(), named.origin.peer]).toEqual([
    "203.0.113.5",
    0,
    "192.0.2.1",
  ]);
  const proxied = arrived("192.0.2.1", { trusted: ["192.0.2.1"], headers: FORWARDED });
  expect(proxied.origin.ip).toBe("198.51.100.7");
});

test("who is gone already is nobody: neither this machine nor a proxy on it", () => {
  const { origin } = arrived(null, { trusted: ["127.0.0.1"], headers: FORWARDED });
  expect([origin.ip, origin.peer]).toEqual(["0.0.0.0", "0.0.0.0"]);
});

test("a request over no connection is the server's own", () => {
  const clientAddress = new ClientAddress([]);
  const request = new Request("http://localhost/");
  const origin = new HttpOrigin(request, { clientAddress, server: null, traffic: undefined });
  expect(origin.ip).toBe("127.0.0.1");
});

/** Of a call's first step: whether the system was asked before anything was waited for, and at all. */
async function enter({ app: { kernel } }: AppFixture, name: string, bearer: string | undefined) {
  const operation = kernel.registry.operations.find((each) => each.name === name);
  if (!operation) throw new Error(`no operation ${name}`);
  const headers = bearer === undefined ? {} : { authorization: bearer };
  const { call, asked } = arrived("192.0.2.1", { headers });
  const entering = authenticate({ kernel } as Mount, operation, call);
  const askedAtOnce = asked();
  const { caller } = await entering;
  const askedBefore = asked();
  return { kind: caller.kind, ip: caller.ip, askedAtOnce, askedBefore };
}

test("who changes something or stays is known at once, who reads when it counts", async () => {
  await using fixture = await freshApp({ features: "none" });
  const { token } = await fixture.signUp("Ann");
  for (const bearer of [undefined, token]) {
    const kind = bearer === undefined ? ("guest" as const) : ("user" as const);
    const ip = "192.0.2.1";
    const late = { kind, ip, askedAtOnce: 0, askedBefore: 0 };
    const atOnce = { kind, ip, askedAtOnce: 1, askedBefore: 1 };
    expect(await enter(fixture, "records.view", bearer)).toEqual(late);
    expect(await enter(fixture, "records.create", bearer)).toEqual(atOnce);
    expect(await enter(fixture, "realtime.connect", bearer)).toMatchObject({ ip, askedAtOnce: 1 });
  }
});

test("of more writes than the log takes note of nobody is asked at once", async () => {
  await using fixture = await freshApp({ features: "none" });
  const isFlooded = () => fixture.app.kernel.registry.traffic?.isFlooded === true;
  expect(isFlooded()).toBe(false);
  while (!isFlooded()) await fixture.request("GET", "/api/collections/users/records");
  expect(await enter(fixture, "records.create", undefined)).toMatchObject({ askedBefore: 0 });
  await fixture.clock.advance(1_000);
  expect(isFlooded()).toBe(false);
  expect(await enter(fixture, "records.create", undefined)).toMatchObject({ askedAtOnce: 1 });
});
