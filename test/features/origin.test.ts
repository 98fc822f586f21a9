/** Where requests come from: whom the system is asked about, when, and what a client cannot hide. */

import { expect, test } from "bun:test";
import type { Traffic } from "../../src/core/traffic.ts";
import { HttpCall } from "../../src/wires/http/call.ts";
import { authenticate, type Mount } from "../../src/wires/http/mount.ts";
import { ClientAddress, HttpOrigin } from "../../src/wires/http/origin.ts";
import { freshApp } from "./app-fixture.ts";

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

test("who changes something or stays is known at once, who reads when it counts", async () => {
  await using fixture = await freshApp({ features: "none" });
  const { kernel } = fixture.app;
  const { token } = await fixture.signUp("Ann");
  const operation = (name: string) => {
    const found = kernel.registry.operations.find((each) => each.name === name);
    if (!found) throw new Error(`no operation ${name}`);
    return found;
  };
  for (const bearer of [undefined, token]) {
    const headers = bearer === undefined ? {} : { authorization: bearer };
    const who = async (name: string) => {
      const { call, asked } = arrived("192.0.2.1", { headers });
      const entering = authenticate({ kernel } as Mount, operation(name), call);
      const askedAtOnce = asked();
      const { caller } = await entering;
      const askedBefore = asked();
      return { kind: caller.kind, ip: caller.ip, askedAtOnce, askedBefore, asked: asked() };
    };
    const kind = bearer === undefined ? ("guest" as const) : ("user" as const);
    const common = { kind, ip: "192.0.2.1", asked: 1 };
    expect(await who("records.view")).toEqual({ ...common, askedAtOnce: 0, askedBefore: 0 });
    expect(await who("records.create")).toEqual({ ...common, askedAtOnce: 1, askedBefore: 1 });
    expect(await who("realtime.connect")).toMatchObject({ ip: "192.0.2.1", askedAtOnce: 1 });
  }
});
