/** Shapes that several operations share. */

import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { JOIN_TYPES, ROOM_TYPES } from "../schema.ts";
import type { Place } from "../service/participation-service.ts";
import type { RoomView } from "../service/rooms-service.ts";

export const strict = { additionalProperties: false };
export const oneOf = <const T extends string>(values: readonly T[]) =>
  Type.Union(values.map((value) => Type.Literal(value)));

export const Id = Type.String({ minLength: 1, maxLength: 64 });
export const RoomPath = { room_id: Id };
export const PlacePath = { room_id: Id, participant_id: Id };
export const SourceName = oneOf(["audio", "video", "screen"]);
export const NotNegative = Type.Integer({ minimum: 0 });

export const PageQuery = {
  page: Type.Optional(Type.Integer()),
  perPage: Type.Optional(Type.Integer()),
};

export const PageShape = {
  page: Type.Integer(),
  perPage: Type.Integer(),
  totalItems: Type.Integer(),
  totalPages: Type.Integer(),
};

/** As RTCPeerConnection takes them. */
export const IceServers = Type.Array(
  Type.Object({
    urls: Type.Array(Type.String()),
    username: Type.Optional(Type.String()),
    credential: Type.Optional(Type.String()),
  }),
);

/** A room as every route shows it. */
export const RoomShape = Type.Object({
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

export function roomData({ room, participants }: RoomView): Static<typeof RoomShape> {
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

export const Done = Type.Object({ success: Type.Literal(true) });
export const done: Static<typeof Done> = { success: true };

/** As the records API: pages from 1, pages of 1 to 1,000, whatever was asked. */
export function pageOf(
  input: { readonly page?: number; readonly perPage?: number },
  perPageDefault: number,
) {
  const perPage = input.perPage === undefined || input.perPage < 1 ? perPageDefault : input.perPage;
  return { page: Math.max(1, input.page ?? 1), perPage: Math.min(perPage, LIMITS.readPageMax) };
}

export interface PlaceInput {
  readonly room_id: string;
  readonly participant_id: string;
}

export function place(input: PlaceInput): Place {
  return { roomId: input.room_id, participantId: input.participant_id };
}
