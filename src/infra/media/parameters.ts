/** The router's codecs, and mediasoup's parameters as those of the session descriptions. */

import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import type { types } from "mediasoup";
import { LIMITS } from "../../base/limits.ts";
import { SCTP_PORT } from "../../tools/sdp/sections.ts";
import type {
  HeaderExtension,
  IceCandidate,
  RtpCapabilities,
  RtpCodec,
  RtpParameters,
  TransportParameters,
} from "../../tools/sdp/types.ts";
import type { MediaConfig, PayloadTypes } from "./engine.ts";

/**
 * VP8 first: every browser has it, and the answer keeps this order. H264 for hardware encoders and
 * for recordings without transcoding; constrained baseline is what all of them have.
 */
export const ROUTER_CODECS: types.RouterRtpCodecCapability[] = [
  {
    kind: "audio",
    mimeType: "audio/opus",
    clockRate: 48_000,
    channels: 2,
    parameters: { useinbandfec: 1 },
  },
  { kind: "video", mimeType: "video/VP8", clockRate: 90_000 },
  {
    kind: "video",
    mimeType: "video/H264",
    clockRate: 90_000,
    parameters: {
      "packetization-mode": 1,
      "profile-level-id": "42e01f",
      "level-asymmetry-allowed": 1,
    },
  },
];

/** The same codecs with the payload types of a client. */
export function routerCodecs(payloads: PayloadTypes): types.RouterRtpCodecCapability[] {
  return ROUTER_CODECS.map((codec) => {
    const name = codec.mimeType.slice(codec.mimeType.indexOf("/") + 1).toLowerCase();
    const preferred = payloads[name as keyof PayloadTypes];
    return preferred === undefined ? codec : { ...codec, preferredPayloadType: preferred };
  });
}

/** Of the machine's own addresses as many are offered when none is configured. */
const ADDRESSES_MAX = 8;

export function routerCapabilities(caps: types.RtpCapabilities): RtpCapabilities {
  return {
    codecs: (caps.codecs ?? []).map(routerCodec),
    headerExtensions: (caps.headerExtensions ?? []).map(headerExtension),
  };
}

function routerCodec(codec: types.RtpCodecCapability): RtpCodec {
  const { kind, mimeType, preferredPayloadType, clockRate, channels } = codec;
  return {
    kind,
    mimeType,
    payloadType: preferredPayloadType,
    clockRate,
    ...(channels === undefined ? {} : { channels }),
    parameters: formatParameters(codec.parameters),
    rtcpFeedback: (codec.rtcpFeedback ?? []).map(({ type, parameter }) =>
      parameter ? { type, parameter } : { type },
    ),
  };
}

function headerExtension(extension: types.RtpHeaderExtension): HeaderExtension {
  const { kind, uri, preferredId, direction } = extension;
  return { kind, uri, id: preferredId, direction: direction ?? "sendrecv" };
}

function formatParameters(parameters: unknown): Record<string, string | number> {
  const known: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(parameters ?? {})) {
    if (typeof value === "string" || typeof value === "number") known[key] = value;
  }
  return known;
}

/**
 * What a client with these codecs can receive. `mimeTypes`: lower case; retransmission counts when
 * `video/rtx` is among them.
 */
export function receiveCapabilities(
  caps: types.RtpCapabilities,
  mimeTypes: readonly string[],
): types.RtpCapabilities {
  const accepted = new Set(mimeTypes);
  const codecs = (caps.codecs ?? []).filter((codec) => accepted.has(codec.mimeType.toLowerCase()));
  const payloads = new Set(codecs.map((codec) => codec.preferredPayloadType));
  return {
    ...caps,
    codecs: codecs.filter((codec) => {
      const { apt } = formatParameters(codec.parameters);
      return apt === undefined || payloads.has(Number(apt));
    }),
  };
}

/** What a client said it can receive; only the names of header extensions are a closed list there. */
export function workerCapabilities(caps: RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: caps.codecs.map(({ payloadType, ...codec }) => ({
      ...codec,
      kind: codec.kind ?? (codec.mimeType.startsWith("audio/") ? "audio" : "video"),
      preferredPayloadType: payloadType,
    })),
    headerExtensions: caps.headerExtensions.map(({ kind, uri, id, direction }) => ({
      kind: kind ?? "video",
      uri: uri as types.RtpHeaderExtensionUri,
      preferredId: id,
      ...(direction === undefined ? {} : { direction }),
    })),
  };
}

/** What a consumer sends. */
export function sentParameters(rtp: types.RtpParameters): RtpParameters {
  const { mid, codecs, headerExtensions = [], encodings = [], rtcp } = rtp;
  return {
    ...(mid === undefined ? {} : { mid }),
    codecs: codecs.map(
      ({ mimeType, payloadType, clockRate, channels, parameters, rtcpFeedback }) => ({
        mimeType,
        payloadType,
        clockRate,
        ...(channels === undefined ? {} : { channels }),
        parameters: formatParameters(parameters),
        rtcpFeedback: (rtcpFeedback ?? []).map(({ type, parameter }) =>
          parameter ? { type, parameter } : { type },
        ),
      }),
    ),
    headerExtensions: headerExtensions.map(({ uri, id }) => ({ uri, id })),
    encodings: encodings.map(({ ssrc, rtx, scalabilityMode }) => ({
      ...(ssrc === undefined ? {} : { ssrc }),
      ...(rtx === undefined ? {} : { rtx: { ssrc: rtx.ssrc } }),
      ...(scalabilityMode === undefined ? {} : { scalabilityMode }),
    })),
    rtcp: {
      ...(rtcp?.cname === undefined ? {} : { cname: rtcp.cname }),
      reducedSize: rtcp?.reducedSize ?? true,
    },
  };
}

/** The same parameters; only the names of header extensions are typed as a closed list there. */
export function workerParameters(rtp: RtpParameters): types.RtpParameters {
  return {
    ...rtp,
    headerExtensions: rtp.headerExtensions.map(({ uri, id }) => ({
      uri: uri as types.RtpHeaderExtensionUri,
      id,
    })),
  };
}

export function transportParameters(
  transport: types.WebRtcTransport,
  addresses: readonly string[],
): TransportParameters {
  const { usernameFragment, password } = transport.iceParameters;
  const { role, fingerprints } = transport.dtlsParameters;
  return {
    ice: { usernameFragment, password },
    candidates: transport.iceCandidates.flatMap((candidate) => announced(candidate, addresses)),
    dtls: {
      role: role ?? "auto",
      fingerprints: fingerprints.map(({ algorithm, value }) => ({ algorithm, value })),
    },
    sctp: { port: SCTP_PORT, maxMessageSize: LIMITS.channelFrameBytesMax },
  };
}

/**
 * One candidate for each announced address. The worker binds its port once and does not care by
 * which address a client found it, so the addresses are ours to write.
 */
function announced(candidate: types.IceCandidate, addresses: readonly string[]): IceCandidate[] {
  const { foundation, priority, protocol, port, type, tcpType } = candidate;
  return addresses.map((address, index) => ({
    foundation: `${foundation}${index}`,
    // The local preference is the second and third byte (RFC 8445): the first address wins.
    priority: priority - index * 256,
    address,
    protocol,
    port,
    type,
    ...(tcpType === undefined ? {} : { tcpType }),
  }));
}

/** Addresses offered to clients: the configured ones, else the listen address or what it covers. */
export function offeredAddresses(config: MediaConfig): readonly string[] {
  if (config.announcedAddresses.length > 0) return config.announcedAddresses;
  const { listenIp } = config;
  if (listenIp !== "0.0.0.0" && listenIp !== "::") return [listenIp];
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const usable = own.filter(
    ({ address, internal }) =>
      !internal && !address.startsWith("fe80:") && (listenIp === "::" || !isIPv6(address)),
  );
  const addresses = usable.slice(0, ADDRESSES_MAX).map(({ address }) => address);
  return addresses.length > 0 ? addresses : ["127.0.0.1"];
}
