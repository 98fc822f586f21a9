/** What the server answers, read from unknown JSON. What does not fit is a ProtocolError. */

export type Json = Readonly<Record<string, unknown>>;
export type Source = "audio" | "video" | "screen";
export type RoomType = "video" | "audio" | "data";
export type JoinType = "free" | "require_approval" | "paid_period" | "paid_lifetime";
export type MemberRole = "owner" | "admin" | "participant";
export type MemberStatus = "pending" | "active" | "rejected" | "banned" | "expired";

/** The server (or something between) answered what this library does not understand. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface RoomSummary {
  readonly id: string;
  readonly type: RoomType;
  readonly name: string;
  readonly isPublic: boolean;
  /** The owner's user id; null: nobody owns it. */
  readonly owner: string | null;
  /** How many take part now. */
  readonly participants: number;
  readonly joinType: JoinType;
  /** What one is to the room; undefined: nothing, or the answer did not say. */
  readonly membership: Membership | undefined;
}

export interface Membership {
  readonly memberId: string;
  readonly role: MemberRole;
  readonly status: MemberStatus;
}

export interface Member extends Membership {
  readonly userId: string;
  /** Of the account; may be empty. */
  readonly name: string;
}

/** Where somebody is; `accuracy` and `altitude` in metres, `speed` in metres a second. */
export interface RoomLocation {
  readonly point: { readonly lat: number; readonly lng: number };
  readonly accuracy?: number;
  readonly altitude?: number;
  readonly speed?: number;
  /** Degrees from north, clockwise. */
  readonly heading?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly perPage: number;
  readonly totalItems: number;
  readonly totalPages: number;
}

export interface ParticipantInfo {
  readonly id: string;
  /** Null: a guest. */
  readonly userId: string | null;
  /** Empty: no name is known. */
  readonly name: string;
  readonly role: MemberRole;
  /** Sources that are silent by the participant's or a moderator's wish. */
  readonly muted: readonly Source[];
}

export interface Offer {
  readonly offerId: string;
  readonly sdp: string;
  /** The connection behind the earlier offers is gone: this one is for a new RTCPeerConnection. */
  readonly reset: boolean;
}

export interface PublishedSource {
  readonly mid: string;
  readonly source: Source;
}

export interface RejectedSource extends PublishedSource {
  readonly reason: string;
}

export interface Participation {
  readonly participantId: string;
  readonly token: string;
  readonly offer: Offer;
  readonly iceServers: readonly IceServer[];
}

export interface IceServer {
  readonly urls: string | string[];
  readonly username?: string;
  readonly credential?: string;
}

/** One event of a room as it is on the wire; `timestamp` in Unix seconds. */
export interface RoomEvent {
  readonly type: string;
  readonly room_id: string;
  readonly data: Json;
  readonly timestamp: number;
}

export function asObject(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new ProtocolError(`${what}: expected an object`);
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProtocolError(`${what}: expected a list`);
}

export function asText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new ProtocolError(`${what}: expected text`);
}

const textOr = <T>(value: unknown, otherwise: T): string | T =>
  typeof value === "string" && value !== "" ? value : otherwise;
const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;

const JOIN_TYPES = ["free", "require_approval", "paid_period", "paid_lifetime"] as const;
const ROLES = ["owner", "admin", "participant"] as const;
const STATUSES = ["pending", "active", "rejected", "banned", "expired"] as const;

function oneOf<const T extends string>(values: readonly T[], value: unknown): T | undefined {
  return values.find((candidate) => candidate === value);
}

export function asSource(value: unknown): Source | undefined {
  return value === "audio" || value === "video" || value === "screen" ? value : undefined;
}

export function readUser(value: unknown): User {
  const user = asObject(value, "user");
  return {
    id: asText(user.id, "user.id"),
    name: textOr(user.name, ""),
    email: textOr(user.email, ""),
  };
}

export function readRoom(value: unknown): RoomSummary {
  const room = asObject(value, "room");
  const type = room.room_type;
  if (type !== "video" && type !== "audio" && type !== "data") {
    throw new ProtocolError("room.room_type: expected video, audio or data");
  }
  return {
    id: asText(room.room_id, "room.room_id"),
    type,
    name: textOr(room.name, ""),
    isPublic: room.is_public !== false,
    owner: textOr(room.owner, null),
    participants: numberOr(room.participants, 0),
    joinType: oneOf(JOIN_TYPES, room.join_type) ?? "free",
    membership: room.membership ? readMembership(room.membership) : undefined,
  };
}

export function readMembership(value: unknown): Membership {
  const member = asObject(value, "membership");
  return {
    memberId: asText(member.member_id, "membership.member_id"),
    role: asRole(member.role),
    status: oneOf(STATUSES, member.status) ?? "pending",
  };
}

export function readMember(value: unknown): Member {
  const member = asObject(value, "member");
  return {
    ...readMembership(value),
    userId: asText(member.user_id, "member.user_id"),
    name: textOr(member.name, ""),
  };
}

/** A role that is not known gives no right. */
export function asRole(value: unknown): MemberRole {
  return oneOf(ROLES, value) ?? "participant";
}

export function readPage<T>(value: unknown, readItem: (item: unknown) => T): Page<T> {
  const page = asObject(value, "page");
  const items = asList(page.items, "page.items").map(readItem);
  return {
    items,
    page: numberOr(page.page, 1),
    perPage: numberOr(page.perPage, items.length),
    totalItems: numberOr(page.totalItems, items.length),
    totalPages: numberOr(page.totalPages, 1),
  };
}

export function readParticipant(value: unknown): ParticipantInfo {
  const participant = asObject(value, "participant");
  return {
    id: asText(participant.participant_id, "participant.participant_id"),
    userId: textOr(participant.user_id, null),
    name: textOr(participant.name, ""),
    role: asRole(participant.role),
    muted: asList(participant.muted ?? [], "participant.muted").flatMap((of) => asSource(of) ?? []),
  };
}

/** `data` of an offer event. */
export function readOffer(value: unknown): Offer {
  const offer = asObject(value, "offer");
  return {
    offerId: asText(offer.offer_id, "offer.offer_id"),
    sdp: asText(offer.sdp, "offer.sdp"),
    reset: offer.reset === true,
  };
}

/** The answer of an ICE restart. */
export function readRestart(value: unknown): Offer {
  const answer = asObject(value, "ice-restart");
  const sdp = asObject(answer.sdp, "ice-restart.sdp");
  return {
    offerId: asText(answer.offer_id, "ice-restart.offer_id"),
    sdp: asText(sdp.sdp, "ice-restart.sdp.sdp"),
    reset: false,
  };
}

/** The answer of a join. */
export function readParticipation(value: unknown): Participation {
  const answer = asObject(value, "join");
  const sdp = asObject(answer.sdp, "join.sdp");
  return {
    participantId: asText(answer.participant_id, "join.participant_id"),
    token: asText(answer.participant_token, "join.participant_token"),
    offer: {
      offerId: asText(answer.offer_id, "join.offer_id"),
      sdp: asText(sdp.sdp, "join.sdp.sdp"),
      reset: false,
    },
    iceServers: asList(answer.ice_servers ?? [], "join.ice_servers").map(readIceServer),
  };
}

function readIceServer(value: unknown): IceServer {
  const server = asObject(value, "ice server");
  const urls = server.urls;
  const username = server.username;
  const credential = server.credential;
  return {
    urls: Array.isArray(urls)
      ? urls.map((url) => asText(url, "ice server url"))
      : asText(urls, "ice server urls"),
    ...(typeof username === "string" ? { username } : {}),
    ...(typeof credential === "string" ? { credential } : {}),
  };
}

/** What of an answer was taken, what not and why. Sources not known here are left out. */
export function readPublished(value: unknown): {
  readonly published: readonly PublishedSource[];
  readonly rejected: readonly RejectedSource[];
} {
  const result = asObject(value, "answer");
  return {
    published: asList(result.published ?? [], "answer.published").flatMap(readPublishedSource),
    rejected: asList(result.rejected ?? [], "answer.rejected").flatMap((entry) =>
      readPublishedSource(entry).map((source) => ({
        ...source,
        reason: textOr(asObject(entry, "rejected").reason, "rejected"),
      })),
    ),
  };
}

function readPublishedSource(value: unknown): PublishedSource[] {
  const entry = asObject(value, "published");
  const source = asSource(entry.source);
  return source ? [{ mid: asText(entry.mid, "published.mid"), source }] : [];
}

export function readEvent(value: unknown): RoomEvent {
  const event = asObject(value, "event");
  return {
    type: asText(event.type, "event.type"),
    room_id: textOr(event.room_id, ""),
    data: asObject(event.data ?? {}, "event.data"),
    timestamp: numberOr(event.timestamp, 0),
  };
}
