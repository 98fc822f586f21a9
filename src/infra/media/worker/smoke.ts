/**
 * Proves that a media worker works before it is accepted: `bun smoke.ts WORKER_FILE`. A real peer
 * (libdatachannel) connects to it on the loopback interface, completes a DTLS handshake and
 * exchanges SRTP with it; what arrives is compared with what was sent, both ways. A worker built
 * against the wrong libraries starts and answers requests, and dies in the first handshake: only
 * this finds out. Writes one line; exit code 0 when it passed, 1 when not, always within 10 s.
 */

import { createWorker } from "mediasoup";
import type {
  DirectTransport,
  DtlsParameters,
  Router,
  RtpParameters,
  WebRtcTransport,
  Worker,
} from "mediasoup/types";
import { PeerConnection, type Track } from "node-datachannel";

const timeoutMs = 10_000;
const packetIntervalMs = 20;
/** Received with the right payload, in each direction, before the worker is believed. */
const packetsWanted = 10;

const payloadType = 100;
const peerSsrc = 1111;
const serverSsrc = 2222;
const peerPayload = "sound from the peer";
const serverPayload = "sound from the server";

const opus = { mimeType: "audio/opus", clockRate: 48_000, channels: 2 } as const;

interface Tally {
  fromPeer: number;
  fromServer: number;
}

/** An RTP packet (RFC 3550) without extensions around a text payload. */
function rtpPacket(ssrc: number, sequence: number, payload: string): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x80, 0);
  header.writeUInt8(payloadType, 1);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(sequence * 960, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, Buffer.from(payload)]);
}

/** RTCP comes to a track's callback too; a packet of ours ends with the payload, in clear. */
function carries(packet: Buffer, payload: string): boolean {
  return packet.length > 12 && packet.subarray(-payload.length).toString("latin1") === payload;
}

function audio(ssrc: number): RtpParameters {
  return {
    codecs: [{ ...opus, payloadType }],
    headerExtensions: [],
    encodings: [{ ssrc }],
    rtcp: { cname: "smoke" },
  };
}

/** Section 0 is what the peer sends, section 1 what it receives. */
function offer(transport: WebRtcTransport, consumerSsrc: number): string {
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const fingerprint = dtlsParameters.fingerprints.find((one) => one.algorithm === "sha-256");
  if (!fingerprint) throw new Error("the worker has no SHA-256 fingerprint");
  const candidates = iceCandidates.map(
    (one) =>
      `a=candidate:${one.foundation} 1 ${one.protocol} ${one.priority} ${one.address} ${one.port} typ host`,
  );
  const section = (mid: number, ...lines: string[]) => [
    `m=audio 9 UDP/TLS/RTP/SAVPF ${payloadType}`,
    "c=IN IP4 0.0.0.0",
    `a=mid:${mid}`,
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    ...candidates,
    "a=end-of-candidates",
    "a=rtcp-mux",
    `a=rtpmap:${payloadType} opus/48000/2`,
    ...lines,
  ];
  return `${[
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=ice-lite",
    `a=fingerprint:sha-256 ${fingerprint.value}`,
    "a=setup:active",
    ...section(0, "a=recvonly"),
    ...section(1, "a=sendonly", "a=msid:smoke smoke", `a=ssrc:${consumerSsrc} cname:smoke`),
  ].join("\r\n")}\r\n`;
}

function dtlsOfAnswer(sdp: string): DtlsParameters {
  const fingerprint = /^a=fingerprint:sha-256 (\S+)/m.exec(sdp)?.[1];
  const setup = /^a=setup:(active|passive)/m.exec(sdp)?.[1];
  if (!fingerprint || !setup) throw new Error("the peer's answer has no fingerprint or setup");
  return {
    role: setup === "active" ? "client" : "server",
    fingerprints: [{ algorithm: "sha-256", value: fingerprint }],
  };
}

/** Returns the peer's sending track once it has answered and the worker knows its fingerprint. */
async function connect(
  peer: PeerConnection,
  transport: WebRtcTransport,
  options: { consumerSsrc: number; tally: Tally },
): Promise<Track> {
  const tracks: Track[] = [];
  peer.onTrack((track) => {
    tracks.push(track);
    track.onMessage((packet) => {
      if (carries(packet, serverPayload)) options.tally.fromServer++;
    });
  });
  const answer = await new Promise<string>((resolve) => {
    peer.onLocalDescription((sdp) => resolve(sdp));
    peer.setRemoteDescription(offer(transport, options.consumerSsrc), "offer");
  });
  await transport.connect({ dtlsParameters: dtlsOfAnswer(answer) });
  const sending = tracks.find((track) => track.mid() === "0");
  if (!sending) throw new Error("the peer made no track to send on");
  return sending;
}

/** The server's side of both directions: taps what the peer sends, offers something to receive. */
async function wire(router: Router, transport: WebRtcTransport, direct: DirectTransport) {
  const rtpCapabilities = router.rtpCapabilities;
  const upstream = await transport.produce({
    kind: "audio",
    rtpParameters: { ...audio(peerSsrc), mid: "0" },
  });
  const tap = await direct.consume({ producerId: upstream.id, rtpCapabilities });
  const source = await direct.produce({ kind: "audio", rtpParameters: audio(serverSsrc) });
  const consumer = await transport.consume({
    producerId: source.id,
    rtpCapabilities,
    mid: "1",
  });
  const consumerSsrc = consumer.rtpParameters.encodings?.[0]?.ssrc;
  if (consumerSsrc === undefined) throw new Error("the worker's consumer has no SSRC");
  return { tap, source, consumerSsrc };
}

async function exchange(worker: Worker, peer: PeerConnection, tally: Tally): Promise<void> {
  const router = await worker.createRouter({
    mediaCodecs: [{ kind: "audio", ...opus, preferredPayloadType: payloadType }],
  });
  const transport = await router.createWebRtcTransport({
    listenInfos: [{ protocol: "udp", ip: "127.0.0.1" }],
  });
  const direct = await router.createDirectTransport();
  const { tap, source, consumerSsrc } = await wire(router, transport, direct);
  tap.on("rtp", (packet) => {
    if (carries(packet, peerPayload)) tally.fromPeer++;
  });
  const track = await connect(peer, transport, { consumerSsrc, tally });
  // Packets sent before the handshake is over are lost: sending goes on until enough arrived, and
  // the deadline outside ends it where they never do.
  for (let sequence = 1; !worker.closed; sequence++) {
    source.send(rtpPacket(serverSsrc, sequence, serverPayload));
    if (track.isOpen()) track.sendMessageBinary(rtpPacket(peerSsrc, sequence, peerPayload));
    await Bun.sleep(packetIntervalMs);
    if (tally.fromPeer >= packetsWanted && tally.fromServer >= packetsWanted) return;
  }
}

/** Resolves to what is wrong with the worker, or to undefined. */
async function examine(workerBin: string): Promise<string | undefined> {
  const tally: Tally = { fromPeer: 0, fromServer: 0 };
  let state = "new";
  const worker = await createWorker({ workerBin, logLevel: "warn" });
  const peer = new PeerConnection("smoke", { iceServers: [], bindAddress: "127.0.0.1" });
  peer.onStateChange((next) => {
    state = next;
  });
  const died = new Promise<string>((resolve) => {
    worker.on("died", (error) => resolve(`the worker died: ${error.message}`));
  });
  const late = Bun.sleep(timeoutMs - 1000).then(
    () =>
      `not enough packets in time (connection ${state}; ` +
      `${tally.fromPeer} from the peer, ${tally.fromServer} from the server)`,
  );
  const passed = exchange(worker, peer, tally).then(() => undefined);
  try {
    return await Promise.race([died, late, passed]);
  } finally {
    peer.close();
    worker.close();
  }
}

/** Examines the worker file named on the command line and ends the process. */
async function main(): Promise<void> {
  const workerBin = Bun.argv[2];
  if (!workerBin) {
    process.stderr.write("usage: bun smoke.ts WORKER_FILE\n");
    process.exit(2);
  }
  // A worker that never answers its first request is not covered by the race above.
  const guard = setTimeout(() => {
    process.stdout.write("smoke test failed: the worker does not start\n");
    process.exit(1);
  }, timeoutMs);
  const problem = await examine(workerBin).catch((error: unknown) => String(error));
  clearTimeout(guard);
  process.stdout.write(
    problem === undefined
      ? "smoke test passed: DTLS handshake, SRTP both ways\n"
      : `smoke test failed: ${problem}\n`,
  );
  // libdatachannel's threads would keep the process alive.
  process.exit(problem === undefined ? 0 : 1);
}

if (import.meta.main) void main();
