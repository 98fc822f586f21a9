/**
 * Reads the offer of a client that does not wait for ours (WHIP, RFC 9725, and WHEP). What it may
 * send is read as if it answered an offer made of its own payload types, so the same checks hold as
 * for answers. Pure; whatever the text is, the outcome is what is below or a 400 `invalid_sdp`.
 */

import { parse } from "sdp-transform";
import { LIMITS } from "../../base/limits.ts";
import type { PublishedSection } from "./answer.ts";
import { invalidSdp, type ScannedLines, scanLines } from "./lines.ts";
import { type ParsedMedia, textOf } from "./parsed.ts";
import { isRtx, offeredName, publishedRtp, rtpmapName } from "./rtp.ts";
import {
  type InactiveSection,
  type ReceiveSection,
  type SendSection,
  sectionCodecs,
} from "./sections.ts";
import { offeredRids } from "./streams.ts";
import type {
  DtlsParameters,
  HeaderExtension,
  MediaKind,
  RtpCapabilities,
  RtpCodec,
} from "./types.ts";

/** Payload types that are free to be assigned where RTP and RTCP share a port (RFC 5761). */
const [PAYLOAD_MIN, PAYLOAD_MAX] = [96, 127];

export interface PublishOffer {
  readonly dtls: DtlsParameters;
  /** Of the answer. */
  readonly sections: readonly (ReceiveSection | InactiveSection)[];
  readonly published: readonly PublishedSection[];
}

export interface PlayOffer {
  readonly dtls: DtlsParameters;
  /** Its sections in order; `wanted` is the first of its kind in which the client receives. */
  readonly media: readonly { readonly mid: string; readonly kind: MediaKind; wanted: boolean }[];
  /** What the client calls the codecs. */
  readonly payloadTypes: Partial<Record<"opus" | "vp8" | "h264", number>>;
}

interface OfferedMedia {
  readonly mid: string;
  readonly kind: MediaKind;
  readonly media: ParsedMedia;
  readonly direction: string;
}

/**
 * `kinds`: what the client may send. A section that is not taken (another of the same kind, one of
 * a kind it may not send, one without a common codec) is refused in the answer. Error: 400
 * `invalid_sdp`, also where nothing is taken.
 */
export function readPublishOffer(
  sdp: string,
  capabilities: RtpCapabilities,
  kinds: readonly MediaKind[],
): PublishOffer {
  const { dtls, sections: offered } = readOffer(sdp);
  const ssrcs = new Set<number>();
  const published: PublishedSection[] = [];
  const sections = offered.map((section): ReceiveSection | InactiveSection => {
    const { mid, kind, media, direction } = section;
    const isFirst = !published.some((other) => other.kind === kind);
    const sends = direction === "sendonly" || direction === "sendrecv";
    if (isFirst && sends && kinds.includes(kind)) {
      const receive = receiveSection(section, capabilities);
      const rtp = receive.capabilities.codecs.length > 0 && publishedRtp(receive, media, ssrcs);
      if (rtp) {
        published.push({ mid, source: receive.source, kind, rtp });
        return receive;
      }
    }
    return { type: "inactive", mid, kind, capabilities, refused: true };
  });
  if (published.length === 0) throw invalidSdp("The offer sends nothing that is taken here.");
  return { dtls, sections, published };
}

/** Error: 400 `invalid_sdp`, also where nothing is to be received. */
export function readPlayOffer(sdp: string, capabilities: RtpCapabilities): PlayOffer {
  const { dtls, sections } = readOffer(sdp);
  const payloadTypes: { -readonly [Name in keyof PlayOffer["payloadTypes"]]?: number } = {};
  const kinds = new Set<MediaKind>();
  const media = sections.map(({ mid, kind, media: parsed, direction }) => {
    const receives = direction === "recvonly" || direction === "sendrecv";
    const codecs = receives && !kinds.has(kind) ? commonCodecs(parsed, kind, capabilities) : [];
    const usable = codecs.filter(
      ({ payloadType }) => payloadType >= PAYLOAD_MIN && payloadType <= PAYLOAD_MAX,
    );
    for (const { mimeType, payloadType } of usable) {
      const name = mimeType.slice(mimeType.indexOf("/") + 1).toLowerCase();
      if (name === "opus" || name === "vp8" || name === "h264") payloadTypes[name] ??= payloadType;
    }
    const wanted = usable.length > 0;
    if (wanted) kinds.add(kind);
    return { mid, kind, wanted };
  });
  if (kinds.size === 0) throw invalidSdp("The offer receives nothing that can be sent from here.");
  const taken = Object.values(payloadTypes);
  if (new Set(taken).size < taken.length) {
    throw invalidSdp("The offer gives one payload type to several codecs.");
  }
  return { dtls, media, payloadTypes };
}

/**
 * The sections of the answer to a `PlayOffer`. `capabilities`: those with the client's payload
 * types. Streams come without header extensions, whose numbers the client chose differently, and
 * are told apart by their payload types.
 */
export function playSections(
  { media, payloadTypes }: PlayOffer,
  capabilities: RtpCapabilities,
): (SendSection | InactiveSection)[] {
  const known = new Set<number>(Object.values(payloadTypes));
  const codecs = capabilities.codecs.filter(
    (codec) => known.has(codec.payloadType) && !isRtx(codec),
  );
  const plain: RtpCapabilities = {
    codecs: codecs.map((codec) => ({
      ...codec,
      // The rest needs the header extensions.
      rtcpFeedback: (codec.rtcpFeedback ?? []).filter(({ type }) => /^(nack|ccm)$/.test(type)),
    })),
    headerExtensions: [],
  };
  return media.map(({ mid, kind, wanted }) =>
    wanted
      ? { type: "send", mid, kind, streamId: "play", trackId: kind, capabilities: plain }
      : { type: "inactive", mid, kind, capabilities, refused: true },
  );
}

function readOffer(sdp: string) {
  const scanned = scanLines(sdp);
  const dtls = dtlsParameters(scanned);
  const session: { readonly media: readonly ParsedMedia[] } = parse(scanned.text);
  if (session.media.length > LIMITS.clientOfferSectionsMax) {
    throw invalidSdp(`An offer has at most ${LIMITS.clientOfferSectionsMax} sections here.`);
  }
  const common = textOf(session, "direction") || "sendrecv";
  const sections = session.media.map((media) => readMedia(media, common));
  if (new Set(sections.map(({ mid }) => mid)).size < sections.length) {
    throw invalidSdp("The offer has a mid twice.");
  }
  return { dtls, sections };
}

function readMedia(media: ParsedMedia, commonDirection: string): OfferedMedia {
  const mid = textOf(media, "mid");
  // Eight bytes is what the worker writes into the MID header extension.
  if (!/^[A-Za-z0-9]{1,8}$/.test(mid)) {
    throw invalidSdp("Each section of the offer needs a mid of one to eight letters or digits.");
  }
  const kind = textOf(media, "type");
  if (kind !== "audio" && kind !== "video") {
    throw invalidSdp(`Section ${mid} is neither audio nor video.`);
  }
  if (!/^(UDP|TCP)\/TLS\/RTP\/SAVPF$/.test(textOf(media, "protocol"))) {
    throw invalidSdp(`Section ${mid} is not sent by UDP/TLS/RTP/SAVPF.`);
  }
  const direction = textOf(media, "direction") || commonDirection;
  return { mid, kind, media, direction };
}

/** The client begins DTLS: it has our fingerprint first. */
function dtlsParameters({ fingerprints, setups }: ScannedLines): DtlsParameters {
  if (fingerprints.length === 0) {
    throw invalidSdp("The offer has no fingerprint of SHA-256, SHA-384 or SHA-512.");
  }
  for (const setup of setups) {
    if (setup === "actpass" || setup === "active") continue;
    throw invalidSdp('The offer\'s setup must be "actpass" or "active".');
  }
  const ordered = fingerprints.toSorted((a, b) => (a.algorithm < b.algorithm ? -1 : 1));
  return { role: "client", fingerprints: ordered };
}

/** A section that offers exactly what the client can send and the router route. */
function receiveSection(
  { mid, kind, media }: OfferedMedia,
  capabilities: RtpCapabilities,
): ReceiveSection {
  const [primary] = commonCodecs(media, kind, capabilities);
  const rtx = primary && rtxOf(media, primary, capabilities);
  return {
    type: "receive",
    mid,
    source: kind,
    rids: kind === "video" ? offeredRids(mid, media) : [],
    capabilities: {
      codecs: [...(primary ? [primary] : []), ...(rtx ? [rtx] : [])],
      headerExtensions: commonExtensions(mid, media, { kind, capabilities }),
    },
  };
}

/** Codecs of the router with the client's payload types, in the client's order. */
function commonCodecs(media: ParsedMedia, kind: MediaKind, capabilities: RtpCapabilities) {
  const names = new Map(
    (media.rtp ?? []).map((line) => [textOf(line, "payload"), rtpmapName(line)]),
  );
  const formats = formatsOf(media);
  const section = { type: "inactive", mid: "0", kind, capabilities } as const;
  const known = sectionCodecs(section).filter((codec) => !isRtx(codec));
  return payloadsOf(media).flatMap((payload): RtpCodec[] => {
    const codec = known.find((each) => offeredName(each) === names.get(payload));
    if (codec === undefined || !fits(codec, formats.get(payload) ?? "")) return [];
    return [{ ...codec, payloadType: Number(payload) }];
  });
}

function rtxOf(
  media: ParsedMedia,
  primary: RtpCodec,
  { codecs }: RtpCapabilities,
): RtpCodec | undefined {
  const known = codecs.find(isRtx);
  if (known === undefined) return undefined;
  const [payload] =
    [...formatsOf(media)].find(([, format]) => format.trim() === `apt=${primary.payloadType}`) ??
    [];
  if (payload === undefined || !payloadsOf(media).includes(payload)) return undefined;
  const rtx = (media.rtp ?? []).find((line) => textOf(line, "payload") === payload);
  if (rtx === undefined || rtpmapName(rtx) !== offeredName(known)) return undefined;
  return {
    ...known,
    payloadType: Number(payload),
    parameters: { apt: primary.payloadType },
  };
}

function formatsOf(media: ParsedMedia): Map<string, string> {
  return new Map(
    (media.fmtp ?? []).map((line) => [textOf(line, "payload"), textOf(line, "config")]),
  );
}

function payloadsOf(media: ParsedMedia): string[] {
  const payloads = textOf(media, "payloads").split(" ", LIMITS.sdpPayloadsMax);
  return [...new Set(payloads)].filter((text) => /^\d{1,3}$/.test(text) && Number(text) <= 127);
}

/** H264 has forms that are codecs of their own: the room's is constrained baseline, mode 1. */
function fits({ mimeType }: RtpCodec, format: string): boolean {
  if (mimeType.toLowerCase() !== "video/h264") return true;
  return (
    /(^|;)\s*packetization-mode=1\s*(;|$)/.test(format) &&
    /(^|;)\s*profile-level-id=42[ce]0/i.test(format)
  );
}

function commonExtensions(
  mid: string,
  media: ParsedMedia,
  { kind, capabilities }: { readonly kind: MediaKind; readonly capabilities: RtpCapabilities },
): HeaderExtension[] {
  const known = capabilities.headerExtensions.filter((each) => (each.kind ?? kind) === kind);
  const found = new Map<number, HeaderExtension>();
  for (const line of media.ext ?? []) {
    const extension = known.find(({ uri }) => uri === textOf(line, "uri"));
    if (extension === undefined || textOf(line, "encrypt-uri") !== "") continue;
    const id = Number(textOf(line, "value"));
    // One and two byte headers (RFC 8285); 15 means something else.
    if (!Number.isInteger(id) || id < 1 || id > 14) continue;
    if (found.has(id)) throw invalidSdp(`Section ${mid} gives a header extension's id twice.`);
    found.set(id, { ...extension, id });
  }
  return [...found.values()];
}
