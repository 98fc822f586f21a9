/** Belonging to rooms: asked for, decided, handed over, ended. */

import type { ApiClient } from "./api.ts";
import {
  asObject,
  asText,
  type Json,
  type Member,
  type MemberRole,
  type MemberStatus,
  type Membership,
  type Page,
  type RoomSummary,
  readMember,
  readMembership,
  readPage,
  readRoom,
} from "./shapes.ts";

export interface RoomSettings {
  readonly name?: string;
  readonly description?: string;
  readonly isPublic?: boolean;
  /** 0: as many as the server takes. */
  readonly maxParticipants?: number;
  readonly joinType?: "free" | "require_approval";
}

export interface MembersQuery {
  /** Others than active are for the owner and admins. */
  readonly status?: MemberStatus | "all";
  readonly page?: number;
}

/** Every call needs a signed-in user. Error of each: ApiError. */
export class MembersClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** `pending`: the owner or an admin decides. Asking again changes nothing. */
  async requestJoin(roomId: string): Promise<Pick<Membership, "memberId" | "status">> {
    return readMembership(await this.#api.request("POST", `${roomPath(roomId)}/join-request`));
  }

  async list(roomId: string, { status = "active", page = 1 }: MembersQuery = {}) {
    const path = `${roomPath(roomId)}/members?status=${status}&page=${page}`;
    return readPage<Member>(await this.#api.request("GET", path), readMember);
  }

  /** The rooms one belongs to; each has its `membership`. */
  async mine({ status = "active", page = 1 }: MembersQuery = {}): Promise<Page<RoomSummary>> {
    const path = `/api/user/rooms?status=${status}&page=${page}`;
    return readPage(await this.#api.request("GET", path), readRoom);
  }

  /** Also lifts a ban. */
  approve = (memberId: string) => this.#act(memberId, "approve");
  reject = (memberId: string) => this.#act(memberId, "reject");
  ban = (memberId: string) => this.#act(memberId, "ban");
  promote = (memberId: string) => this.#act(memberId, "promote");
  demote = (memberId: string) => this.#act(memberId, "demote");

  /** To an active member; one stays as an admin. */
  async transferOwnership(roomId: string, newOwnerId: string): Promise<RoomSummary> {
    const body = { new_owner_id: newOwnerId };
    const path = `${roomPath(roomId)}/transfer-ownership`;
    return readRoom(await this.#api.request("POST", path, { body }));
  }

  async configure(roomId: string, settings: RoomSettings): Promise<RoomSummary> {
    const path = `${roomPath(roomId)}/settings`;
    return readRoom(await this.#api.request("PATCH", path, { body: settingsBody(settings) }));
  }

  /** Ends one's membership, or takes back the request for it. */
  async leave(roomId: string): Promise<void> {
    await this.#api.request("POST", `${roomPath(roomId)}/leave`);
  }

  async #act(memberId: string, action: string): Promise<Membership> {
    const path = `/api/room-members/${encodeURIComponent(memberId)}/${action}`;
    return readMembership(await this.#api.request("POST", path));
  }
}

export interface Notification {
  readonly id: string;
  /** `join_request`, `room_join_approved` and others. */
  readonly type: string;
  readonly data: Json;
  readonly isRead: boolean;
}

/** What happened that concerns the signed-in user. Error of each call: ApiError. */
export class NotificationsClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** Newest first. */
  async list({ unread = false, page = 1 } = {}): Promise<Page<Notification>> {
    const path = `/api/notifications?unread=${unread}&page=${page}`;
    return readPage(await this.#api.request("GET", path), readNotification);
  }

  /** All of them where none are named. */
  async markRead(ids?: readonly string[]): Promise<void> {
    await this.#api.request("POST", "/api/notifications/read", { body: ids ? { ids } : {} });
  }

  async delete(id: string): Promise<void> {
    await this.#api.request("DELETE", `/api/notifications/${encodeURIComponent(id)}`);
  }
}

/** What a role lets one do to somebody of another role in the room. */
export function mayModerate(own: MemberRole | undefined, other: MemberRole): boolean {
  return own === "owner" || (own === "admin" && other === "participant");
}

/** Settings in the words of the server; what is left out stays as it is. */
export function settingsBody(settings: RoomSettings): Json {
  const { name, description, isPublic, maxParticipants, joinType } = settings;
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(isPublic === undefined ? {} : { is_public: isPublic }),
    ...(maxParticipants === undefined ? {} : { max_participants: maxParticipants }),
    ...(joinType === undefined ? {} : { join_type: joinType }),
  };
}

const roomPath = (roomId: string) => `/api/rooms/${encodeURIComponent(roomId)}`;

function readNotification(value: unknown): Notification {
  const notification = asObject(value, "notification");
  return {
    id: asText(notification.notification_id, "notification.notification_id"),
    type: asText(notification.type, "notification.type"),
    data: asObject(notification.data ?? {}, "notification.data"),
    isRead: notification.read_at !== "",
  };
}
