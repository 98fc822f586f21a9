/**
 * Reads a client's answer against the sections its offer was written from. Pure and linear in the
 * length of the text; whatever the text is, the outcome is an `Answer` or a 400 `invalid_sdp`.
 */

import { parse } from "sdp-transform";
import { invalidSdp, type ScannedLines, scanLines } from "./lines.ts";
import { type ParsedMedia, textOf } from "./parsed.ts";
import { commonCodecs, isRtx, publishedRtp } from "./rtp.ts";
import {
  type MediaSection,
  type OfferSection,
  type ReceiveSection,
  SCTP_PORT,
  type Source,
  sectionKind,
} from "./sections.ts";
import type { DtlsParameters, MediaKind, RtpParameters } from "./types.ts";

/** A section in which the client sends. */
export interface PublishedSection {
  readonly mid: string;
  readonly source: Source;
  readonly kind: MediaKind;
  readonly rtp: RtpParameters;
}

/**
 * refused: its port is 0, for good. not_sending, not_receiving: the client chose a direction
 * without it. no_codec: none in common.
 */
export type RejectReason = "refused" | "not_sending" | "not_receiving" | "no_codec";

export interface RejectedSection {
  readonly mid: string;
  /** Of the client's own sections. */
  readonly source?: Source;
  readonly reason: RejectReason;
}

export interface Answer {
  /** The client's end; `role` is the client's: `client` when it answered `active`. */
  readonly dtls: DtlsParameters;
  readonly published: readonly PublishedSection[];
  /** Mids of `send` sections the client receives. */
  readonly accepted: readonly string[];
  /** `receive` and `send` sections that carry nothing. */
  readonly rejected: readonly RejectedSection[];
  /**
   * Mime types, lower case, that may be sent to the client, `video/rtx` among them. Taken from the
   * `send` sections; for a kind that has none, from what the client can send of that kind.
   */
  readonly acceptedCodecs: readonly string[];
  /** Whether the data channel's section was accepted. */
  readonly channel: boolean;
}

const MEDIA_PROTOCOL = /^(UDP|TCP)\/TLS\/RTP\/SAVPF$/;
const CHANNEL_PROTOCOL = /^(UDP|TCP)\/DTLS\/SCTP$/;

/**
 * `sections`: those of the outstanding offer, in its order. Error: 400 `invalid_sdp` with a
 * sentence that names the line or section.
 */
export function readAnswer(sdp: string, sections: readonly OfferSection[]): Answer {
  const scanned = scanLines(sdp);
  if (scanned.sections !== sections.length) {
    throw invalidSdp(
      `The answer has ${scanned.sections} sections, the offer had ${sections.length}.`,
    );
  }
  const dtls = dtlsParameters(scanned);
  const session: ParsedSession = parse(scanned.text);
  const reader = new Reader(textOf(session, "direction"));
  for (const [index, section] of sections.entries()) {
    const media = session.media[index] ?? {};
    checkSection(section, media);
    reader.read(section, media);
  }
  return { dtls, ...reader.result() };
}

interface ParsedSession {
  readonly media: readonly ParsedMedia[];
}

function dtlsParameters({ fingerprints, setups }: ScannedLines): DtlsParameters {
  if (fingerprints.length === 0) {
    throw invalidSdp("The answer has no fingerprint of SHA-256, SHA-384 or SHA-512.");
  }
  const [setup, ...others] = setups;
  if ((setup !== "active" && setup !== "passive") || others.length > 0) {
    throw invalidSdp(
      'The answer\'s setup must be "active" or "passive", the same in all sections.',
    );
  }
  // The worker reads the first one only; SHA-256 is what every client has.
  const ordered = fingerprints.toSorted((a, b) => (a.algorithm < b.algorithm ? -1 : 1));
  return { role: setup === "active" ? "client" : "server", fingerprints: ordered };
}

function checkSection(section: OfferSection, media: ParsedMedia): void {
  const { mid } = section;
  const answered = textOf(media, "mid");
  const port = textOf(media, "port");
  // A refused section may come without its mid.
  if (answered !== mid && !(port === "0" && answered === "")) {
    throw invalidSdp(`The answer has another section where the offer had section ${mid}.`);
  }
  const type = section.type === "channel" ? "application" : sectionKind(section);
  const protocol = section.type === "channel" ? CHANNEL_PROTOCOL : MEDIA_PROTOCOL;
  if (textOf(media, "type") !== type || !protocol.test(textOf(media, "protocol"))) {
    throw invalidSdp(`Section ${mid} is of another type than the offer's.`);
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw invalidSdp(`Section ${mid} has no valid port.`);
  }
}

/** Collects the answer section by section. */
class Reader {
  readonly #sessionDirection: string;
  readonly #published: PublishedSection[] = [];
  readonly #accepted: string[] = [];
  readonly #rejected: RejectedSection[] = [];
  readonly #receivable = { audio: new Set<string>(), video: new Set<string>() };
  readonly #sendable = { audio: new Set<string>(), video: new Set<string>() };
  readonly #ssrcs = new Set<number>();
  #channel = false;

  /** `sessionDirection`: that of sections which name none; empty means both ways (RFC 8866). */
  constructor(sessionDirection: string) {
    this.#sessionDirection = sessionDirection || "sendrecv";
  }

  read(section: OfferSection, media: ParsedMedia): void {
    const refused = textOf(media, "port") === "0";
    if (section.type === "channel") this.#readChannel(section.mid, media, refused);
    else if (section.type === "inactive") return;
    else if (refused) this.#reject(section, "refused");
    else this.#readMedia(section, media);
  }

  result(): Omit<Answer, "dtls"> {
    const codecs = (["audio", "video"] as const).flatMap((kind) => {
      const receivable = this.#receivable[kind];
      return [...(receivable.size > 0 ? receivable : this.#sendable[kind])];
    });
    return {
      published: this.#published,
      accepted: this.#accepted,
      rejected: this.#rejected,
      acceptedCodecs: codecs,
      channel: this.#channel,
    };
  }

  #readChannel(mid: string, media: ParsedMedia, refused: boolean): void {
    const port = textOf(media, "sctpPort");
    if (!refused && port !== "" && port !== `${SCTP_PORT}`) {
      throw invalidSdp(`Section ${mid} must use SCTP port ${SCTP_PORT}.`);
    }
    this.#channel = !refused;
  }

  #readMedia(section: MediaSection, media: ParsedMedia): void {
    const direction = textOf(media, "direction") || this.#sessionDirection;
    if (section.type === "receive") this.#readReceive(section, media, direction);
    else this.#readSend(section, media, direction);
  }

  #readReceive(section: ReceiveSection, media: ParsedMedia, direction: string): void {
    const kind = sectionKind(section);
    for (const name of codecNames(section, media)) this.#sendable[kind].add(name);
    if (direction !== "sendonly" && direction !== "sendrecv") {
      this.#reject(section, "not_sending");
      return;
    }
    const rtp = publishedRtp(section, media, this.#ssrcs);
    if (rtp === undefined) this.#reject(section, "no_codec");
    else this.#published.push({ mid: section.mid, source: section.source, kind, rtp });
  }

  #readSend(section: MediaSection, media: ParsedMedia, direction: string): void {
    const names = codecNames(section, media);
    if (direction !== "recvonly" && direction !== "sendrecv") {
      this.#reject(section, "not_receiving");
    } else if (names.length === 0) {
      this.#reject(section, "no_codec");
    } else {
      this.#accepted.push(section.mid);
      for (const name of names) this.#receivable[sectionKind(section)].add(name);
    }
  }

  #reject(section: MediaSection, reason: RejectReason): void {
    const { mid } = section;
    const source = section.type === "receive" ? { source: section.source } : {};
    this.#rejected.push({ mid, ...source, reason });
  }
}

/** Mime types in lower case; none when retransmission is all there is. */
function codecNames(section: MediaSection, media: ParsedMedia): string[] {
  const { codecs } = commonCodecs(section, media);
  return codecs.some((codec) => !isRtx(codec))
    ? codecs.map((codec) => codec.mimeType.toLowerCase())
    : [];
}
