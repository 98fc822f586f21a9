/**
 * The sections (m-lines) of an offer. The list an offer was written from is the snapshot its answer
 * is read against, so what a section offers is decided here, once for the writer and the reader.
 */

import { unreachable } from "../../base/errors.ts";
import type { HeaderExtension, MediaKind, RtpCapabilities, RtpCodec } from "./types.ts";

/** What a participant publishes: a microphone, a camera, a screen. */
export type Source = "audio" | "video" | "screen";

/** The data channel's transport. */
export interface ChannelSection {
  readonly type: "channel";
  readonly mid: string;
}

/** The client sends, the server receives: one source of the client. */
export interface ReceiveSection {
  readonly type: "receive";
  readonly mid: string;
  readonly source: Source;
  readonly capabilities: RtpCapabilities;
  /** Simulcast streams as a client that offered named them; those of a camera where left out. */
  readonly rids?: readonly string[];
}

/**
 * The server sends: a pool slot or one remote track. It announces no SSRC: every stream whose MID
 * header extension says `mid` belongs to it, so its source changes without a new offer.
 */
export interface SendSection {
  readonly type: "send";
  readonly mid: string;
  readonly kind: MediaKind;
  /** Becomes `MediaStream.id` in the client. `[A-Za-z0-9-]{1,64}`, like `trackId`. */
  readonly streamId: string;
  /** The pair of both is unique in an offer. */
  readonly trackId: string;
  readonly capabilities: RtpCapabilities;
}

/** A section out of use. Sections are never removed from an offer, only emptied (RFC 8829). */
export interface InactiveSection {
  readonly type: "inactive";
  readonly mid: string;
  readonly kind: MediaKind;
  readonly capabilities: RtpCapabilities;
  /** The client refused it in an earlier answer: port 0 from then on, outside the BUNDLE group. */
  readonly refused?: boolean;
}

export type OfferSection = ChannelSection | ReceiveSection | SendSection | InactiveSection;

export type MediaSection = Exclude<OfferSection, ChannelSection>;

/** Restriction identifiers of a camera's simulcast, lowest resolution first. */
export const CAMERA_RIDS: readonly string[] = ["l", "m", "h"];

/** The SCTP port of both ends; the media worker knows no other. */
export const SCTP_PORT = 5000;

/** Header extension that carries the rid of a simulcast stream (RFC 8852). */
export const RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

/** Header extension that carries the section's mid (RFC 9143). */
export const MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid";

/**
 * With the dependency descriptor negotiated the worker sees only the lowest temporal layer of VP8;
 * the packet id serves between workers only.
 */
const NEVER_OFFERED = new Set([
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
  "urn:mediasoup:params:rtp-hdrext:packet-id",
]);

export function sectionKind(section: MediaSection): MediaKind {
  if (section.type !== "receive") return section.kind;
  return section.source === "audio" ? "audio" : "video";
}

/** Only a camera is offered simulcast: a screen needs its resolution, audio has no layers. */
export function sectionRids(section: MediaSection): readonly string[] {
  if (section.type !== "receive") return [];
  return section.rids ?? (section.source === "video" ? CAMERA_RIDS : []);
}

/** In the router's order, which the answer keeps: the first is what the client will send. */
export function sectionCodecs(section: MediaSection): RtpCodec[] {
  const kind = sectionKind(section);
  return section.capabilities.codecs.filter((codec) => codecKind(codec) === kind);
}

/** Those of the section's kind that the worker handles in the section's direction. */
export function sectionExtensions(section: MediaSection): HeaderExtension[] {
  const kind = sectionKind(section);
  return section.capabilities.headerExtensions.filter(
    (extension) =>
      (extension.kind ?? kind) === kind &&
      !NEVER_OFFERED.has(extension.uri) &&
      servesDirection(section, extension),
  );
}

/** `direction` is the worker's: `recvonly` extensions are read by it and never written. */
function servesDirection(section: MediaSection, extension: HeaderExtension): boolean {
  const direction = extension.direction ?? "sendrecv";
  switch (section.type) {
    case "receive":
      return direction === "sendrecv" || direction === "recvonly";
    case "send":
      return direction === "sendrecv" || direction === "sendonly";
    case "inactive":
      return direction === "sendrecv";
    default:
      return unreachable(section);
  }
}

function codecKind(codec: RtpCodec): string {
  return codec.kind ?? codec.mimeType.slice(0, codec.mimeType.indexOf("/"));
}
