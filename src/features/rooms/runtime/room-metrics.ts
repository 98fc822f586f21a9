/** What rooms hold and carry, as somebody who scrapes is told. */

import type { Clock } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import type { MediaEngine, MediaPeer } from "../../../infra/media/engine.ts";
import type { Metrics } from "../../../infra/metrics/metrics.ts";
import type { LiveRooms } from "./live-rooms.ts";
import { ROOM_WIRE } from "./participant.ts";

export interface RoomMetricsParts {
  readonly live: LiveRooms;
  readonly media: MediaEngine | undefined;
}

/** Once for each server. */
export function describeRooms(
  { metrics, clock, hub }: Pick<FeatureHost, "metrics" | "clock" | "hub">,
  { live, media }: RoomMetricsParts,
): void {
  hub.announce(ROOM_WIRE);
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    metrics.read({ name, help, type: "gauge", read });
  const people = () => live.rooms.flatMap(({ participants }) => participants);
  const peers = () => people().flatMap(({ measured }) => measured.peers);
  const sum = (read: (measured: ReturnType<typeof people>[number]["measured"]) => number) =>
    people().reduce((total, { measured }) => total + read(measured), 0);
  gauge("parvis_rooms", "Rooms with people in them.", () => live.rooms.length);
  gauge("parvis_room_participants", "Participants of all rooms.", () => people().length);
  gauge("parvis_media_producers", "Sources that participants send or hold ready.", () =>
    sum(({ publications }) => publications.length),
  );
  gauge("parvis_media_consumers", "Sources on their way to a participant.", () =>
    sum(({ consumers }) => consumers.length),
  );
  gauge("parvis_media_transports", "Media connections of participants.", () => peers().length);
  const traffic = new PeerTraffic(clock, peers);
  metrics.read({
    name: "parvis_media_bytes_total",
    help: `Bytes of media connections, each asked in turn, ${LIMITS.metricsPeersMax} at a scrape.`,
    type: "counter",
    labels: ["direction"],
    read: () => traffic.read(),
  });
  if (media) describeWorkers(metrics, media);
}

function describeWorkers(metrics: Metrics, media: MediaEngine): void {
  metrics.read({
    name: "parvis_media_workers",
    help: "Media worker processes that should run.",
    type: "gauge",
    read: () => media.status().length,
  });
  metrics.read({
    name: "parvis_media_workers_up",
    help: "Media worker processes that run.",
    type: "gauge",
    read: () => media.status().filter(({ alive }) => alive).length,
  });
  metrics.read({
    name: "parvis_media_worker_restarts_total",
    help: "How often a media worker was replaced.",
    type: "counter",
    read: () => media.status().reduce((total, { restarts }) => total + restarts, 0),
  });
  metrics.read({
    name: "parvis_media_worker_resident_memory_bytes",
    help: "Resident memory of all media workers.",
    type: "gauge",
    read: () => media.memoryBytes(),
  });
}

interface Seen {
  readonly received: number;
  readonly sent: number;
  /** Number of the round in which it was asked last. */
  readonly round: number;
}

/**
 * Bytes of all connections, the ended ones too. A worker's queue is everybody's, so a scrape asks a
 * bounded number of connections, those first that were not asked for longest. What a connection
 * carried after its last answer is not counted.
 */
export class PeerTraffic {
  readonly #clock: Clock;
  readonly #peers: () => readonly MediaPeer[];
  readonly #seen = new WeakMap<MediaPeer, Seen>();
  #received = 0;
  #sent = 0;
  #round = 0;
  #asking: Promise<void> | undefined;
  /** Monotonic. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, peers: () => readonly MediaPeer[]) {
    this.#clock = clock;
    this.#peers = peers;
  }

  /** Asks at most once in `LIMITS.statsAgeMs`; waits for at most `LIMITS.metricsAskMs`. */
  async read() {
    const now = this.#clock.monotonic();
    if (!this.#asking && now - this.#askedAt >= LIMITS.statsAgeMs) {
      this.#askedAt = now;
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    if (this.#asking) await this.#waitFor(this.#asking);
    return [
      { labels: ["received"], value: this.#received },
      { labels: ["sent"], value: this.#sent },
    ];
  }

  async #waitFor(asking: Promise<void>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(LIMITS.metricsAskMs, resolve);
    await Promise.race([asking, late]).finally(() => timer.clear());
  }

  async #ask(): Promise<void> {
    this.#round += 1;
    const roundOf = (peer: MediaPeer) => this.#seen.get(peer)?.round ?? 0;
    const turn = [...this.#peers()]
      .sort((one, other) => roundOf(one) - roundOf(other))
      .slice(0, LIMITS.metricsPeersMax);
    for (let at = 0; at < turn.length; at += LIMITS.statsAtOnce) {
      const group = turn.slice(at, at + LIMITS.statsAtOnce);
      await Promise.all(group.map((peer) => this.#add(peer)));
    }
  }

  async #add(peer: MediaPeer): Promise<void> {
    const stats = await peer.stats();
    if (!stats) return;
    const { receivedBytes, sentBytes } = stats;
    const before = this.#seen.get(peer);
    this.#received += Math.max(0, receivedBytes - (before?.received ?? 0));
    this.#sent += Math.max(0, sentBytes - (before?.sent ?? 0));
    this.#seen.set(peer, { received: receivedBytes, sent: sentBytes, round: this.#round });
  }
}
