/**
 * What rooms tell: messages to those inside, on the data channel or the signalling stream, and
 * events on the bus for everything else in the server.
 *
 * A newcomer whose channel opens is told the state of the room in the words of its changes:
 * `participant_joined` and `track_published` for those present, `slots`, then the latest chat.
 */

import type { Audience, NewEvent } from "../../core/context.ts";
import { type Codec, encodeFrame, type Frame } from "../../tools/codec.ts";
import type { Source } from "../../tools/sdp/sections.ts";
import type { MemberRole } from "./schema.ts";

/** Bus topics. */
export const ROOMS_TOPIC = "rooms";
export const REACTIONS_TOPIC = "reactions";

/** Why somebody is no longer in a room. */
export type LeaveReason =
  | "left"
  | "kicked"
  | "banned"
  /** The connection was lost and did not come back within the grace. */
  | "connection_lost"
  /** Never answered the offer, or the connection never came up. */
  | "timeout"
  | "membership_ended"
  | "token_expired"
  | "token_revoked"
  /** Ten bad frames in a row. */
  | "protocol_error"
  /** The media engine could not make a connection. */
  | "media_failed"
  | "room_closed";

/** How the end of a membership shows to those in the room. */
export type MembershipEnd = Extract<LeaveReason, "left" | "banned" | "membership_ended">;

export type CloseReason = "closed" | "deleted" | "server_stopping" | "media_unavailable";

/**
 * slots: sections without an owner, which show others as the server chooses. tracks: a section for
 * each remote track.
 */
export type ReceiveMode = "slots" | "tracks";

export interface SlotState {
  /** The section of the client's connection. */
  readonly mid: string;
  /** Null: the section shows nobody. */
  readonly participant_id: string | null;
  readonly source: Source | null;
}

interface Sender {
  /** The user id; null: a guest. */
  readonly from: string | null;
  readonly participant_id: string;
}

export interface OfferData {
  readonly offer_id: string;
  readonly sdp: string;
  /** The connection is gone on the server's side: the offer is for a new RTCPeerConnection. */
  readonly reset?: true;
}

export type RoomEvent =
  | {
      readonly type: "participant_joined";
      readonly data: {
        participant_id: string;
        user_id: string | null;
        name: string;
        role: MemberRole;
      };
    }
  | {
      readonly type: "participant_left";
      readonly data: { participant_id: string; user_id: string | null; reason: LeaveReason };
    }
  | {
      readonly type: "track_published" | "track_unpublished";
      readonly data: { participant_id: string; source: Source };
    }
  /** Every section for remote tracks, empty ones too. */
  | { readonly type: "slots"; readonly data: { slots: readonly SlotState[] } }
  | { readonly type: "offer"; readonly data: OfferData }
  /** Who speaks now, loudest. Nothing tells of silence. */
  | { readonly type: "active_speaker"; readonly data: { participant_id: string } }
  /** One's own: there are more tracks than sections may be. `slots` follows. */
  | {
      readonly type: "mode_changed";
      readonly data: { mode: ReceiveMode; reason: "too_many_tracks" };
    }
  /** The picture in one's own section is sent in other layers; null: not at all. */
  | {
      readonly type: "layers_changed";
      readonly data: {
        mid: string;
        participant_id: string;
        source: Source;
        spatial: number | null;
        temporal: number | null;
      };
    }
  | {
      readonly type: "chat";
      readonly data: Sender & { name: string; message: string; id: string };
    }
  | { readonly type: "reaction"; readonly data: Sender & { type: string } }
  | { readonly type: "location"; readonly data: Sender & { location: unknown } }
  /** The source is silent by its owner's or a moderator's wish, though it stays published. */
  | {
      readonly type: "muted" | "unmuted";
      readonly data: { participant_id: string; source: Source };
    }
  | { readonly type: "role_changed"; readonly data: { user_id: string; role: MemberRole } }
  | { readonly type: "room_closed"; readonly data: { reason: CloseReason } };

/** An event that clients made up; the server adds who it is from. */
export interface CustomEvent {
  /** `isCustomName` */
  readonly type: string;
  readonly data: Sender & Readonly<Record<string, unknown>>;
}

/** Names that are the server's own, or will be: clients cannot make up events called so. */
const RESERVED: ReadonlySet<string> = new Set([
  "active_speaker",
  "answer",
  "auth",
  "candidate",
  "chat",
  "error",
  "hello",
  "layers_changed",
  "location",
  "mode_changed",
  "muted",
  "offer",
  "participant_joined",
  "participant_left",
  "ping",
  "pong",
  "reaction",
  "request",
  "response",
  "role_changed",
  "room_closed",
  "slots",
  "track_published",
  "track_unpublished",
  "unmuted",
]);

const CUSTOM_NAME = /^[a-zA-Z][\w.-]{0,63}$/;

export function isCustomName(type: string): boolean {
  return CUSTOM_NAME.test(type) && !RESERVED.has(type);
}

export interface Envelope {
  readonly type: string;
  readonly room_id: string;
  readonly data: unknown;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** A message to any number of clients, encoded at most once in each codec. */
export class RoomMessage {
  readonly envelope: Envelope;
  readonly #frames: { msgpack?: Frame; json?: Frame } = {};

  constructor(envelope: Envelope) {
    this.envelope = envelope;
  }

  frame(codec: Codec): Frame {
    this.#frames[codec] ??= encodeFrame(codec, this.envelope);
    return this.#frames[codec];
  }
}

/** Who may hear of a room on the bus. */
export interface RoomAudience {
  readonly isPublic: boolean;
  readonly userIds: readonly string[];
}

export function audienceOf(room: RoomAudience): Audience {
  return room.isPublic ? { to: "everyone" } : { to: "users", ids: [...new Set(room.userIds)] };
}

/** A domain event of the topic `rooms`. */
export function roomFact(
  type: "room_created" | "room_closed" | "participant_joined" | "participant_left",
  payload: Readonly<Record<string, unknown>> & { readonly room_id: string },
  audience: Audience,
): NewEvent {
  return { topic: ROOMS_TOPIC, type, payload, audience };
}

/** Somebody's membership no longer lets them in; for the server's own ears. */
export function membershipEnded(payload: {
  readonly room_id: string;
  readonly user_id: string;
  readonly reason: MembershipEnd;
}): NewEvent {
  return { topic: ROOMS_TOPIC, type: "membership_ended", payload, audience: { to: "nobody" } };
}

/** A member is something else in the room than before. */
export function roleChanged(
  payload: { readonly room_id: string; readonly user_id: string; readonly role: MemberRole },
  audience: Audience,
): NewEvent {
  return { topic: ROOMS_TOPIC, type: "role_changed", payload, audience };
}

export interface Person {
  readonly id: string;
  readonly userId: string | null;
  readonly name: string;
  readonly role: MemberRole;
}

/** How somebody is introduced to the others. */
export function introduction(person: Person) {
  return { ...personData(person), role: person.role };
}

/** The public words for a participant, in events and answers alike. */
export function personData(person: Person) {
  return { participant_id: person.id, user_id: person.userId, name: person.name };
}
