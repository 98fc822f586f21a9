/**
 * Every room with people in it, and the tokens of those people. close: rooms, each telling its
 * participants why.
 */

import { createHash } from "node:crypto";
import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { ParticipantCaller } from "../../../core/access.ts";
import type { TokenOrigin } from "../../../core/registry.ts";
import type { MediaRoom } from "../../../infra/media/engine.ts";
import type { CloseReason, MembershipEnd, OfferData } from "../events.ts";
import type { Room } from "../schema.ts";
import {
  type Connect,
  connectionLost,
  type LiveParts,
  LiveRoom,
  noParticipant,
} from "./live-room.ts";
import type { Joining, Participant } from "./participant.ts";

export const TOKEN_PREFIX = "pt_";
const TOKEN_CHARS = 43;

export interface LiveRoomsOptions extends Omit<LiveParts, "media"> {
  readonly media: LiveParts["media"] | undefined;
  /** A room begins to have people in it, or has none any more. */
  readonly onOccupied: (room: Room) => void;
  readonly onEmpty: (room: Room) => void;
}

export interface Joined<T> {
  readonly participant: Participant;
  readonly token: string;
  readonly connection: T;
}

export type NewJoining = Omit<Joining, "tokenHash">;

export class LiveRooms {
  readonly #options: LiveRoomsOptions;
  readonly #rooms = new Map<string, LiveRoom>();
  /** By the hexadecimal hash of the token: the tokens themselves are kept nowhere. */
  readonly #tokens = new Map<string, Participant>();
  #stopped = false;

  constructor(options: LiveRoomsOptions) {
    this.#options = options;
  }

  get(roomId: string): LiveRoom | undefined {
    return this.#rooms.get(roomId);
  }

  get rooms(): readonly LiveRoom[] {
    return [...this.#rooms.values()];
  }

  count(roomId: string): number {
    return this.#rooms.get(roomId)?.size ?? 0;
  }

  /** Error: 404 `participant_not_found`. */
  participant(roomId: string, participantId: string): Participant {
    const participant = this.#rooms.get(roomId)?.participant(participantId);
    if (participant) return participant;
    throw noParticipant();
  }

  /** Errors: those of `LiveRoom.assertSpace`. */
  assertSpace(room: Room, userId: string | null): void {
    this.#rooms.get(room.id)?.assertSpace(room, userId);
  }

  /**
   * Errors: those of `LiveRoom.join`, 503 `too_many_rooms`, 503 `media_unavailable` where the server
   * has no media, 503 `stopping`.
   */
  async join<T>(room: Room, joining: NewJoining, connect: Connect<T>): Promise<Joined<T>> {
    const token = TOKEN_PREFIX + this.#options.host.ids.secret(TOKEN_CHARS);
    const tokenHash = hashToken(token);
    const live = this.#rooms.get(room.id) ?? this.#open(room);
    const joined = await live.join(room, { ...joining, tokenHash }, connect);
    if (!joined.participant.closed) this.#tokens.set(hex(tokenHash), joined.participant);
    return { ...joined, token };
  }

  /** The usual connection: by our offer, with a channel. For `join`. */
  async connect(participant: Participant, media: MediaRoom): Promise<OfferData> {
    const peer = await media.createPeer(participant.id);
    if (participant.closed || media.closed) {
      peer.close();
      throw connectionLost();
    }
    const offer = participant.begin(peer, media.capabilities);
    this.#options.host.channels.accept(participant.channel);
    return offer;
  }

  /** The caller behind a participant token; undefined when the participation is over. */
  authenticate(token: string, origin: TokenOrigin): ParticipantCaller | undefined {
    const hash = hashToken(token);
    const participant = this.#tokens.get(hex(hash));
    if (!participant?.hasToken(hash)) return undefined;
    const { caller } = participant.session;
    return caller.kind === "participant" ? { ...caller, ip: origin.ip } : undefined;
  }

  /** What is stored of a room changed; nothing where nobody is in it. */
  update(room: Room): void {
    this.#rooms.get(room.id)?.update(room);
  }

  closeRoom(roomId: string, reason: CloseReason): void {
    this.#rooms.get(roomId)?.close(reason);
  }

  /** Ends every participation of a user in a room. Returns how many there were. */
  leaveAll(roomId: string, userId: string, reason: MembershipEnd): number {
    const live = this.#rooms.get(roomId);
    const own = live?.participants.filter((participant) => participant.userId === userId) ?? [];
    for (const participant of own) live?.leave(participant, reason);
    return own.length;
  }

  /** Idempotent. */
  close(): void {
    this.#stopped = true;
    for (const live of this.rooms) live.close("server_stopping");
  }

  #open(room: Room): LiveRoom {
    const { media } = this.#options;
    if (this.#stopped) throw fail.unavailable("stopping", "The server is stopping.");
    if (!media) throw fail.unavailable("media_unavailable", "This server carries no media.");
    if (this.#rooms.size >= LIMITS.roomsLiveMax) {
      throw fail.unavailable("too_many_rooms", "The server has no room to spare.");
    }
    const live = new LiveRoom({
      ...this.#options,
      media,
      room,
      onLeft: (participant) => this.#tokens.delete(hex(participant.tokenHash)),
      onEmpty: () => {
        if (this.#rooms.get(room.id) === live) this.#rooms.delete(room.id);
        this.#options.onEmpty(room);
      },
      onStopping: () => this.close(),
    });
    this.#rooms.set(room.id, live);
    this.#options.onOccupied(room);
    return live;
  }
}

function hashToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
