/** Rooms as such: made, listed, shown, closed, left for good; and the state of the media. */

import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import type { Caller } from "../../../core/access.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { MediaEngine } from "../../../infra/media/engine.ts";
import { JOIN_TYPES, ROOM_TYPES } from "../schema.ts";
import type { NewRoom, RoomsService, RoomView } from "../service/rooms-service.ts";
import {
  Done,
  done,
  NotNegative,
  oneOf,
  PageQuery,
  PageShape,
  pageOf,
  RoomPath,
  strict,
} from "./shapes.ts";

const RoomShape = Type.Object({
  room_id: Type.String(),
  room_type: oneOf(ROOM_TYPES),
  name: Type.String(),
  description: Type.String(),
  /** A users id; empty: nobody owns it. */
  owner: Type.String(),
  join_type: oneOf(JOIN_TYPES),
  price: Type.Number(),
  period_days: Type.Number(),
  max_participants: Type.Number(),
  is_active: Type.Boolean(),
  is_public: Type.Boolean(),
  /** How many take part now. */
  participants: Type.Integer(),
  created: Type.String(),
  updated: Type.String(),
});

export function roomOperations(rooms: RoomsService): Operation[] {
  return [createOperation(rooms), ...readOperations(rooms), ...endOperations(rooms)];
}

function createOperation(rooms: RoomsService): Operation {
  return defineOperation({
    name: "rooms.create",
    kind: "write",
    summary: "Makes a room; guests make a public one that goes when it stands empty",
    input: Type.Object(
      {
        room_type: oneOf(ROOM_TYPES),
        name: Type.Optional(Type.String({ maxLength: LIMITS.roomNameCharsMax })),
        description: Type.Optional(Type.String({ maxLength: LIMITS.roomDescriptionCharsMax })),
        is_public: Type.Optional(Type.Boolean()),
        max_participants: Type.Optional(NotNegative),
        join_type: Type.Optional(oneOf(JOIN_TYPES)),
        price: Type.Optional(Type.Number({ minimum: 0 })),
        period_days: Type.Optional(NotNegative),
      },
      strict,
    ),
    output: RoomShape,
    access: "anyone",
    limit: (_, caller) => createLimit(caller),
    errors: ["unauthenticated", "payments_unavailable", "too_many_guest_rooms"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [
      { method: "POST", path: "/api/rooms" },
      { method: "POST", path: "/api/rooms/create" },
    ],
    run: async (context, input) => roomData(await rooms.create(context, newRoom(input))),
  });
}

function readOperations(rooms: RoomsService): Operation[] {
  return [
    defineOperation({
      name: "rooms.list",
      kind: "read",
      summary: "Public rooms and one's own, newest first",
      input: Type.Object(PageQuery, strict),
      output: Type.Object({ items: Type.Array(RoomShape), ...PageShape }),
      access: "anyone",
      errors: [],
      rest: [{ method: "GET", path: "/api/rooms" }],
      async run(context, input) {
        const listed = await rooms.list(context, pageOf(input, 30));
        return { ...listed, items: listed.items.map(roomData) };
      },
    }),
    defineOperation({
      name: "rooms.view",
      kind: "read",
      summary: "One room",
      input: Type.Object(RoomPath, strict),
      output: RoomShape,
      access: "anyone",
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/rooms/:room_id" }],
      run: async (context, input) => roomData(await rooms.view(context, input.room_id)),
    }),
  ];
}

function endOperations(rooms: RoomsService): Operation[] {
  return [
    defineOperation({
      name: "rooms.close",
      kind: "write",
      summary: "Closes a room for everyone; it stays on record",
      input: Type.Object(RoomPath, strict),
      output: Done,
      access: "signed_in",
      errors: ["not_found", "forbidden", "room_inactive"],
      rest: [{ method: "DELETE", path: "/api/rooms/:room_id" }],
      async run(context, input) {
        await rooms.close(context, input.room_id);
        return done;
      },
    }),
    defineOperation({
      name: "rooms.leave",
      kind: "write",
      summary: "Ends one's membership of a room",
      input: Type.Object(RoomPath, strict),
      output: Done,
      access: "signed_in",
      errors: ["not_found", "owner_must_transfer", "banned", "membership_not_found"],
      rest: [{ method: "POST", path: "/api/rooms/:room_id/leave" }],
      async run(context, input) {
        await rooms.leave(context, input.room_id);
        return done;
      },
    }),
  ];
}

export function checkOperation(rooms: RoomsService, media: MediaEngine | undefined): Operation {
  return defineOperation({
    name: "rooms.check",
    kind: "read",
    summary: "Media workers, and whether their ports answer",
    input: Type.Object({}, strict),
    output: Type.Object({
      enabled: Type.Boolean(),
      workers: Type.Array(
        Type.Object({
          index: Type.Integer(),
          pid: Type.Integer(),
          port: Type.Integer(),
          alive: Type.Boolean(),
          rooms: Type.Integer(),
          restarts: Type.Integer(),
        }),
      ),
      memory_bytes: Type.Number(),
      candidates: Type.Array(
        Type.Object({
          address: Type.String(),
          port: Type.Integer(),
          protocol: oneOf(["udp", "tcp"]),
          ok: Type.Boolean(),
          reason: Type.Optional(Type.String()),
          rtt_ms: Type.Optional(Type.Number()),
        }),
      ),
      rooms: Type.Integer(),
      participants: Type.Integer(),
    }),
    access: "superuser",
    errors: [],
    rest: [{ method: "GET", path: "/api/rtc/check" }],
    async run() {
      const live = rooms.live.rooms;
      const candidates = (await media?.check()) ?? [];
      return {
        enabled: media !== undefined,
        workers: (media?.status() ?? []).map((worker) => ({ ...worker })),
        memory_bytes: (await media?.memoryBytes()) ?? 0,
        candidates: candidates.map(({ rttMs, ...candidate }) => ({
          ...candidate,
          ...(rttMs === undefined ? {} : { rtt_ms: rttMs }),
        })),
        rooms: live.length,
        participants: live.reduce((sum, { size }) => sum + size, 0),
      };
    },
  });
}

function createLimit(caller: Caller) {
  const count = caller.kind === "guest" ? LIMITS.guestRoomsPerMinute : LIMITS.roomCreatesPerMinute;
  return { name: "rooms.create", count, windowMs: 60_000 };
}

const NEW_ROOM = {
  room_type: "roomType",
  name: "name",
  description: "description",
  is_public: "isPublic",
  max_participants: "maxParticipants",
  join_type: "joinType",
  price: "price",
  period_days: "periodDays",
} as const;

function newRoom(input: Readonly<Record<string, unknown>>): NewRoom {
  const given = Object.entries(NEW_ROOM).filter(([from]) => input[from] !== undefined);
  return Object.fromEntries(given.map(([from, to]) => [to, input[from]])) as unknown as NewRoom;
}

function roomData({ room, participants }: RoomView): Static<typeof RoomShape> {
  return {
    room_id: room.id,
    room_type: room.roomType,
    name: room.name,
    description: room.description,
    owner: room.owner,
    join_type: room.joinType,
    price: room.price,
    period_days: room.periodDays,
    max_participants: room.maxParticipants,
    is_active: room.isActive,
    is_public: room.isPublic,
    participants,
    created: room.created,
    updated: room.updated,
  };
}
