/** What is said in a room: on the data channel, whose wire adds the place, and over REST. */

import { Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import type { Caller } from "../../../core/access.ts";
import { defineOperation, type Operation } from "../../../core/operation.ts";
import type { ParticipationService } from "../service/participation-service.ts";
import { Done, done, type PlaceInput, PlacePath, place, RoomPath, strict } from "./shapes.ts";

export function eventOperations(participations: ParticipationService): Operation[] {
  return [
    chatOperation(participations),
    reactionOperation(participations),
    customOperation(participations),
    locationOperation(participations),
  ];
}

/** For those who act as the participant in the path. */
export function ownBy(participations: ParticipationService) {
  return (caller: Caller, input: PlaceInput) => void participations.own(caller, place(input));
}

function chatOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.chat",
    kind: "write",
    summary: "Says something to everyone in the room",
    input: Type.Object(
      {
        ...PlacePath,
        message: Type.String({ minLength: 1, maxLength: LIMITS.chatMessageCharsMax }),
      },
      strict,
    ),
    output: Done,
    access: ownBy(participations),
    errors: ["participant_not_found"],
    frame: "chat",
    rest: [],
    async run(context, input) {
      participations.chat(context, place(input), input.message);
      return done;
    },
  });
}

function reactionOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.react",
    kind: "write",
    summary: "Shows everyone in the room a reaction",
    input: Type.Object(
      { ...PlacePath, type: Type.String({ minLength: 1, maxLength: LIMITS.reactionCharsMax }) },
      strict,
    ),
    output: Done,
    access: ownBy(participations),
    errors: ["participant_not_found"],
    frame: "reaction",
    rest: [],
    async run(context, input) {
      participations.react(context, place(input), input.type);
      return done;
    },
  });
}

function customOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.event",
    kind: "write",
    summary: "Sends an event of a name of one's own to the room, or to one participant (`to`)",
    input: Type.Object(
      {
        ...PlacePath,
        type: Type.String({ maxLength: 64 }),
        data: Type.Record(Type.String(), Type.Unknown()),
      },
      strict,
    ),
    output: Done,
    access: ownBy(participations),
    errors: ["participant_not_found", "unknown_type", "invalid_event", "frame_too_large"],
    // Every frame whose type is no other operation's.
    frame: "*",
    rest: [],
    async run(_context, input) {
      participations.event(_context, place(input), { type: input.type, data: input.data });
      return done;
    },
  });
}

const Metres = Type.Optional(Type.Number({ minimum: 0, maximum: 100_000_000 }));

const LocationShape = Type.Object(
  {
    point: Type.Object(
      {
        lat: Type.Number({ minimum: -90, maximum: 90 }),
        lng: Type.Number({ minimum: -180, maximum: 180 }),
      },
      strict,
    ),
    accuracy: Metres,
    altitude: Type.Optional(Type.Number({ minimum: -100_000, maximum: 100_000_000 })),
    /** Metres a second. */
    speed: Metres,
    /** Degrees from north, clockwise. */
    heading: Type.Optional(Type.Number({ minimum: 0, maximum: 360 })),
  },
  strict,
);

function locationOperation(participations: ParticipationService): Operation {
  return defineOperation({
    name: "rooms.broadcastLocation",
    kind: "write",
    summary: "Shows everyone in the room where one is",
    input: Type.Object({ ...RoomPath, location: LocationShape }, strict),
    output: Done,
    access: "anyone",
    limit: {
      name: "rooms.broadcastLocation",
      count: LIMITS.roomLocationsPerMinute,
      windowMs: 60_000,
    },
    errors: ["unauthenticated", "not_in_room"],
    bodyBytesMax: LIMITS.signallingBodyBytesMax,
    rest: [{ method: "POST", path: "/api/rooms/:room_id/broadcast-location" }],
    async run(context, { room_id: roomId, location }) {
      participations.broadcastLocation(context, roomId, location);
      return done;
    },
  });
}
