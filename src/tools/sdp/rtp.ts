/**
 * One media section of an answer as RTP parameters. Only what the offer had comes through: payload
 * types, header extensions, feedback and rids are looked up in the offer's section, and format
 * parameters in a table, so nothing a client makes up reaches the media worker.
 */

import { invalidSdp } from "./lines.ts";
import { type ParsedMedia, textOf } from "./parsed.ts";
import {
  type MediaSection,
  MID_URI,
  type ReceiveSection,
  RID_URI,
  sectionCodecs,
  sectionExtensions,
} from "./sections.ts";
import { claimSsrcs, ridEncoding, Streams, simulcastRids } from "./streams.ts";
import type { RtcpFeedback, RtpCodec, RtpParameters } from "./types.ts";

/** Values in a list of payload types. Real answers have about ten. */
const PAYLOADS_MAX = 64;

/** Smallest and largest value of each number a client may set; the rest of fmtp is not passed on. */
const NUMBER_PARAMETERS: Readonly<Record<string, readonly [number, number]>> = {
  minptime: [3, 120],
  ptime: [3, 120],
  maxptime: [3, 120],
  useinbandfec: [0, 1],
  usedtx: [0, 1],
  stereo: [0, 1],
  "sprop-stereo": [0, 1],
  cbr: [0, 1],
  maxplaybackrate: [8_000, 48_000],
  "sprop-maxcapturerate": [8_000, 48_000],
  maxaveragebitrate: [6_000, 510_000],
  "packetization-mode": [0, 2],
  "level-asymmetry-allowed": [0, 1],
  "profile-id": [0, 3],
};

/** Codecs of a section that both sides have, in the answer's order. */
export interface CommonCodecs {
  readonly codecs: readonly RtpCodec[];
  /** Format parameters of the answer by payload type. */
  readonly formats: ReadonlyMap<string, string>;
}

/**
 * A payload type the offer did not have is left out (the answerer may add some, RFC 3264); one that
 * means another codec than in the offer is an error.
 */
export function commonCodecs(section: MediaSection, media: ParsedMedia): CommonCodecs {
  const payloads = textOf(media, "payloads").split(" ", PAYLOADS_MAX + 1);
  if (payloads.length > PAYLOADS_MAX) {
    throw invalidSdp(`Section ${section.mid} lists over ${PAYLOADS_MAX} payload types.`);
  }
  const offered = new Map(sectionCodecs(section).map((codec) => [`${codec.payloadType}`, codec]));
  const names = byPayload(media.rtp ?? [], rtpmapName);
  const formats = byPayload(media.fmtp ?? [], (line) => textOf(line, "config"));
  const codecs = [...new Set(payloads)].flatMap((payload) => {
    const codec = offered.get(payload);
    if (codec === undefined) return [];
    const name = names.get(payload);
    if (name !== offeredName(codec)) {
      throw invalidSdp(
        `Section ${section.mid} answers payload type ${payload} with another codec than offered.`,
      );
    }
    return [codec];
  });
  return { codecs, formats };
}

/**
 * What a client will send in a section. Undefined without a common codec. `usedSsrcs` collects the
 * SSRCs of all sections. Error: 400 `invalid_sdp`.
 */
export function publishedRtp(
  section: ReceiveSection,
  media: ParsedMedia,
  usedSsrcs: Set<number>,
): RtpParameters | undefined {
  const common = commonCodecs(section, media);
  const primary = common.codecs.find((codec) => !isRtx(codec));
  if (primary === undefined) return undefined;
  const rtx = common.codecs.find(
    (codec) => isRtx(codec) && codec.parameters?.apt === primary.payloadType,
  );
  const headerExtensions = commonExtensions(section, media);
  const uris = new Set(headerExtensions.map(({ uri }) => uri));
  const rids = simulcastRids(section, media);
  if (rids.length > 0 && !uris.has(RID_URI)) {
    throw invalidSdp(`Section ${section.mid} has simulcast without the rid header extension.`);
  }
  const streams = new Streams(section.mid, media);
  const encodings =
    rids.length > 0
      ? rids.map((rid) => ridEncoding(rid, primary))
      : [streams.encoding(rtx !== undefined)];
  if (rids.length === 0 && encodings[0]?.ssrc === undefined && !uris.has(MID_URI)) {
    throw invalidSdp(`Section ${section.mid} has neither an SSRC nor the mid header extension.`);
  }
  claimSsrcs(section, encodings, usedSsrcs);
  const cname = streams.cname();
  const format = common.formats.get(`${primary.payloadType}`) ?? "";
  return {
    mid: section.mid,
    codecs: [
      {
        ...bareCodec(primary, media),
        parameters: formatParameters(section.mid, format),
      },
      ...(rtx === undefined ? [] : [rtxCodec(rtx, primary)]),
    ],
    headerExtensions,
    encodings,
    rtcp: { reducedSize: true, ...(cname === undefined ? {} : { cname }) },
  };
}

export function isRtx(codec: { readonly mimeType: string }): boolean {
  return codec.mimeType.toLowerCase().endsWith("/rtx");
}

/** The first line of a payload type counts. */
function byPayload(
  lines: readonly object[],
  read: (line: object) => string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const payload = textOf(line, "payload");
    if (!found.has(payload)) found.set(payload, read(line));
  }
  return found;
}

/** `opus/48000/2`, in lower case. */
export function rtpmapName(line: object): string {
  const name = `${textOf(line, "codec")}/${textOf(line, "rate")}`.toLowerCase();
  const channels = textOf(line, "encoding");
  return channels === "" || channels === "1" ? name : `${name}/${channels}`;
}

/** As `rtpmapName`. */
export function offeredName(codec: RtpCodec): string {
  const name = codec.mimeType.slice(codec.mimeType.indexOf("/") + 1).toLowerCase();
  const channels = codec.channels !== undefined && codec.channels > 1 ? `/${codec.channels}` : "";
  return `${name}/${codec.clockRate}${channels}`;
}

function bareCodec(codec: RtpCodec, media: ParsedMedia): Omit<RtpCodec, "kind" | "parameters"> {
  const { mimeType, payloadType, clockRate, channels } = codec;
  return {
    mimeType,
    payloadType,
    clockRate,
    ...(channels === undefined ? {} : { channels }),
    rtcpFeedback: commonFeedback(codec, media),
  };
}

function rtxCodec(rtx: RtpCodec, primary: RtpCodec): Omit<RtpCodec, "kind"> {
  const { mimeType, payloadType, clockRate } = rtx;
  const parameters = { apt: primary.payloadType };
  return { mimeType, payloadType, clockRate, parameters, rtcpFeedback: [] };
}

function commonFeedback(codec: RtpCodec, media: ParsedMedia): RtcpFeedback[] {
  const answered = new Set<string>();
  for (const line of media.rtcpFb ?? []) {
    const payload = textOf(line, "payload");
    if (payload !== "*" && payload !== `${codec.payloadType}`) continue;
    answered.add(`${textOf(line, "type")} ${textOf(line, "subtype")}`);
  }
  const offered = codec.rtcpFeedback ?? [];
  return offered.filter(({ type, parameter }) => answered.has(`${type} ${parameter ?? ""}`));
}

/** What is read of format parameters. Error: 400 `invalid_sdp` for values out of bounds. */
export function formatParameters(mid: string, format: string): Record<string, string | number> {
  const found: Record<string, string | number> = {};
  for (const part of format.split(";")) {
    const at = part.indexOf("=");
    const key = part.slice(0, at).trim().toLowerCase();
    const value = part.slice(at + 1).trim();
    if (at < 0) continue;
    if (key === "profile-level-id") {
      if (!/^[0-9A-Fa-f]{6}$/.test(value)) throw badFormat(mid, key);
      found[key] = value.toLowerCase();
    } else if (Object.hasOwn(NUMBER_PARAMETERS, key)) {
      const [least, most] = NUMBER_PARAMETERS[key] ?? [0, 0];
      const number = /^\d{1,7}$/.test(value) ? Number(value) : -1;
      if (number < least || number > most) throw badFormat(mid, key);
      found[key] = number;
    }
  }
  return found;
}

function badFormat(mid: string, key: string) {
  return invalidSdp(`Section ${mid} has a value of the format parameter ${key} out of bounds.`);
}

/** Leaves out what the client marks as one it only receives or does not use (RFC 8285). */
function commonExtensions(
  section: MediaSection,
  media: ParsedMedia,
): { uri: string; id: number }[] {
  const offered = new Map(sectionExtensions(section).map(({ id, uri }) => [`${id}`, { id, uri }]));
  const found = new Map<number, { uri: string; id: number }>();
  for (const line of media.ext ?? []) {
    const extension = offered.get(textOf(line, "value"));
    if (extension === undefined) continue;
    if (textOf(line, "uri") !== extension.uri || textOf(line, "encrypt-uri") !== "") {
      throw invalidSdp(
        `Section ${section.mid} answers header extension ${extension.id} with another one.`,
      );
    }
    const direction = textOf(line, "direction");
    if (direction !== "recvonly" && direction !== "inactive") found.set(extension.id, extension);
  }
  return [...found.values()];
}
