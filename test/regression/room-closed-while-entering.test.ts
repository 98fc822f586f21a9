/**
 * A room was closed while somebody was on the way in. The transport went with its router only, so
 * that the worker's WebRtcServer kept it for as long as the worker lived; what the worker answered
 * after the close stayed among the listeners of its channel.
 */

import { afterEach, expect, test } from "bun:test";
import type { EventEmitter } from "node:events";
import { observer, type types } from "mediasoup";
import type { MediaEngine, MediaRoom } from "../../src/infra/media/engine.ts";
import { cleanUp, startEngine } from "../unit/media-fixture.ts";

afterEach(cleanUp);

/** What mediasoup shows to its own tests. */
interface ShownServer extends types.WebRtcServer {
  readonly webRtcTransportsForTesting: ReadonlyMap<string, ShownTransport>;
}

interface ShownTransport extends types.WebRtcTransport {
  readonly channelForTesting: EventEmitter;
}

interface Watched {
  readonly engine: MediaEngine;
  readonly server: ShownServer;
  readonly channel: EventEmitter;
}

async function watched(): Promise<Watched> {
  let server: ShownServer | undefined;
  const watch = (worker: types.Worker) => {
    worker.observer.once("newwebrtcserver", (made) => {
      server = made as ShownServer;
    });
  };
  observer.once("newworker", watch);
  const engine = await startEngine();
  if (!server) throw new Error("the engine started no worker");
  const room = await engine.createRoom("first");
  await room.createPeer("p");
  const [transport] = server.webRtcTransportsForTesting.values();
  if (!transport) throw new Error("the peer has no transport");
  room.close();
  return { engine, server, channel: transport.channelForTesting };
}

const MICROPHONE = {
  mid: "1",
  codecs: [{ mimeType: "audio/opus", payloadType: 111, clockRate: 48_000, channels: 2 }],
  headerExtensions: [],
  encodings: [{ ssrc: 5 }],
};

/** Enters the room and closes it at some moment of that. */
type Closing = (room: MediaRoom, watched: Watched) => Promise<unknown>;

async function refused(entering: Promise<unknown>): Promise<void> {
  await expect(entering).rejects.toMatchObject({ code: "room_closed" });
}

/** Runs with the transport of whoever enters next, as soon as it is there. */
function atTransport({ server }: Watched, run: (transport: types.WebRtcTransport) => void): void {
  server.observer.once("webrtctransporthandled", run);
}

test.each<[string, Closing]>([
  [
    "before the transport is there",
    async (room) => {
      const entering = room.createPeer("p");
      room.close();
      await refused(entering);
    },
  ],
  [
    "as the transport comes",
    async (room, given) => {
      atTransport(given, () => queueMicrotask(() => room.close()));
      await refused(room.createPeer("p"));
    },
  ],
  [
    "while the channel is opened",
    async (room, given) => {
      // The answers to what is asked next come in a later turn of the event loop.
      atTransport(given, () => process.nextTick(() => room.close()));
      await refused(room.createPeer("p"));
    },
  ],
  [
    "while the channel is listened to",
    async (room, given) => {
      atTransport(given, (transport) => {
        transport.observer.once("newdataproducer", () => process.nextTick(() => room.close()));
      });
      await refused(room.createPeer("p"));
    },
  ],
  [
    "while the first voice is listened to",
    async (room) => {
      const peer = await room.createPeer("p");
      await peer.produce({ kind: "audio", rtp: MICROPHONE });
      room.close();
    },
  ],
])("a room that closes %s leaves nothing with its worker", async (_, close) => {
  const given = await watched();
  const { engine, server, channel } = given;
  const before = channel.eventNames().length;
  await close(await engine.createRoom("r"), given);
  // Answers come in order: what was asked before this is answered after it.
  (await engine.createRoom("last")).close();
  expect(server.webRtcTransportsForTesting.size).toBe(0);
  expect(channel.eventNames()).toHaveLength(before);
});
