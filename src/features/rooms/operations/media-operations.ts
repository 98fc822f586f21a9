/** Connections as such: mended, and measured. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { MediaService } from "../service/media-service.ts";
import type { ParticipationService } from "../service/participation-service.ts";
import { ownBy } from "./event-operations.ts";
import { IceServers, PlacePath, place, RoomPath, SourceName, strict } from "./shapes.ts";

export interface MediaOperationsParts {
  readonly participations: ParticipationService;
  readonly service: MediaService;
}

const Totals = {
  participants: Type.Integer(),
  producers: Type.Integer(),
  consumers: Type.Integer(),
  receive_bps: Type.Number(),
  send_bps: Type.Number(),
};

const OrNull = Type.Union([Type.Number(), Type.Null()]);

const ParticipantShape = Type.Object({
  participant_id: Type.String(),
  producers: Type.Array(
    Type.Object({
      source: SourceName,
      bitrate_bps: Type.Number(),
      packet_loss: Type.Number(),
      score: Type.Number(),
    }),
  ),
  consumers: Type.Integer(),
  consumer_score: OrNull,
  receive_bps: Type.Number(),
  send_bps: Type.Number(),
  receive_loss: OrNull,
  send_loss: OrNull,
});

function statsOperations(service: MediaService): Operation[] {
  return [
    defineOperation({
      name: "rooms.stats",
      kind: "read",
      summary: "What flows in a room: streams, bit rates, losses, scores",
      input: Type.Object(RoomPath, strict),
      output: Type.Object({
        room_id: Type.String(),
        guests: Type.Integer(),
        /** Sources that are silent by somebody's wish. */
        muted: Type.Integer(),
        /** Sources by what they are. */
        sources: Type.Object({
          audio: Type.Integer(),
          video: Type.Integer(),
          screen: Type.Integer(),
        }),
        ...Totals,
        items: Type.Array(ParticipantShape),
      }),
      access: "anyone",
      errors: ["not_found"],
      rest: [{ method: "GET", path: "/api/rooms/:room_id/stats" }],
      async run(context, { room_id: roomId }) {
        const { items, ...counts } = await service.stats(context, roomId);
        const copies = items.map((item) => ({ ...item, producers: [...item.producers] }));
        return { ...counts, items: copies };
      },
    }),
    defineOperation({
      name: "rooms.totals",
      kind: "read",
      summary: "What flows in all rooms together",
      input: Type.Object({}, strict),
      output: Type.Object({ rooms: Type.Integer(), ...Totals }),
      access: "superuser",
      errors: [],
      rest: [{ method: "GET", path: "/api/rtc/stats" }],
      run: () => service.totals(),
    }),
  ];
}

export function mediaOperations({ participations, service }: MediaOperationsParts): Operation[] {
  return [
    ...statsOperations(service),
    defineOperation({
      name: "rooms.iceRestart",
      kind: "write",
      summary: "A new offer with new ICE credentials, for a client whose network changed",
      input: Type.Object(PlacePath, strict),
      output: Type.Object({
        offer_id: Type.String(),
        sdp: Type.Object({ type: Type.Literal("offer"), sdp: Type.String() }),
        ice_servers: IceServers,
      }),
      access: ownBy(participations),
      limit: { name: "rooms.iceRestart", count: LIMITS.iceRestartsPerMinute, windowMs: 60_000 },
      errors: ["media_unavailable", "participant_not_found"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      rest: [
        { method: "POST", path: "/api/rooms/:room_id/participants/:participant_id/ice-restart" },
      ],
      async run(context, input) {
        const { offer, iceServers } = await service.restartIce(context, place(input));
        return {
          offer_id: offer.offer_id,
          sdp: { type: "offer" as const, sdp: offer.sdp },
          ice_servers: iceServers,
        };
      },
    }),
  ];
}
