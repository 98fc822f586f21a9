/**
 * A room with people in it. close: participants (each told why) → media room. The last one to
 * leave closes it too. A worker that dies takes the media room along: another one is made, and
 * every participant gets a fresh offer for a new connection.
 */

import { AppError, assert, fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import type { MediaEngine, MediaRoom } from "../../../infra/media/engine.ts";
import {
  audienceOf,
  type CloseReason,
  type LeaveReason,
  type OfferData,
  personData,
  type RoomEvent,
  RoomMessage,
  roomFact,
} from "../events.ts";
import type { Room } from "../schema.ts";
import { type Joining, Participant, type ParticipantRoom } from "./participant.ts";
import type { Publication } from "./publications.ts";
import { RoomMedia } from "./room-media.ts";
import type { RemoteSource } from "./slot-board.ts";

/** What live rooms are made from. */
export interface LiveParts {
  readonly host: FeatureHost;
  readonly media: MediaEngine;
  readonly participantsMax: number;
  readonly graceMs: number;
}

export interface LiveRoomOptions extends LiveParts {
  readonly room: Room;
  readonly onLeft: (participant: Participant) => void;
  /** Nobody is left; the room is closed and of no more use. */
  readonly onEmpty: () => void;
  readonly onStopping: () => void;
}

export class LiveRoom implements ParticipantRoom {
  readonly id: string;
  readonly #options: LiveRoomOptions;
  readonly #participants = new Map<string, Participant>();
  /** By producer id, oldest first. */
  readonly #sources = new Map<string, RemoteSource>();
  #ordered: readonly RemoteSource[] | undefined;
  readonly #history: RoomMessage[] = [];
  #room: Room;
  readonly #media: RoomMedia;
  #closed = false;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.#room = options.room;
    this.id = options.room.id;
    const { clock, log } = options.host;
    this.#media = new RoomMedia({
      roomId: this.id,
      engine: options.media,
      clock,
      log,
      onLost: () => this.#lost(),
      onRecovered: (media) => this.#reviveAll(media),
      onGivenUp: () => this.close("media_unavailable"),
    });
  }

  get participants(): readonly Participant[] {
    return [...this.#participants.values()];
  }

  get size(): number {
    return this.#participants.size;
  }

  participant(id: string): Participant | undefined {
    return this.#participants.get(id);
  }

  /** Errors: 409 `room_full`, `too_many_devices`. `room` is as stored now. */
  assertSpace(room: Room, userId: string | null): void {
    const { participantsMax } = this.#options;
    const most = room.maxParticipants > 0 ? room.maxParticipants : participantsMax;
    if (this.size >= Math.min(most, participantsMax)) {
      throw fail.conflict("room_full", "The room is full.");
    }
    const devices = this.participants.filter((other) => userId && other.userId === userId);
    if (devices.length >= LIMITS.participantsPerUserMax) {
      throw fail.conflict("too_many_devices", "You are in this room on too many devices.");
    }
  }

  /**
   * Takes somebody in, who counts from now on. Errors: those of `assertSpace`, 429 and 503
   * `too_many_connections`, 503 `media_unavailable`.
   */
  async join(
    room: Room,
    joining: Joining,
  ): Promise<{ participant: Participant; offer: OfferData }> {
    assert(!this.#closed, "a closed room takes nobody in");
    this.assertSpace(room, joining.userId);
    this.#room = room;
    const { clock, log, hub, channels } = this.#options.host;
    const { graceMs } = this.#options;
    const participant = new Participant(this, joining, { clock, log, graceMs });
    this.#participants.set(participant.id, participant);
    try {
      hub.attach(participant.account ?? participant.session);
      const media = await this.#media.open();
      const peer = await media.createPeer(participant.id);
      if (participant.closed || media !== this.#media.current) {
        peer.close();
        throw fail.unavailable("media_unavailable", "The connection was lost. Try again.");
      }
      const offer = participant.begin(peer, media.capabilities);
      channels.accept(participant.channel);
      this.#announce(participant);
      return { participant, offer };
    } catch (error) {
      this.leave(participant, "media_failed");
      throw error;
    }
  }

  /** Ends a participation. Idempotent. */
  leave(participant: Participant, reason: LeaveReason): void {
    if (!this.#participants.delete(participant.id)) return;
    const wasAnnounced = participant.announced;
    const data = withoutName({ ...personData(participant), reason });
    const left = this.message({ type: "participant_left", data });
    const shown = [...this.#sources].filter(
      ([, source]) => source.participantId === participant.id,
    );
    for (const [producerId] of shown) this.#sources.delete(producerId);
    participant.close(left, "finished");
    this.#options.onLeft(participant);
    if (wasAnnounced) {
      this.#broadcast(left);
      this.#emit("participant_left", data);
    }
    if (shown.length > 0) this.#sourcesChanged();
    if (this.size === 0) this.close("closed");
  }

  /** Tells everyone and ends all. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    const last = this.message({ type: "room_closed", data: { reason } });
    const { audience, participants: people } = this;
    this.#participants.clear();
    this.#sources.clear();
    for (const participant of people) {
      participant.close(last, reason === "server_stopping" ? "server_stopping" : "finished");
      this.#options.onLeft(participant);
      if (!participant.announced) continue;
      const data = withoutName({ ...personData(participant), reason: "room_closed" as const });
      this.#emit("participant_left", data, audience);
    }
    this.#media.close();
    this.#options.onEmpty();
  }

  /** To everybody inside, the sender included. */
  say(event: Extract<RoomEvent, { type: "chat" | "reaction" }>): void {
    const message = this.message(event);
    if (event.type === "chat") {
      this.#history.push(message);
      if (this.#history.length > LIMITS.chatHistoryMax) this.#history.shift();
    }
    this.#broadcast(message);
  }

  /** Users who may hear of the room on the bus. */
  get audience() {
    const { isPublic, owner } = this.#room;
    const present = this.participants.flatMap(({ userId }) => userId ?? []);
    return audienceOf({ isPublic, userIds: owner ? [owner, ...present] : present });
  }

  // What participants need.

  message(event: RoomEvent): RoomMessage {
    const { type, data } = event;
    const timestamp = Math.floor(this.#options.host.clock.now() / 1000);
    return new RoomMessage({ type, room_id: this.id, data, timestamp });
  }

  sourcesFor(participant: Participant): readonly RemoteSource[] {
    this.#ordered ??= inOrder(this.#sources.values());
    return this.#ordered.filter(({ participantId }) => participantId !== participant.id);
  }

  published(participant: Participant, { producer, source }: Publication): void {
    if (this.#participants.get(participant.id) !== participant) return;
    const { id: producerId, kind } = producer;
    this.#sources.set(producerId, { producerId, kind, source, participantId: participant.id });
    const data = { participant_id: participant.id, source };
    this.#broadcast(this.message({ type: "track_published", data }), participant);
    this.#sourcesChanged();
  }

  unpublished(participant: Participant, { producer, source }: Publication): void {
    if (!this.#sources.delete(producer.id)) return;
    const data = { participant_id: participant.id, source };
    this.#broadcast(this.message({ type: "track_unpublished", data }), participant);
    this.#sourcesChanged();
  }

  channelOpened(participant: Participant, first: boolean): void {
    for (const other of this.#participants.values()) {
      if (other === participant || !other.announced) continue;
      const joined = { type: "participant_joined", data: personData(other) } as const;
      participant.send(this.message(joined));
      for (const source of other.sources) {
        const data = { participant_id: other.id, source };
        participant.send(this.message({ type: "track_published", data }));
      }
    }
    participant.tellSlots();
    if (first) for (const message of this.#history) participant.send(message);
  }

  stopping(): void {
    this.#options.onStopping();
  }

  // Media.

  #lost(): void {
    this.#sources.clear();
    this.#ordered = undefined;
    for (const participant of this.#participants.values()) {
      if (participant.announced) participant.suspend();
    }
  }

  async #reviveAll(media: MediaRoom): Promise<void> {
    const people = this.participants.filter(({ suspended }) => suspended);
    await Promise.all(people.map((participant) => this.#revive(participant, media)));
  }

  async #revive(participant: Participant, media: MediaRoom): Promise<void> {
    try {
      const peer = await media.createPeer(participant.id);
      if (participant.closed || media !== this.#media.current) peer.close();
      else participant.resume(peer, media.capabilities);
    } catch (cause) {
      // Lost again: the next recovery takes everybody along.
      if (media !== this.#media.current) return;
      if (!(cause instanceof AppError)) {
        this.#options.host.log.error("connection not made anew", { room: this.id, cause });
      }
      this.leave(participant, "media_failed");
    }
  }

  // Messages.

  #announce(participant: Participant): void {
    const data = personData(participant);
    this.#broadcast(this.message({ type: "participant_joined", data }), participant);
    this.#emit("participant_joined", data);
  }

  /** One send for all where all listen on channels in the same codec. */
  #broadcast(message: RoomMessage, except?: Participant): void {
    const codec = this.#commonCodec();
    const media = this.#media.current;
    if (codec && media) media.broadcast(message.frame(codec), except?.id);
    else {
      for (const participant of this.#participants.values()) {
        if (participant !== except) participant.send(message);
      }
    }
  }

  #commonCodec() {
    let common: Participant["channelCodec"];
    for (const { channelCodec } of this.#participants.values()) {
      if (!channelCodec || (common && channelCodec !== common)) return undefined;
      common = channelCodec;
    }
    return common;
  }

  #sourcesChanged(): void {
    this.#ordered = undefined;
    for (const participant of this.#participants.values()) participant.refillSlots();
  }

  #emit(
    type: "participant_joined" | "participant_left",
    payload: Readonly<Record<string, unknown>>,
    audience = this.audience,
  ): void {
    const fact = roomFact(type, { room_id: this.id, ...payload }, audience);
    this.#options.host.context().emit(fact);
  }
}

/**
 * Newest first, screens behind cameras: clients hold a section ready for a screen they do not show,
 * and nothing tells it from one they do, so it must not take a camera's place.
 */
function inOrder(sources: Iterable<RemoteSource>): RemoteSource[] {
  const newest = [...sources].reverse();
  const isScreen = ({ source }: RemoteSource) => source === "screen";
  return [...newest.filter((source) => !isScreen(source)), ...newest.filter(isScreen)];
}

function withoutName<T extends { readonly name: string }>({ name: _, ...rest }: T) {
  return rest;
}
