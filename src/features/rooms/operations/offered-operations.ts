/** WHIP and WHEP: what their wire calls. They have no routes of JSON. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import { candidateLine } from "../../../tools/sdp/writer.ts";
import type { OfferedService, OfferedSession } from "../service/offered-service.ts";
import { Done, done, IceServers, Id, PlacePath, place, strict } from "./shapes.ts";

const SessionShape = Type.Object({
  participant_id: Type.String(),
  /** The answer. */
  sdp: Type.String(),
  ice_id: Type.String(),
  ice_servers: IceServers,
});

const OfferShape = Type.Object(
  { room_id: Id, sdp: Type.String({ minLength: 1, maxLength: LIMITS.sdpBytesMax }) },
  strict,
);

const JOIN_ERRORS = [
  "not_found",
  "unauthenticated",
  "invalid_sdp",
  "room_inactive",
  "room_full",
  "too_many_devices",
  "membership_required",
  "media_unavailable",
];

export function offeredOperations(service: OfferedService): Operation[] {
  return [...joinOperations(service), ...sessionOperations(service)];
}

function joinOperations(service: OfferedService): Operation[] {
  const common = {
    kind: "write",
    input: OfferShape,
    output: SessionShape,
    access: "signed_in",
    limit: { name: "rooms.join", count: LIMITS.roomJoinsPerMinute, windowMs: 60_000 },
    bodyBytesMax: LIMITS.sdpBytesMax,
    rest: [],
  } as const;
  return [
    defineOperation({
      ...common,
      name: "whip.publish",
      summary: "Brings the media of a client's offer into a room (WHIP, RFC 9725)",
      errors: [...JOIN_ERRORS, "publish_forbidden"],
      run: async (context, { room_id: roomId, sdp }) =>
        sessionData(await service.publish(context, { roomId, sdp })),
    }),
    defineOperation({
      ...common,
      name: "whep.play",
      summary: "Sends a client what its offer wants to receive of a room (WHEP)",
      errors: JOIN_ERRORS,
      run: async (context, { room_id: roomId, sdp }) =>
        sessionData(await service.play(context, { roomId, sdp })),
    }),
  ];
}

function sessionOperations(service: OfferedService): Operation[] {
  const errors = ["unauthenticated", "forbidden", "participant_not_found"];
  return [
    defineOperation({
      name: "whip.iceId",
      kind: "read",
      summary: "Which ICE session a client that offered has",
      input: Type.Object(PlacePath, strict),
      output: Type.Object({ ice_id: Type.String() }),
      access: "anyone",
      errors,
      rest: [],
      run: async (context, input) => ({ ice_id: service.iceId(context.caller, place(input)) }),
    }),
    defineOperation({
      name: "whip.restartIce",
      kind: "write",
      summary: "New ICE credentials for a client that offered",
      input: Type.Object(PlacePath, strict),
      output: Type.Object({
        ice_id: Type.String(),
        username_fragment: Type.String(),
        password: Type.String(),
        candidates: Type.Array(Type.String()),
      }),
      access: "anyone",
      limit: { name: "rooms.iceRestart", count: LIMITS.iceRestartsPerMinute, windowMs: 60_000 },
      errors: [...errors, "media_unavailable"],
      rest: [],
      async run(context, input) {
        const { transport, iceId } = await service.restartIce(context, place(input));
        return {
          ice_id: iceId,
          username_fragment: transport.ice.usernameFragment,
          password: transport.ice.password,
          candidates: transport.candidates.map(candidateLine),
        };
      },
    }),
    defineOperation({
      name: "whip.end",
      kind: "write",
      summary: "Ends the session of a client that offered",
      input: Type.Object(PlacePath, strict),
      output: Done,
      access: "anyone",
      errors,
      rest: [],
      async run(context, input) {
        service.end(context, place(input));
        return done;
      },
    }),
  ];
}

function sessionData({ participantId, sdp, iceId, iceServers }: OfferedSession) {
  return {
    participant_id: participantId,
    sdp,
    ice_id: iceId,
    ice_servers: [...iceServers],
  };
}
