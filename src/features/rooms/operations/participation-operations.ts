/** Taking part in a room: joining, signalling, muting, leaving. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import { defineOperation, defineWatch, type Operation } from "../../../core/operation.ts";
import { MEMBER_ROLES } from "../schema.ts";
import type { ParticipationService } from "../service/participation-service.ts";
import { eventOperations, ownBy } from "./event-operations.ts";
import { ReceiveFields, receiveWishes } from "./receive-shapes.ts";
import {
  Done,
  done,
  IceServers,
  Id,
  oneOf,
  PageQuery,
  PageShape,
  PlacePath,
  pageOf,
  place,
  RoomPath,
  SourceName,
  strict,
} from "./shapes.ts";

/** As `ReceiveMode`. */
const ReceiveModeName = oneOf(["slots", "tracks"]);
const PARTICIPANT = "/api/rooms/:room_id/participants/:participant_id";

export function participationOperations(participations: ParticipationService): Operation[] {
  return [
    joinOperation(participations),
    listOperation(participations),
    ...signallingOperations(participations),
    hangUpOperation(participations),
    muteOperation(participations),
    ...eventOperations(participations),
  ];
}

function joinOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.join",
    kind: "write",
    summary: "Joins a room: answers with the server's offer",
    input: Type.Object(
      {
        ...RoomPath,
        mode: Type.Optional(ReceiveModeName),
        receive: Type.Optional(
          Type.Object(
            {
              audio: Type.Optional(slots(LIMITS.receiveAudioSlotsMax)),
              video: Type.Optional(slots(LIMITS.receiveVideoSlotsMax)),
            },
            strict,
          ),
        ),
        publish: Type.Optional(Type.Array(SourceName, { maxItems: 8 })),
      },
      strict,
    ),
    output: Type.Object({
      participant_id: Type.String(),
      participant_token: Type.String(),
      offer_id: Type.String(),
      sdp: Type.Object({ type: Type.Literal("offer"), sdp: Type.String() }),
      mode: ReceiveModeName,
      slots: Type.Array(
        Type.Object({
          mid: Type.String(),
          participant_id: Type.Union([Type.String(), Type.Null()]),
          source: Type.Union([SourceName, Type.Null()]),
        }),
      ),
      ice_servers: IceServers,
    }),
    access: "anyone",
    limit: { name: "rooms.join", count: LIMITS.roomJoinsPerMinute, windowMs: 60_000 },
    errors: [
      "not_found",
      "room_inactive",
      "room_full",
      "too_many_devices",
      "membership_required",
      "membership_pending",
      "membership_expired",
      "payment_required",
      "banned",
      "media_unavailable",
    ],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "POST", path: "/api/rooms/:room_id/join" }],
    run: (context, { room_id: roomId, mode, receive, publish }) =>
      participations.join(context, {
        roomId,
        ...(mode ? { mode } : {}),
        ...(receive ? { receive } : {}),
        ...(publish ? { publish } : {}),
      }),
  });
}

function listOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.participants",
    kind: "read",
    summary: "Who is in a room now, in the order of joining",
    input: Type.Object({ ...RoomPath, ...PageQuery }, strict),
    output: Type.Object({
      items: Type.Array(
        Type.Object({
          participant_id: Type.String(),
          user_id: Type.Union([Type.String(), Type.Null()]),
          name: Type.String(),
          role: oneOf(MEMBER_ROLES),
          sources: Type.Array(SourceName),
          /** Silent by their owner's or a moderator's wish. */
          muted: Type.Array(SourceName),
          joined_at: Type.String(),
        }),
      ),
      ...PageShape,
    }),
    access: "anyone",
    errors: ["not_found"],
    rest: [{ method: "GET", path: "/api/rooms/:room_id/participants" }],
    run: (context, input) =>
      participations.list(context, input.room_id, pageOf(input, LIMITS.roomParticipantsMax)),
  });
}

const AnswerShape = Type.Object({
  success: Type.Literal(true),
  published: Type.Array(Type.Object({ mid: Type.String(), source: SourceName })),
  rejected: Type.Array(
    Type.Object({ mid: Type.String(), source: SourceName, reason: Type.String() }),
  ),
});

function signallingOperations(participations: ParticipationService): Operation[] {
  const own = ownBy(participations);
  return [
    defineOperation({
      name: "rooms.answer",
      kind: "write",
      summary: "Answers the server's offer, also by a frame of the data channel",
      input: Type.Object(
        {
          ...PlacePath,
          type: Type.Optional(Type.Literal("answer")),
          sdp: Type.String({ minLength: 1, maxLength: LIMITS.sdpBytesMax }),
          offer_id: Type.Optional(Id),
        },
        strict,
      ),
      output: AnswerShape,
      access: own,
      errors: ["invalid_sdp", "stale_answer", "media_unavailable", "participant_not_found"],
      bodyBytesMax: LIMITS.signallingBodyBytesMax,
      frame: "answer",
      rest: [{ method: "POST", path: `${PARTICIPANT}/answer` }],
      async run(context, input) {
        const answer = { sdp: input.sdp, offerId: input.offer_id };
        const result = await participations.answer(context, place(input), answer);
        return { success: true as const, ...result };
      },
    }),
    defineWatch({
      name: "rooms.signal",
      kind: "watch",
      summary: "A participant's signalling, and the room's events while the channel is down",
      input: Type.Object(PlacePath, strict),
      output: Type.Object({
        type: Type.String(),
        room_id: Type.String(),
        data: Type.Unknown(),
        timestamp: Type.Integer(),
      }),
      access: own,
      errors: ["participant_not_found", "forbidden"],
      rest: [{ method: "GET", path: `${PARTICIPANT}/events` }],
      async open(context, input, stream) {
        participations.signal(context, place(input), stream);
      },
    }),
  ];
}

function hangUpOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.hangUp",
    kind: "write",
    summary: "Hangs up; for others than oneself, removes them",
    input: Type.Object(PlacePath, strict),
    output: Done,
    access: "anyone",
    errors: ["unauthenticated", "forbidden", "participant_not_found"],
    rest: [{ method: "DELETE", path: PARTICIPANT }],
    async run(context, input) {
      await participations.hangUp(context, place(input));
      return done;
    },
  });
}

function muteOperation(participations: ParticipationService): Operation {
  const on = Type.Optional(Type.Boolean());
  return defineOperation({
    name: "rooms.mute",
    kind: "write",
    summary: "Silences a participant's sources or opens them; chooses what oneself receives",
    input: Type.Object(
      { ...PlacePath, audio: on, video: on, screen: on, ...ReceiveFields },
      strict,
    ),
    output: Type.Object({ participant_id: Type.String(), muted: Type.Array(SourceName) }),
    access: "anyone",
    errors: ["unauthenticated", "forbidden", "muted_by_moderator", "participant_not_found"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "PATCH", path: PARTICIPANT }],
    async run(context, input) {
      const { audio, video, screen } = input;
      const wishes = receiveWishes(input);
      if (wishes) participations.own(context.caller, place(input)).setWishes(wishes);
      const muted = await participations.mute(context, place(input), { audio, video, screen });
      return { participant_id: input.participant_id, muted: [...muted] };
    },
  });
}

function slots(most: number) {
  return Type.Integer({ minimum: 0, maximum: most });
}
