/** A stream of events on its connection: how it ends, for who reads and for who does not. */

import { expect, test } from "bun:test";
import { FakeClock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { Session } from "../../src/core/session.ts";
import { HttpCall } from "../../src/wires/http/call.ts";
import { eventStream } from "../../src/wires/http/event-stream.ts";
import { SseStream } from "../../src/wires/sse/stream.ts";
import { until } from "../fixtures/until.ts";

const BIG = "x".repeat(100_000);

function open() {
  const clock = new FakeClock();
  const caller = { kind: "guest", ip: "10.0.0.1" } as const;
  const session = new Session({ id: "s", wire: "sse", caller, clock });
  return { clock, session, stream: new SseStream(session, { clock }) };
}

test("who reads is told the reason of the end", async () => {
  const { clock, session, stream } = open();
  stream.push({ id: "1", event: "news", data: { a: 1 } });
  session.end("finished");
  const text = await new Response(stream.body).text();
  expect(text).toBe(
    ':\n\nid:1\nevent:news\ndata:{"a":1}\n\nevent:end\ndata:{"reason":"finished"}\n\n',
  );
  expect(clock.pending).toBe(0);
});

test("who does not read is cut off when the outbox is full, without a clean end", async () => {
  const { session, stream } = open();
  for (let n = 0; n < 20; n++) stream.push({ data: BIG });
  expect(session.ended).toBe("slow_consumer");
  await expect(new Response(stream.body).text()).rejects.toThrow("too slow");
});

test("the connection of who does not read is closed, with what its socket still holds", async () => {
  const { session, stream } = open();
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, bun) =>
      eventStream(
        new HttpCall({
          arrival: {
            request,
            pathname: "/",
            search: "",
            origin: { ip: "", peer: "" },
            params: {},
            rateTags: [],
          },
          server: bun,
          requestId: "r",
          bodyBytesMax: 0,
        }),
        session,
        stream.body,
      ),
  });
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port ?? 0,
    socket: { data: () => undefined },
  });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("the request is there", 5_000, () => server.pendingRequests === 1);
  socket.pause();
  await until("it is cut off", 5_000, () => {
    stream.push({ data: BIG });
    return session.ended === "slow_consumer";
  });
  // The runtime counts its time-outs in steps of four seconds.
  const within = LIMITS.slowReaderCloseMs + 8_000;
  await until("the connection is gone", within, () => server.pendingRequests === 0);
  socket.end();
});
