/** What flows in a room, as its workers tell: asked at most once in a while, however many ask. */

import type { Clock } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { MediaConsumer, MediaPeer } from "../../../infra/media/engine.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import type { Publication } from "./publications.ts";

/** What of a participant is measured. */
export interface Measured {
  readonly id: string;
  readonly publications: readonly Publication[];
  readonly peers: readonly MediaPeer[];
  readonly consumers: readonly MediaConsumer[];
}

export interface SourceStats {
  readonly source: Source;
  readonly bitrate_bps: number;
  /** Lost on the way here, of all packets so far, from 0 to 1. */
  readonly packet_loss: number;
  /** From 0 (nothing arrives) to 10. */
  readonly score: number;
}

export interface ParticipantStats {
  readonly participant_id: string;
  /** What the participant sends. */
  readonly producers: readonly SourceStats[];
  /** How many sources the participant receives. */
  readonly consumers: number;
  /** Of the worst of these, from 0 to 10; null: there is none. */
  readonly consumer_score: number | null;
  readonly receive_bps: number;
  readonly send_bps: number;
  /** Packets lost lately on the way to the server, and from it; null: not known. */
  readonly receive_loss: number | null;
  readonly send_loss: number | null;
}

export interface RoomTotals {
  readonly participants: number;
  readonly producers: number;
  readonly consumers: number;
  readonly receive_bps: number;
  readonly send_bps: number;
}

export interface RoomStats extends RoomTotals {
  readonly items: readonly ParticipantStats[];
}

export class RoomStatsReader {
  readonly #clock: Clock;
  readonly #measured: () => readonly Measured[];
  #latest: Promise<RoomStats> | undefined;
  /** Monotonic. */
  #askedAt = 0;

  constructor(clock: Clock, measured: () => readonly Measured[]) {
    this.#clock = clock;
    this.#measured = measured;
  }

  read(): Promise<RoomStats> {
    const now = this.#clock.monotonic();
    if (!this.#latest || now - this.#askedAt >= LIMITS.statsAgeMs) {
      this.#askedAt = now;
      this.#latest = this.#ask();
    }
    return this.#latest;
  }

  async #ask(): Promise<RoomStats> {
    const measured = this.#measured();
    const items: ParticipantStats[] = [];
    // Each is a handful of questions to the worker; its queue is everybody's.
    for (let at = 0; at < measured.length; at += LIMITS.statsAtOnce) {
      const group = measured.slice(at, at + LIMITS.statsAtOnce);
      items.push(...(await Promise.all(group.map(participantStats))));
    }
    return { ...totalsOf(items), items };
  }
}

export function totalsOf(items: readonly ParticipantStats[]): RoomTotals {
  const sum = (read: (item: ParticipantStats) => number) =>
    items.reduce((total, item) => total + read(item), 0);
  return {
    participants: items.length,
    producers: sum(({ producers }) => producers.length),
    consumers: sum(({ consumers }) => consumers),
    receive_bps: sum(({ receive_bps }) => receive_bps),
    send_bps: sum(({ send_bps }) => send_bps),
  };
}

async function participantStats(measured: Measured): Promise<ParticipantStats> {
  const { id, publications, peers, consumers } = measured;
  const [sources, transports] = await Promise.all([
    Promise.all(publications.map(sourceStats)),
    Promise.all(peers.map((peer) => peer.stats())),
  ]);
  const known = transports.filter((stats) => stats !== undefined);
  const worst = (losses: readonly (number | undefined)[]) => {
    const told = losses.filter((loss) => loss !== undefined);
    return told.length > 0 ? Math.max(...told) : null;
  };
  const scores = consumers.map(({ score }) => score);
  return {
    participant_id: id,
    producers: sources.flat(),
    consumers: consumers.length,
    consumer_score: scores.length > 0 ? Math.min(...scores) : null,
    receive_bps: known.reduce((total, { receiveBps }) => total + receiveBps, 0),
    send_bps: known.reduce((total, { sendBps }) => total + sendBps, 0),
    receive_loss: worst(known.map(({ receiveLoss }) => receiveLoss)),
    send_loss: worst(known.map(({ sendLoss }) => sendLoss)),
  };
}

/** None for a source that closed while it was asked. */
async function sourceStats({ source, producer }: Publication): Promise<SourceStats[]> {
  const stats = await producer.stats();
  if (!stats) return [];
  const { bitrateBps, packets, packetsLost, score } = stats;
  const lost = Math.max(0, packetsLost);
  const packet_loss = packets + lost > 0 ? lost / (packets + lost) : 0;
  return [{ source, bitrate_bps: bitrateBps, packet_loss, score }];
}
