/** Rooms as such: made, listed, shown, changed, closed; and the state of the media. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import type { Caller } from "../../../core/access.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { MediaEngine } from "../../../infra/media/engine.ts";
import { JOIN_TYPES, ROOM_TYPES } from "../schema.ts";
import type { MembershipsService } from "../service/memberships-service.ts";
import type { NewRoom, RoomsService } from "../service/rooms-service.ts";
import { MemberShape, memberData } from "./member-operations.ts";
import {
  Done,
  done,
  NotNegative,
  oneOf,
  PageQuery,
  PageShape,
  pageOf,
  RoomPath,
  RoomShape,
  roomData,
  strict,
} from "./shapes.ts";

export function roomOperations(rooms: RoomsService, memberships: MembershipsService): Operation[] {
  return [
    createOperation(rooms),
    ...readOperations(rooms, memberships),
    configureOperation(rooms),
    closeOperation(rooms),
  ];
}

const SettingsFields = {
  name: Type.Optional(Type.String({ maxLength: LIMITS.roomNameCharsMax })),
  description: Type.Optional(Type.String({ maxLength: LIMITS.roomDescriptionCharsMax })),
  is_public: Type.Optional(Type.Boolean()),
  max_participants: Type.Optional(NotNegative),
  join_type: Type.Optional(oneOf(JOIN_TYPES)),
  price: Type.Optional(Type.Number({ minimum: 0 })),
  period_days: Type.Optional(NotNegative),
};

function createOperation(rooms: RoomsService): Operation {
  return defineOperation({
    name: "rooms.create",
    kind: "write",
    summary: "Makes a room; guests make a public one that goes when it stands empty",
    input: Type.Object({ room_type: oneOf(ROOM_TYPES), ...SettingsFields }, strict),
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

function readOperations(rooms: RoomsService, memberships: MembershipsService): Operation[] {
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
      summary: "One room, and what one is to it",
      input: Type.Object(RoomPath, strict),
      output: Type.Composite([
        RoomShape,
        Type.Object({ membership: Type.Union([MemberShape, Type.Null()]) }),
      ]),
      access: "anyone",
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/rooms/:room_id" }],
      async run(context, { room_id: roomId }) {
        const view = await rooms.view(context, roomId);
        const own = await memberships.own(context, roomId);
        return { ...roomData(view), membership: own ? memberData(context, own) : null };
      },
    }),
  ];
}

function configureOperation(rooms: RoomsService): Operation {
  return defineOperation({
    name: "rooms.configure",
    kind: "write",
    summary: "Changes a room's settings",
    input: Type.Object({ ...RoomPath, ...SettingsFields }, strict),
    output: RoomShape,
    access: "signed_in",
    errors: ["not_found", "forbidden", "payments_unavailable"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "PATCH", path: "/api/rooms/:room_id/settings" }],
    run: async (context, { room_id: roomId, ...settings }) =>
      roomData(await rooms.configure(context, roomId, newRoom(settings))),
  });
}

function closeOperation(rooms: RoomsService): Operation {
  return defineOperation({
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
  });
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
