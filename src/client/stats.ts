/** The browser's statistics in short (identifiers for WebRTC's statistics: W3C webrtc-stats). */

import type { Showing } from "./roster.ts";
import type { Source } from "./shapes.ts";

/**
 * One received source. Counters start when the section began to receive, maybe for somebody else.
 * Sections of which the browser knows nothing yet, because nothing arrived, are there with zeros.
 */
export interface ReceivedStats {
  readonly mid: string;
  readonly participantId: string | undefined;
  readonly source: Source | undefined;
  readonly kind: "audio" | "video";
  readonly bytes: number;
  readonly packets: number;
  readonly packetsLost: number;
  /** 0 to 1; 0 for video. */
  readonly audioLevel: number;
  readonly framesDecoded: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** Decoded audio samples, concealed ones left out; 0 for video. */
  readonly samples: number;
}

export interface SentStats {
  readonly mid: string;
  readonly source: Source | undefined;
  readonly kind: "audio" | "video";
  /** The simulcast layer (`l`, `m`, `h`), empty for a single encoding. */
  readonly rid: string;
  readonly bytes: number;
  readonly framesEncoded: number;
}

export interface RoomStats {
  readonly received: readonly ReceivedStats[];
  readonly sent: readonly SentStats[];
  /** 0 to 1: one's own microphone. */
  readonly audioLevel: number;
  readonly roundTripMs: number | undefined;
  /** What the browser believes it may send, bits per second. */
  readonly availableBitrate: number | undefined;
}

export const NO_STATS: RoomStats = {
  received: [],
  sent: [],
  audioLevel: 0,
  roundTripMs: undefined,
  availableBitrate: undefined,
};

type Entry = Readonly<Record<string, unknown>>;

export interface StatsContext {
  /** What each section shows. */
  readonly showing: ReadonlyMap<string, Showing>;
  source(mid: string): Source | undefined;
}

/** Sums up a report. Entries of kinds that are not known are left out. */
export function summarise(entries: Iterable<Entry>, context: StatsContext): RoomStats {
  const received: ReceivedStats[] = [];
  const sent: SentStats[] = [];
  let { audioLevel, roundTripMs, availableBitrate } = NO_STATS;
  for (const entry of entries) {
    switch (entry.type) {
      case "inbound-rtp":
        received.push(readReceived(entry, context));
        break;
      case "outbound-rtp":
        sent.push(readSent(entry, context));
        break;
      case "media-source":
        audioLevel = Math.max(audioLevel, count(entry.audioLevel));
        break;
      case "candidate-pair":
        if (entry.nominated !== true) break;
        if (typeof entry.currentRoundTripTime === "number") {
          roundTripMs = entry.currentRoundTripTime * 1_000;
        }
        if (typeof entry.availableOutgoingBitrate === "number") {
          availableBitrate = entry.availableOutgoingBitrate;
        }
        break;
    }
  }
  const reported = new Set(received.map(({ mid }) => mid));
  for (const { mid, source } of context.showing.values()) {
    const kind = source === "audio" ? "audio" : "video";
    if (!reported.has(mid)) received.push(readReceived({ mid, kind }, context));
  }
  return { received, sent, audioLevel, roundTripMs, availableBitrate };
}

function readReceived(entry: Entry, context: StatsContext): ReceivedStats {
  const mid = String(entry.mid ?? "");
  const showing = context.showing.get(mid);
  return {
    mid,
    participantId: showing?.participantId,
    source: showing?.source,
    kind: entry.kind === "audio" ? "audio" : "video",
    bytes: count(entry.bytesReceived),
    packets: count(entry.packetsReceived),
    packetsLost: count(entry.packetsLost),
    audioLevel: count(entry.audioLevel),
    framesDecoded: count(entry.framesDecoded),
    frameWidth: count(entry.frameWidth),
    frameHeight: count(entry.frameHeight),
    samples: count(entry.totalSamplesReceived) - count(entry.concealedSamples),
  };
}

function readSent(entry: Entry, context: StatsContext): SentStats {
  const mid = String(entry.mid ?? "");
  return {
    mid,
    source: context.source(mid),
    kind: entry.kind === "audio" ? "audio" : "video",
    rid: typeof entry.rid === "string" ? entry.rid : "",
    bytes: count(entry.bytesSent),
    framesEncoded: count(entry.framesEncoded),
  };
}

const count = (value: unknown): number => (typeof value === "number" ? value : 0);
