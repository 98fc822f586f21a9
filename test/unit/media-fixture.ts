/** The media engine on a real worker, and clients that do real ICE, DTLS, SCTP and SRTP. */

import nodeDataChannel, {
  type DataChannel,
  type PeerConnection,
  type Track,
} from "node-datachannel";
import { realClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import type {
  MediaConfig,
  MediaEngine,
  MediaPeer,
  MediaRoom,
} from "../../src/infra/media/engine.ts";
import { createMediasoupEngine } from "../../src/infra/media/mediasoup.ts";
import { type Answer, readAnswer } from "../../src/tools/sdp/answer.ts";
import type { RtpCapabilities } from "../../src/tools/sdp/types.ts";
import { type OfferSection, writeOffer } from "../../src/tools/sdp/writer.ts";
import { workerPath } from "../fixtures/media-worker.ts";

export const WORKER = workerPath();

export const cleanups: (() => unknown)[] = [];

/** To be called after each test. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Outside the range that systems hand out by themselves; taken ones are tried again. */
export function randomPort(): number {
  return 21_000 + Math.floor(Math.random() * 8_000);
}

export async function startEngine(
  changes: Partial<MediaConfig> = {},
  log: Log = silentLog(),
): Promise<MediaEngine> {
  for (let tries = 0; ; tries++) {
    const config: MediaConfig = {
      workers: 1,
      port: randomPort(),
      listenIp: "127.0.0.1",
      announcedAddresses: [],
      workerPath: WORKER,
      ...changes,
    };
    const engine = createMediasoupEngine(config, { log, clock: realClock() });
    cleanups.push(() => engine.close());
    try {
      await engine.start();
      return engine;
    } catch (thrown) {
      if (tries === 5) throw thrown;
    }
  }
}

export interface Client {
  readonly peer: MediaPeer;
  readonly connection: PeerConnection;
  readonly channel: DataChannel;
  readonly answer: Answer;
  readonly tracks: Map<string, Track>;
  /** Messages on the channel, oldest first. */
  readonly heard: unknown[];
}

export interface JoinOptions {
  readonly sections?: readonly OfferSection[];
  /** Changes the client's answer before it is read. */
  readonly edit?: (sdp: string) => string;
  readonly onPeer?: (peer: MediaPeer) => void;
}

/** A client joins by our offer, its answer is read and applied, and the channel is open. */
export async function joinRoom(
  room: MediaRoom,
  id: string,
  options: JoinOptions = {},
): Promise<Client> {
  const sections: readonly OfferSection[] = [
    { type: "channel", mid: "0" },
    ...(options.sections ?? []),
  ];
  const peer = await room.createPeer(id);
  options.onPeer?.(peer);
  const opened = new Promise<void>((resolve) => peer.onChannelOpen(resolve));
  const offer = writeOffer({ sessionId: "1", version: 1, transport: peer.transport, sections });
  const connection = new nodeDataChannel.PeerConnection(id, {
    iceServers: [],
    // It would make an offer of its own for the channel.
    disableAutoNegotiation: true,
  });
  cleanups.push(() => connection.close());
  const tracks = new Map<string, Track>();
  connection.onTrack((track) => void tracks.set(track.mid(), track));
  const channel = connection.createDataChannel("events", { negotiated: true, id: 0 });
  const heard: unknown[] = [];
  channel.onMessage((message) => {
    heard.push(typeof message === "string" ? message : new Uint8Array(message as Buffer));
  });
  const sdp = await new Promise<string>((resolve) => {
    connection.onLocalDescription((local) => resolve(local));
    connection.setRemoteDescription(offer, "offer");
    connection.setLocalDescription("answer");
  });
  const answer = readAnswer((options.edit ?? ((same) => same))(sdp), sections);
  peer.acceptCodecs(answer.acceptedCodecs);
  await peer.connect(answer.dtls);
  await opened;
  await until(() => channel.isOpen());
  return { peer, connection, channel, answer, tracks, heard };
}

/** Waits for something that another process does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

export function sendFrame(channel: DataChannel, frame: string | Uint8Array): void {
  if (typeof frame === "string") channel.sendMessage(frame);
  else channel.sendMessageBinary(frame);
}

/** Id of the header extension for the level of sound, as the router has it. */
export const LEVEL_EXTENSION = 6;

/** One RTP packet of opus (RFC 3550), with its level of sound (RFC 6464): 0 is the loudest. */
export function rtpPacket(ssrc: number, sequence: number, level = 30): Buffer {
  const packet = Buffer.alloc(12 + 8 + 40, 0x11);
  packet.writeUInt32BE(0xbede_0001, 12);
  packet.writeUInt32BE(((LEVEL_EXTENSION << 12) | 0x80 | level) * 0x1_0000, 16);
  packet.writeUInt8(0x90, 0);
  packet.writeUInt8(100, 1);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 960, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

export const receive = (capabilities: RtpCapabilities): OfferSection => ({
  type: "receive",
  mid: "1",
  source: "audio",
  capabilities,
});

export const send = (capabilities: RtpCapabilities): OfferSection => ({
  type: "send",
  mid: "7",
  kind: "audio",
  streamId: "slots",
  trackId: "slot7",
  capabilities,
});

/** Joins and sends opus from now on, with this level (RFC 6464; 0 is loudest). */
export async function joinSpeaking(room: MediaRoom, id: string, ssrc: number, level?: number) {
  const speaker = await joinRoom(room, id, {
    sections: [receive(room.capabilities)],
    edit: (sdp) => sdp.replace("a=mid:1\r\n", `a=mid:1\r\na=ssrc:${ssrc} cname:${id}\r\n`),
  });
  const [published] = speaker.answer.published;
  const producer = await speaker.peer.produce(published!);
  await until(() => speaker.tracks.has("1"));
  let sequence = 0;
  const sending = setInterval(() => {
    const track = speaker.tracks.get("1");
    if (track?.isOpen()) track.sendMessageBinary(rtpPacket(ssrc, ++sequence, level));
  }, 10);
  cleanups.push(() => clearInterval(sending));
  return { ...speaker, producer };
}

/** Joins, and collects what arrives of a producer. */
export async function joinListening(room: MediaRoom, id: string, producerId: string) {
  const listener = await joinRoom(room, id, { sections: [send(room.capabilities)] });
  const consumer = await listener.peer.consume({ producerId, mid: "7" });
  const packets: Buffer[] = [];
  await until(() => listener.tracks.has("7"));
  listener.tracks.get("7")!.onMessage((packet) => packets.push(packet));
  return { ...listener, consumer, packets };
}
