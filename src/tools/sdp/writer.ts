/**
 * Writes the server's offers (RFC 8829 semantics with an ICE-lite server). Every line below is
 * there because a browser fails, or loses media, without it.
 */

import { assert, unreachable } from "../../base/errors.ts";
import {
  type MediaSection,
  type OfferSection,
  type ReceiveSection,
  sectionCodecs,
  sectionExtensions,
  sectionKind,
  sectionRids,
} from "./sections.ts";
import type { IceCandidate, RtpCodec, TransportParameters } from "./types.ts";

export type { OfferSection, Source } from "./sections.ts";

export interface OfferOptions {
  /** Decimal digits, the same for all offers of one connection. */
  readonly sessionId: string;
  /** One more than in the offer before. */
  readonly version: number;
  readonly transport: TransportParameters;
  /** In the order of their making: a section keeps its place for the connection's lifetime. */
  readonly sections: readonly OfferSection[];
  /**
   * Default `active`: the server begins DTLS when it knows the client's fingerprint. With `actpass`
   * the client may begin before, its SCTP packets are dropped, and the channel opens a second late.
   */
  readonly setup?: "active" | "actpass" | "passive";
}

/**
 * Clients estimate 300 kbit/s at first and climb for half a minute until the top simulcast layer
 * fits; this makes them begin where all layers fit.
 */
const START_BITRATE_KBPS = 1500;

/** The offer as text, lines ended by CRLF. Asserts that its ids are tokens and unique. */
export function writeOffer(options: OfferOptions): string {
  const { sections, transport } = options;
  checkIds(options);
  const bundled = sections.filter((section) => !isRefused(section));
  const lines = [...sessionLines(options), `a=group:BUNDLE ${mids(bundled)}`];
  let first = true;
  for (const section of sections) {
    lines.push(...mediaLine(section), `a=mid:${section.mid}`);
    if (!isRefused(section)) {
      lines.push(...iceLines(transport));
      // Bundled sections share one transport: the first one's candidates serve all.
      if (first) lines.push(...transport.candidates.map(candidateLine), "a=end-of-candidates");
      first = false;
    }
    if (section.type === "channel") lines.push(...channelLines(transport));
    else lines.push(...rtpLines(section));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** The answer to a client's offer: it begins DTLS, which it can only after it read this. */
export function writeAnswer(options: Omit<OfferOptions, "setup">): string {
  return writeOffer({ ...options, setup: "passive" });
}

function sessionLines({ sessionId, version, transport, setup = "active" }: OfferOptions): string[] {
  const { fingerprints } = transport.dtls;
  const fingerprint = fingerprints.find(({ algorithm }) => algorithm === "sha-256");
  assert(fingerprint, "the transport has a sha-256 fingerprint");
  return [
    "v=0",
    `o=- ${sessionId} ${version} IN IP4 127.0.0.1`,
    "s=-",
    "t=0 0",
    "a=ice-lite",
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
    `a=setup:${setup}`,
    "a=extmap-allow-mixed",
    "a=msid-semantic: WMS *",
  ];
}

function mediaLine(section: OfferSection): string[] {
  if (section.type === "channel") {
    return ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0"];
  }
  const payloads = sectionCodecs(section).map((codec) => codec.payloadType);
  const port = isRefused(section) ? 0 : 9;
  return [
    `m=${sectionKind(section)} ${port} UDP/TLS/RTP/SAVPF ${payloads.join(" ")}`,
    "c=IN IP4 0.0.0.0",
  ];
}

function iceLines({ ice }: TransportParameters): string[] {
  return [`a=ice-ufrag:${ice.usernameFragment}`, `a=ice-pwd:${ice.password}`];
}

/** `a=candidate:…` (RFC 8839). */
export function candidateLine(candidate: IceCandidate): string {
  const { foundation, protocol, priority, address, port, type, tcpType } = candidate;
  const line = `a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ ${type}`;
  return tcpType === undefined ? line : `${line} tcptype ${tcpType}`;
}

function channelLines({ sctp }: TransportParameters): string[] {
  return [`a=sctp-port:${sctp.port}`, `a=max-message-size:${sctp.maxMessageSize}`];
}

function rtpLines(section: MediaSection): string[] {
  const lines = [`a=${direction(section)}`, "a=rtcp-mux", "a=rtcp-rsize"];
  for (const codec of sectionCodecs(section)) lines.push(...codecLines(section, codec));
  for (const { id, uri } of sectionExtensions(section)) lines.push(`a=extmap:${id} ${uri}`);
  if (section.type === "send") lines.push(`a=msid:${section.streamId} ${section.trackId}`);
  const rids = sectionRids(section);
  for (const rid of rids) lines.push(`a=rid:${rid} recv`);
  if (rids.length > 0) lines.push(`a=simulcast:recv ${rids.join(";")}`);
  return lines;
}

function direction(section: MediaSection): string {
  switch (section.type) {
    case "receive":
      return "recvonly";
    case "send":
      return "sendonly";
    case "inactive":
      return "inactive";
    default:
      return unreachable(section);
  }
}

function codecLines(section: MediaSection, codec: RtpCodec): string[] {
  const pt = codec.payloadType;
  const name = codec.mimeType.slice(codec.mimeType.indexOf("/") + 1);
  const channels = codec.channels !== undefined && codec.channels > 1 ? `/${codec.channels}` : "";
  const lines = [`a=rtpmap:${pt} ${name}/${codec.clockRate}${channels}`];
  for (const { type, parameter } of codec.rtcpFeedback ?? []) {
    lines.push(`a=rtcp-fb:${pt} ${type}${parameter ? ` ${parameter}` : ""}`);
  }
  const parameters = Object.entries(codec.parameters ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  if (section.type === "receive") parameters.push(...startBitrate(section, name));
  if (parameters.length > 0) lines.push(`a=fmtp:${pt} ${parameters.join(";")}`);
  return lines;
}

function startBitrate(section: ReceiveSection, codecName: string): string[] {
  if (sectionKind(section) === "audio" || codecName === "rtx") return [];
  return [`x-google-start-bitrate=${START_BITRATE_KBPS}`];
}

function isRefused(section: OfferSection): boolean {
  return section.type === "inactive" && section.refused === true;
}

function mids(sections: readonly OfferSection[]): string {
  return sections.map((section) => section.mid).join(" ");
}

/** The ids are ours; one with a space or line end in it would write lines of its own. */
function checkIds({ sessionId, sections }: OfferOptions): void {
  assert(/^\d{1,18}$/.test(sessionId), "the session id is decimal");
  const seen = new Set<string>();
  for (const section of sections) {
    // Eight bytes is what the worker writes into the MID header extension.
    assert(/^[A-Za-z0-9]{1,8}$/.test(section.mid), `mid "${section.mid}" is a short token`);
    assert(!seen.has(section.mid), `mid "${section.mid}" is used once`);
    seen.add(section.mid);
    if (section.type !== "send") continue;
    const pair = `${section.streamId} ${section.trackId}`;
    assert(/^[\w-]{1,64} [\w-]{1,64}$/.test(pair), `msid "${pair}" is a pair of tokens`);
    assert(!seen.has(pair), `msid "${pair}" is used once`);
    seen.add(pair);
  }
}
