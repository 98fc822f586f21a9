/** Parameters of the fake engine: those a real router has, so that offers can be written from it. */

import { LIMITS } from "../../base/limits.ts";
import { SCTP_PORT } from "../../tools/sdp/sections.ts";
import type {
  HeaderExtension,
  IceCandidate,
  RtcpFeedback,
  RtpCapabilities,
  TransportParameters,
} from "../../tools/sdp/types.ts";
import type { PayloadTypes } from "./engine.ts";

const VIDEO_FEEDBACK: RtcpFeedback[] = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "goog-remb" },
  { type: "transport-cc" },
];

const SDES = "urn:ietf:params:rtp-hdrext:sdes";
const GOOGLE = "http://www.webrtc.org/experiments/rtp-hdrext";
const TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const DEPENDENCY_DESCRIPTOR =
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

const HEADER_EXTENSIONS: HeaderExtension[] = [
  { kind: "audio", uri: `${SDES}:mid`, id: 1, direction: "sendrecv" },
  { kind: "video", uri: `${SDES}:mid`, id: 1, direction: "sendrecv" },
  { kind: "video", uri: `${SDES}:rtp-stream-id`, id: 2, direction: "recvonly" },
  { kind: "video", uri: `${SDES}:repaired-rtp-stream-id`, id: 3, direction: "recvonly" },
  { kind: "audio", uri: `${GOOGLE}/abs-send-time`, id: 4, direction: "sendrecv" },
  { kind: "video", uri: `${GOOGLE}/abs-send-time`, id: 4, direction: "sendrecv" },
  { kind: "audio", uri: TRANSPORT_CC, id: 5, direction: "recvonly" },
  { kind: "video", uri: TRANSPORT_CC, id: 5, direction: "sendrecv" },
  {
    kind: "audio",
    uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    id: 6,
    direction: "sendrecv",
  },
  { kind: "video", uri: DEPENDENCY_DESCRIPTOR, id: 7, direction: "recvonly" },
  { kind: "video", uri: "urn:3gpp:video-orientation", id: 8, direction: "sendrecv" },
  { kind: "video", uri: "urn:ietf:params:rtp-hdrext:toffset", id: 9, direction: "sendrecv" },
  { kind: "audio", uri: `${GOOGLE}/abs-capture-time`, id: 10, direction: "sendrecv" },
  { kind: "video", uri: `${GOOGLE}/abs-capture-time`, id: 10, direction: "sendrecv" },
  { kind: "audio", uri: `${GOOGLE}/playout-delay`, id: 11, direction: "sendrecv" },
  { kind: "video", uri: `${GOOGLE}/playout-delay`, id: 11, direction: "sendrecv" },
  {
    kind: "audio",
    uri: "urn:mediasoup:params:rtp-hdrext:packet-id",
    id: 12,
    direction: "sendrecv",
  },
  {
    kind: "video",
    uri: "urn:mediasoup:params:rtp-hdrext:packet-id",
    id: 12,
    direction: "sendrecv",
  },
];

export const FAKE_CAPABILITIES: RtpCapabilities = {
  codecs: [
    {
      kind: "audio",
      mimeType: "audio/opus",
      payloadType: 100,
      clockRate: 48_000,
      channels: 2,
      parameters: { useinbandfec: 1 },
      rtcpFeedback: [{ type: "nack" }, { type: "transport-cc" }],
    },
    videoCodec("video/VP8", 101, {}),
    rtx(102, 101),
    videoCodec("video/H264", 103, {
      "level-asymmetry-allowed": 1,
      "packetization-mode": 1,
      "profile-level-id": "42e01f",
    }),
    rtx(104, 103),
  ],
  headerExtensions: HEADER_EXTENSIONS,
};

/** The same with the payload types of a client. */
export function fakeCapabilities(payloads: PayloadTypes = {}): RtpCapabilities {
  const codecs = FAKE_CAPABILITIES.codecs.map((codec) => {
    const name = codec.mimeType.slice(codec.mimeType.indexOf("/") + 1).toLowerCase();
    const payloadType = payloads[name as keyof PayloadTypes] ?? codec.payloadType;
    return { ...codec, payloadType };
  });
  return { ...FAKE_CAPABILITIES, codecs };
}

/** Credentials of the `restarts`th ICE restart of a peer; all the rest stays. */
export function fakeTransport(peer: number, restarts: number, port: number): TransportParameters {
  const generation = `${String(peer).padStart(6, "0")}${String(restarts).padStart(2, "0")}`;
  const candidate: IceCandidate = {
    foundation: "udpcandidate0",
    priority: 1_076_558_079,
    address: "127.0.0.1",
    protocol: "udp",
    port,
    type: "host",
  };
  const tcp = { foundation: "tcpcandidate0", priority: 1_076_276_479, protocol: "tcp" } as const;
  return {
    ice: { usernameFragment: `fragment${generation}`, password: `password-password${generation}` },
    candidates: [candidate, { ...candidate, ...tcp, tcpType: "passive" }],
    dtls: {
      role: "auto",
      fingerprints: [{ algorithm: "sha-256", value: Array(32).fill("5A").join(":") }],
    },
    sctp: { port: SCTP_PORT, maxMessageSize: LIMITS.channelFrameBytesMax },
  };
}

function videoCodec(
  mimeType: string,
  payloadType: number,
  parameters: Record<string, string | number>,
) {
  return {
    kind: "video" as const,
    mimeType,
    payloadType,
    clockRate: 90_000,
    parameters,
    rtcpFeedback: VIDEO_FEEDBACK,
  };
}

function rtx(payloadType: number, apt: number) {
  const kind = "video" as const;
  const parameters = { apt };
  return {
    kind,
    mimeType: "video/rtx",
    payloadType,
    clockRate: 90_000,
    parameters,
    rtcpFeedback: [],
  };
}
