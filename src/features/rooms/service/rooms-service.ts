/**
 * Rooms and memberships as stored, and who may do what with them. close: rings and bus listener →
 * idle timers → live rooms.
 */

import type { RoomsConfig } from "../../../../config/schema.ts";
import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { type Caller, isPrivileged, SYSTEM, unauthenticated } from "../../../core/access.ts";
import type { Context, DomainEvent } from "../../../core/context.ts";
import type { FeatureHost } from "../../../core/registry.ts";
import type { MediaEngine } from "../../../infra/media/engine.ts";
import { Notices } from "../../notices/index.ts";
import { Records, type RecordsService, storedDate } from "../../records/index.ts";
import { type MembershipEnd, ROOMS_TOPIC } from "../events.ts";
import { IdleRooms } from "../runtime/idle-rooms.ts";
import { LiveRooms } from "../runtime/live-rooms.ts";
import {
  type JoinType,
  type Member,
  type MemberRole,
  ROOM_MEMBERS,
  ROOMS,
  type Room,
  type RoomType,
} from "../schema.ts";
import { findMember, listRooms, readRoom } from "../store.ts";
import { banned, inactive, isPaid, paymentsUnavailable, requireOwner } from "./member-actions.ts";
import { MemberRings } from "./member-rings.ts";
import { type Actor, admission, isMember, roleIn, userIn, userOf, viewerOf } from "./rights.ts";
import { bindRoomRings } from "./rings.ts";

export interface RoomsServiceOptions {
  readonly config: RoomsConfig;
  /** Undefined: this server carries no media, rooms are only kept. */
  readonly media: MediaEngine | undefined;
}

export interface NewRoom {
  readonly roomType: RoomType;
  readonly name?: string;
  readonly description?: string;
  readonly isPublic?: boolean;
  readonly maxParticipants?: number;
  readonly joinType?: JoinType;
  readonly price?: number;
  readonly periodDays?: number;
}

/** What the owner of a room may change of it later. */
export type RoomSettings = Omit<NewRoom, "roomType">;

export interface PageInput {
  readonly page: number;
  readonly perPage: number;
}

/** A room with what its row does not say. */
export interface RoomView {
  readonly room: Room;
  /** How many take part now. */
  readonly participants: number;
}

export class RoomsService {
  readonly live: LiveRooms;
  readonly #host: FeatureHost;
  readonly #config: RoomsConfig;
  readonly #records: RecordsService;
  readonly #idle: IdleRooms;
  #unbind: (() => void) | undefined;

  constructor(host: FeatureHost, { config, media }: RoomsServiceOptions) {
    this.#host = host;
    this.#config = config;
    this.#records = host.use(Records);
    this.#idle = new IdleRooms({
      clock: host.clock,
      log: host.log,
      idleMs: config.anonymousIdle,
      remove: (roomId) => this.#removeIdle(roomId),
    });
    this.live = new LiveRooms({
      host,
      media,
      participantsMax: config.participantsMax,
      graceMs: config.grace,
      onOccupied: (room) => room.isTemporary && this.#idle.occupied(room.id),
      onEmpty: (room) => room.isTemporary && this.#idle.empty(room.id),
    });
  }

  async start(): Promise<void> {
    const { hooks } = this.#host;
    const records = this.#records;
    const unbindRooms = bindRoomRings(hooks, { records, live: this.live });
    const notices = this.#host.use(Notices);
    const unbindMembers = new MemberRings({ records, notices }).bind(hooks);
    const unsubscribe = this.#host.bus.subscribe(ROOMS_TOPIC, (event) => this.#follow(event));
    this.#unbind = () => {
      unbindRooms();
      unbindMembers();
      unsubscribe();
    };
    // Left over from before: their guests get the same time to come back as any.
    const context = this.#host.context({ caller: SYSTEM });
    const where = { isTemporary: true };
    const page = { where, limit: LIMITS.guestRoomsMax };
    const rooms = await this.#records.list(context, ROOMS, page);
    for (const room of rooms) this.#idle.empty(room.id);
  }

  stop(): void {
    this.#unbind?.();
    this.#idle.close();
    this.live.close();
  }

  // Rooms.

  /**
   * Errors: 400 `payments_unavailable`; 401 for guests who may not, or ask for more than a type and
   * a name; 503 `too_many_guest_rooms`.
   */
  async create(context: Context, input: NewRoom): Promise<RoomView> {
    const { caller } = context;
    if (caller.kind === "guest") return this.#createTemporary(context, input);
    const owner = userOf(caller);
    if (owner === null && !isPrivileged(caller)) throw unauthenticated();
    if (input.joinType && isPaid(input.joinType)) throw paymentsUnavailable();
    const record = await this.#records.create(context, ROOMS, { ...input, owner: owner ?? "" });
    return { room: readRoom(record), participants: 0 };
  }

  async #createTemporary(context: Context, input: NewRoom): Promise<RoomView> {
    if (!this.#config.anonymousCreate) throw unauthenticated();
    const { roomType, name, ...more } = input;
    if (Object.keys(more).length > 0) {
      throw fail.unauthenticated("unauthenticated", "Guests choose a type and a name only.");
    }
    if (this.#idle.size >= LIMITS.guestRoomsMax) {
      throw fail.unavailable("too_many_guest_rooms", "There are too many rooms of guests.");
    }
    const values = { roomType, name: name ?? "", isTemporary: true };
    const room = readRoom(await this.#records.create(context, ROOMS, values));
    this.#idle.empty(room.id);
    return { room, participants: 0 };
  }

  /** Public active rooms and one's own, newest first; everything for superusers. */
  async list(context: Context, { page, perPage }: PageInput) {
    const offset = (page - 1) * perPage;
    const viewer = viewerOf(context.caller);
    const slice = { viewer, limit: perPage, offset };
    const { rooms, total } = await listRooms(this.#records, context, slice);
    const items = rooms.map((room) => this.show(room));
    return { items, page, perPage, totalItems: total, totalPages: Math.ceil(total / perPage) };
  }

  /** Error: 404 for a room the caller may not see. */
  async view(context: Context, roomId: string): Promise<RoomView> {
    return this.show(await this.visible(context, roomId));
  }

  /**
   * Changes what the owner may: everything but type and ownership. Nobody inside is put out by it.
   * Errors: 404, 403 `forbidden`, 400 `payments_unavailable`.
   */
  async configure(context: Context, roomId: string, changes: RoomSettings): Promise<RoomView> {
    const room = await this.visible(context, roomId);
    requireOwner(await this.actor(context, room, context.caller));
    if (changes.joinType && isPaid(changes.joinType)) throw paymentsUnavailable();
    const target = { collection: ROOMS, id: room.id };
    return this.show(readRoom(await this.#records.update(context, target, { ...changes })));
  }

  /**
   * Everyone inside is told, and nobody can join from then on; the row stays. Errors: 404, 403
   * `forbidden`, 409 `room_inactive`.
   */
  async close(context: Context, roomId: string): Promise<void> {
    const room = await this.visible(context, roomId);
    requireOwner(await this.actor(context, room, context.caller));
    if (!room.isActive) throw inactive();
    await this.#records.update(context, { collection: ROOMS, id: room.id }, { isActive: false });
  }

  /** Error: 404 for a room the caller may not see. */
  async stats(context: Context, roomId: string) {
    await this.visible(context, roomId);
    const people = this.live.get(roomId)?.participants ?? [];
    const sources = { audio: 0, video: 0, screen: 0 };
    for (const source of people.flatMap((one) => one.sources)) sources[source] += 1;
    const muted = people.flatMap((one) => one.sources.filter((of) => one.muted.includes(of)));
    const shown = people.flatMap(({ slots }) => slots.filter((slot) => slot.source !== null));
    return {
      room_id: roomId,
      participants: people.length,
      guests: people.filter(({ userId }) => userId === null).length,
      producers: sources.audio + sources.video + sources.screen,
      muted: muted.length,
      consumers: shown.length,
      sources,
    };
  }

  /** Error: 404 `not_found`. */
  async find(context: Context, roomId: string): Promise<Room> {
    return readRoom(await this.#records.get(context, ROOMS, roomId));
  }

  /** Error: 404 for a room that is not there, or that the caller may not see. */
  async visible(context: Context, roomId: string): Promise<Room> {
    const room = await this.find(context, roomId);
    const { caller } = context;
    const isInside = caller.kind === "participant" && caller.roomId === roomId;
    if (room.isPublic || isInside) return room;
    if ((await this.actor(context, room, caller)) !== "none") return room;
    throw fail.not_found("not_found", "The requested resource wasn't found.");
  }

  // Memberships.

  async actor(context: Context, room: Room, caller: Caller): Promise<Actor> {
    if (isPrivileged(caller)) return "superuser";
    return (await this.roleOf(context, room, userIn(room.id, caller))) ?? "none";
  }

  /** Undefined: no member at this moment. */
  async roleOf(
    context: Context,
    room: Room,
    userId: string | null,
  ): Promise<MemberRole | undefined> {
    const member = userId === null ? undefined : await this.#member(context, room.id, userId);
    return roleIn(room, { userId, member }, context.clock.now());
  }

  /**
   * Lets the caller of a join in, making its membership where the room is free. Errors: 409
   * `room_inactive`, those of `admission`.
   */
  async admit(
    context: Context,
    room: Room,
  ): Promise<{ readonly userId: string | null; readonly member: Member | undefined }> {
    if (!room.isActive) throw inactive();
    const { caller } = context;
    if (caller.kind === "participant") throw unauthenticated();
    const userId = userIn(room.id, caller);
    const known = userId === null ? undefined : await this.#member(context, room.id, userId);
    const step = admission(room, { caller, member: known }, context.clock.now());
    this.live.assertSpace(room, userId);
    if (userId === null || step === "none") return { userId, member: known };
    await this.#makeMember(context, room, userId);
    return { userId, member: await this.#member(context, room.id, userId) };
  }

  #member(context: Context, room: string, user: string): Promise<Member | undefined> {
    return findMember(this.#records, context, { room, user });
  }

  /** Two devices that join at once make one membership: the look-up is repeated inside. */
  #makeMember(context: Context, room: Room, userId: string): Promise<void> {
    const joinedAt = storedDate(context.clock.now());
    const role: MemberRole = room.owner === userId ? "owner" : "participant";
    const values = { status: "active", expiresAt: "", joinedAt };
    return context.transaction(async () => {
      const member = await this.#member(context, room.id, userId);
      if (member?.status === "banned") throw banned();
      if (isMember(member, context.clock.now())) return;
      if (member) {
        const target = { collection: ROOM_MEMBERS, id: member.id };
        await this.#records.update(context, target, values);
      } else {
        const row = { ...values, room: room.id, user: userId, role };
        await this.#records.create(context, ROOM_MEMBERS, row);
      }
    });
  }

  show(room: Room): RoomView {
    return { room, participants: this.live.count(room.id) };
  }

  // What follows from facts, whoever made them.

  #follow(event: DomainEvent): void {
    const { room_id: roomId, user_id: userId, reason, role } = event.payload;
    if (typeof roomId !== "string") return;
    if (event.type === "room_closed") {
      const isDeleted = reason === "deleted";
      this.live.closeRoom(roomId, isDeleted ? "deleted" : "closed");
      if (isDeleted) this.#idle.forget(roomId);
    } else if (event.type === "membership_ended" && typeof userId === "string") {
      this.live.leaveAll(roomId, userId, membershipEnd(reason));
    } else if (event.type === "role_changed" && typeof userId === "string") {
      this.live.get(roomId)?.changeRole(userId, role as MemberRole);
    }
  }

  async #removeIdle(roomId: string): Promise<void> {
    // Somebody came while an attempt before this one failed.
    if (this.live.count(roomId) > 0) return;
    const context = this.#host.context({ caller: SYSTEM });
    const room = await this.#records.find(context, ROOMS, roomId);
    if (room) await this.#records.delete(context, ROOMS, roomId);
    this.#idle.forget(roomId);
  }
}

function membershipEnd(reason: unknown): MembershipEnd {
  return reason === "banned" || reason === "left" ? reason : "membership_ended";
}
