/**
 * A room with people in it. close: participants (each told why) → media room. The last one to
 * leave closes it too. A worker that dies takes the media room along: another one is made, and
 * every participant gets a fresh offer for a new connection.
 */

import { AppError, assert, fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import type { MediaEngine, MediaRoom } from "../../../infra/media/engine.ts";
import type { Counter } from "../../../infra/metrics/families.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import {
  audienceOf,
  type CloseReason,
  type CustomEvent,
  introduction,
  type LeaveReason,
  personData,
  type RoomEvent,
  RoomMessage,
  roomFact,
} from "../events.ts";
import type { MemberRole, Room } from "../schema.ts";
import { HeldMutes, type MuteWish } from "./mutes.ts";
import { type Joining, Participant, type ParticipantRoom, ROOM_WIRE } from "./participant.ts";
import type { Publication } from "./publications.ts";
import { RoomMedia } from "./room-media.ts";
import { type RoomStats, RoomStatsReader } from "./room-stats.ts";
import { type Ranking, Stage } from "./stage.ts";

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

/** Makes the first connection of somebody who joins, in the media room. */
export type Connect<T> = (participant: Participant, media: MediaRoom) => Promise<T>;

/** What is said in a room, as opposed to what happens in it. */
export type SaidEvent =
  | Extract<RoomEvent, { readonly type: "chat" | "reaction" | "location" }>
  | CustomEvent;

export class LiveRoom implements ParticipantRoom {
  readonly id: string;
  readonly #options: LiveRoomOptions;
  readonly #participants = new Map<string, Participant>();
  readonly #stage = new Stage();
  readonly #history: RoomMessage[] = [];
  readonly #held = new HeldMutes();
  #room: Room;
  readonly #media: RoomMedia;
  readonly #stats: RoomStatsReader;
  readonly #delivered: Counter;
  #closed = false;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.#room = options.room;
    this.id = options.room.id;
    const { clock, log, hub } = options.host;
    this.#delivered = hub.announce(ROOM_WIRE);
    this.#stats = new RoomStatsReader(clock, () =>
      this.participants.flatMap((each) => (each.announced ? each.measured : [])),
    );
    this.#media = new RoomMedia({
      roomId: this.id,
      engine: options.media,
      clock,
      log,
      onOpen: (opened) => opened.onSpeaker((producerId) => this.#heard(producerId)),
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

  /** At most `LIMITS.statsAgeMs` old. */
  stats(): Promise<RoomStats> {
    return this.#stats.read();
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
  async join<T>(
    room: Room,
    joining: Joining,
    connect: Connect<T>,
  ): Promise<{ participant: Participant; connection: T }> {
    assert(!this.#closed, "a closed room takes nobody in");
    this.assertSpace(room, joining.userId);
    this.#room = room;
    const { clock, log, hub } = this.#options.host;
    const { graceMs } = this.#options;
    const held = this.#held.of(joining.userId);
    const parts = { clock, log, graceMs, held, delivered: this.#delivered };
    const participant = new Participant(this, joining, parts);
    this.#participants.set(participant.id, participant);
    try {
      hub.attach(participant.account ?? participant.session);
      const media = await this.#media.open();
      const connection = await connect(participant, media);
      if (participant.closed || media !== this.#media.current) throw connectionLost();
      this.#announce(participant);
      return { participant, connection };
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
    const wasShown = this.#stage.leave(participant.id);
    participant.close(left, "finished");
    this.#options.onLeft(participant);
    if (wasAnnounced) {
      this.#broadcast(left);
      this.#emit("participant_left", data);
    }
    if (wasShown) this.#refill();
    if (this.size === 0) this.close("closed");
  }

  /** Tells everyone and ends all. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    const last = this.message({ type: "room_closed", data: { reason } });
    const { audience, participants: people } = this;
    this.#participants.clear();
    this.#stage.clear();
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

  /** A moderator's wish holds for a user on every device, those to come included. */
  moderate(target: Participant, wish: Omit<MuteWish, "by">): void {
    const { userId } = target;
    if (userId !== null) this.#held.set(userId, wish.source, wish.muted);
    const same = this.participants.filter((other) => userId !== null && other.userId === userId);
    for (const one of userId === null ? [target] : same) {
      one.setMuted({ ...wish, by: "moderator" });
    }
  }

  /** The room as stored now, for those who are inside already. */
  update(room: Room): void {
    this.#room = room;
  }

  /** Tells everybody what somebody's membership makes of them now. */
  changeRole(userId: string, role: MemberRole): void {
    const own = this.participants.filter((participant) => participant.userId === userId);
    for (const participant of own) participant.setRole(role);
    const data = { user_id: userId, role };
    this.#broadcast(this.message({ type: "role_changed", data }));
  }

  /** To everybody inside, the sender included. */
  say(event: SaidEvent): void {
    const message = this.message(event);
    if (event.type === "chat") {
      this.#history.push(message);
      if (this.#history.length > LIMITS.chatHistoryMax) this.#history.shift();
    }
    this.#broadcast(message);
  }

  /** To one only. Error: 404 `participant_not_found`. */
  tell(participantId: string, event: SaidEvent): void {
    const participant = this.#participants.get(participantId);
    if (!participant) throw noParticipant();
    participant.send(this.message(event));
  }

  /** Users who may hear of the room on the bus. */
  get audience() {
    const { isPublic, owner } = this.#room;
    const present = this.participants.flatMap(({ userId }) => userId ?? []);
    return audienceOf({ isPublic, userIds: owner ? [owner, ...present] : present });
  }

  // What participants need.

  message(event: RoomEvent | CustomEvent): RoomMessage {
    const { type, data } = event;
    const timestamp = Math.floor(this.#options.host.clock.now() / 1000);
    return new RoomMessage({ type, room_id: this.id, data, timestamp });
  }

  get ranking(): Ranking {
    return this.#stage.ranking;
  }

  published(participant: Participant, { producer, source }: Publication): void {
    if (this.#participants.get(participant.id) !== participant) return;
    const { id: producerId, kind, flowing } = producer;
    const remote = { producerId, kind, source, participantId: participant.id };
    this.#stage.add(remote, { flowing, muted: participant.muted.includes(source) });
    producer.onFlow((flows) => {
      if (this.#stage.setFlowing(producerId, flows)) this.#refill();
    });
    const data = { participant_id: participant.id, source };
    this.#broadcast(this.message({ type: "track_published", data }), participant);
    this.#refill();
  }

  unpublished(participant: Participant, { producer, source }: Publication): void {
    if (!this.#stage.remove(producer.id)) return;
    const data = { participant_id: participant.id, source };
    this.#broadcast(this.message({ type: "track_unpublished", data }), participant);
    this.#refill();
  }

  muteChanged(participant: Participant, source: Source): void {
    const muted = participant.muted.includes(source);
    if (this.#stage.setMuted(participant.id, source, muted)) this.#refill();
    this.#broadcast(this.#muteMessage(participant, source));
  }

  channelOpened(participant: Participant, first: boolean): void {
    for (const other of this.#participants.values()) {
      if (other === participant || !other.announced) continue;
      const joined = { type: "participant_joined", data: introduction(other) } as const;
      participant.send(this.message(joined));
      for (const source of other.sources) {
        const data = { participant_id: other.id, source };
        participant.send(this.message({ type: "track_published", data }));
      }
      for (const source of other.muted) participant.send(this.#muteMessage(other, source));
    }
    for (const source of participant.muted) {
      participant.send(this.#muteMessage(participant, source));
    }
    participant.tellSlots();
    const { speaker } = this.#stage;
    if (speaker !== undefined) participant.send(this.#speakerMessage(speaker));
    if (first) for (const message of this.#history) participant.send(message);
  }

  stopping(): void {
    this.#options.onStopping();
  }

  // Media.

  #heard(producerId: string): void {
    const participantId = this.#stage.get(producerId)?.participantId;
    if (participantId === undefined || !this.#stage.speak(participantId)) return;
    this.#broadcast(this.#speakerMessage(participantId));
    this.#refill();
  }

  #lost(): void {
    this.#stage.clear();
    for (const participant of this.participants) {
      if (!participant.announced) continue;
      if (participant.canResume) participant.suspend();
      else this.leave(participant, "media_failed");
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
    const data = introduction(participant);
    this.#broadcast(this.message({ type: "participant_joined", data }), participant);
    for (const source of participant.muted) this.muteChanged(participant, source);
    this.#emit("participant_joined", personData(participant));
  }

  #muteMessage(participant: Participant, source: Source): RoomMessage {
    const type = participant.muted.includes(source) ? "muted" : "unmuted";
    return this.message({ type, data: { participant_id: participant.id, source } });
  }

  #speakerMessage(participantId: string): RoomMessage {
    return this.message({ type: "active_speaker", data: { participant_id: participantId } });
  }

  /** One send for all where all listen on channels in the same codec. */
  #broadcast(message: RoomMessage, except?: Participant): void {
    const codec = this.#commonCodec();
    const media = this.#media.current;
    if (codec && media) {
      media.broadcast(message.frame(codec), except?.id);
      this.#delivered.inc(this.size - (except ? 1 : 0));
    } else {
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

  /** The order of the sources changed. */
  #refill(): void {
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

export function connectionLost(): AppError {
  return fail.unavailable("media_unavailable", "The connection was lost. Try again.");
}

export function noParticipant(): AppError {
  return fail.not_found("participant_not_found", "There is no such participant in the room.");
}

function withoutName<T extends { readonly name: string }>({ name: _, ...rest }: T) {
  return rest;
}
