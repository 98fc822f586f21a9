/** The streams (encodings) a client announces in one section of its answer. */

import { LIMITS } from "../../base/limits.ts";
import { invalidSdp } from "./lines.ts";
import { type ParsedMedia, textOf } from "./parsed.ts";
import { type MediaSection, sectionRids } from "./sections.ts";
import type { RtpCodec, RtpEncoding } from "./types.ts";

/** Of each simulcast stream the first alternative, in the answer's order (RFC 8853). */
export function simulcastRids(section: MediaSection, media: ParsedMedia): string[] {
  const list = sendList(media.simulcast);
  if (list === "") return [];
  const offered = sectionRids(section);
  const declared = new Set(
    (media.rids ?? [])
      .filter((line) => textOf(line, "direction") === "send")
      .map((line) => textOf(line, "id")),
  );
  const rids = list.split(";", offered.length + 1).map((stream) => {
    const rid = stream.split(",", 1)[0]?.replace("~", "") ?? "";
    if (offered.includes(rid) && declared.has(rid)) return rid;
    throw invalidSdp(`Section ${section.mid} has a simulcast stream that was not offered.`);
  });
  if (new Set(rids).size < rids.length) {
    throw invalidSdp(`Section ${section.mid} has a simulcast stream twice.`);
  }
  return rids;
}

/** The simulcast streams of a client's own offer. Error: 400 `invalid_sdp`. */
export function offeredRids(mid: string, media: ParsedMedia): string[] {
  const list = sendList(media.simulcast);
  if (list === "") return [];
  const rids = list
    .split(";", LIMITS.simulcastStreamsMax + 1)
    .map((stream) => stream.split(",", 1)[0]?.replace("~", "") ?? "");
  if (rids.length > LIMITS.simulcastStreamsMax || !rids.every((rid) => RID.test(rid))) {
    throw invalidSdp(`Section ${mid} has simulcast streams that cannot be taken.`);
  }
  return rids;
}

/** A stream's name. RFC 8852 allows longer ones, but nobody uses them. */
export const RID = /^[A-Za-z0-9]{1,16}$/;

function sendList(simulcast: object | undefined): string {
  if (simulcast === undefined) return "";
  if (textOf(simulcast, "dir1") === "send") return textOf(simulcast, "list1");
  return textOf(simulcast, "dir2") === "send" ? textOf(simulcast, "list2") : "";
}

/** VP8 encoders of browsers make three temporal layers whenever they make simulcast. */
export function ridEncoding(rid: string, codec: RtpCodec): RtpEncoding {
  const isVp8 = codec.mimeType.toLowerCase() === "video/vp8";
  return isVp8 ? { rid, scalabilityMode: "L1T3" } : { rid };
}

/** An SSRC belongs to one stream of the connection. */
export function claimSsrcs(
  section: MediaSection,
  encodings: readonly RtpEncoding[],
  used: Set<number>,
): void {
  for (const { ssrc, rtx } of encodings) {
    for (const claimed of [ssrc, rtx?.ssrc]) {
      if (claimed === undefined) continue;
      if (used.has(claimed)) throw invalidSdp(`Section ${section.mid} has an SSRC in use already.`);
      used.add(claimed);
    }
  }
}

/** The `a=ssrc` and `a=ssrc-group` lines of a section (RFC 5576). */
export class Streams {
  readonly #mid: string;
  readonly #media: ParsedMedia;

  constructor(mid: string, media: ParsedMedia) {
    this.#mid = mid;
    this.#media = media;
  }

  /** The first FID pair, else the first SSRC, else nothing: then its MID tells whose a stream is. */
  encoding(withRtx: boolean): RtpEncoding {
    const group = (this.#media.ssrcGroups ?? []).find(
      (line) => textOf(line, "semantics") === "FID",
    );
    if (group !== undefined) {
      const [ssrc = "", rtx = ""] = textOf(group, "ssrcs").split(" ", 2);
      const primary = this.#ssrc(ssrc);
      return withRtx ? { ssrc: primary, rtx: { ssrc: this.#ssrc(rtx) } } : { ssrc: primary };
    }
    const first = this.#media.ssrcs?.[0];
    return first === undefined ? {} : { ssrc: this.#ssrc(textOf(first, "id")) };
  }

  cname(): string | undefined {
    const line = (this.#media.ssrcs ?? []).find((entry) => textOf(entry, "attribute") === "cname");
    const value = line === undefined ? "" : textOf(line, "value");
    return /^[!-~]{1,255}$/.test(value) ? value : undefined;
  }

  #ssrc(text: string): number {
    const ssrc = /^\d{1,10}$/.test(text) ? Number(text) : 0;
    if (ssrc >= 1 && ssrc <= 0xffff_ffff) return ssrc;
    throw invalidSdp(`Section ${this.#mid} has an SSRC that is not a 32 bit number.`);
  }
}
