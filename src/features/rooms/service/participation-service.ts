/** Taking part: joining, signalling, talking, leaving, removing others. */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { type Caller, unauthenticated } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { Stream } from "../../../core/session.ts";
import { parseJson } from "../../../core/wire.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import {
  isCustomName,
  personData,
  REACTIONS_TOPIC,
  type ReceiveMode,
  type SlotState,
} from "../events.ts";
import { type IceConfig, type IceServer, iceServersFor } from "../runtime/ice-servers.ts";
import type { NewJoining } from "../runtime/live-rooms.ts";
import type { OfferPlan } from "../runtime/offer-plan.ts";
import type { Participant } from "../runtime/participant.ts";
import type { PublishResult } from "../runtime/publications.ts";
import { type Member, ROOM_SOURCES, type Room } from "../schema.ts";
import { requireAction } from "./member-actions.ts";
import type { PageInput, RoomsService } from "./rooms-service.ts";

export interface JoinInput {
  readonly roomId: string;
  readonly mode?: ReceiveMode;
  readonly publish?: readonly Source[];
  readonly receive?: { readonly audio?: number; readonly video?: number };
}

/** Names one participation. */
export interface Place {
  readonly roomId: string;
  readonly participantId: string;
}

export interface JoinAnswer {
  participant_id: string;
  participant_token: string;
  offer_id: string;
  sdp: { type: "offer"; sdp: string };
  mode: ReceiveMode;
  slots: SlotState[];
  ice_servers: IceServer[];
}

const RECEIVE_DEFAULT = { audio: 4, video: 9 };

export class ParticipationService {
  readonly #rooms: RoomsService;
  readonly #ice: IceConfig;

  constructor(rooms: RoomsService, ice: IceConfig) {
    this.#rooms = rooms;
    this.#ice = ice;
  }

  /** Errors: 404, those of `RoomsService.admit` and `LiveRooms.join`. */
  async join(context: Context, input: JoinInput): Promise<JoinAnswer> {
    const { room, joining } = await this.admit(context, input);
    const joined = await this.#rooms.live.join(room, joining, (newcomer, media) =>
      this.#rooms.live.connect(newcomer, media),
    );
    const { participant, token, connection: offer } = joined;
    const { clock } = context;
    return {
      participant_id: participant.id,
      participant_token: token,
      offer_id: offer.offer_id,
      sdp: { type: "offer", sdp: offer.sdp },
      mode: participant.mode,
      slots: participant.slots,
      ice_servers: iceServersFor(this.#ice, participant.id, clock.now()),
    };
  }

  /** Who the caller of a join is in the room. Errors: 404, those of `RoomsService.admit`. */
  async admit(
    context: Context,
    input: JoinInput,
  ): Promise<{ readonly room: Room; readonly joining: NewJoining }> {
    const { caller, ids } = context;
    const room = await this.#rooms.find(context, input.roomId);
    const { userId, member } = await this.#rooms.admit(context, room);
    const role = (await this.#rooms.roleOf(context, room, userId)) ?? "participant";
    const name = caller.kind === "user" ? caller.name : "";
    const plan = offerPlan(room, input, member);
    return { room, joining: { id: ids.record(), caller, userId, name, role, plan } };
  }

  /** Those present, in the order of their joining. Error: 404 for a room one may not see. */
  async list(context: Context, roomId: string, { page, perPage }: PageInput) {
    await this.#rooms.visible(context, roomId);
    const live = this.#rooms.live.get(roomId)?.participants ?? [];
    const present = live.filter(({ announced }) => announced);
    const offset = (page - 1) * perPage;
    const items = present.slice(offset, offset + perPage).map((participant) => ({
      ...personData(participant),
      role: participant.role,
      sources: participant.sources,
      muted: [...participant.muted],
      joined_at: new Date(participant.joinedAt).toISOString(),
    }));
    const totalItems = present.length;
    return { items, page, perPage, totalItems, totalPages: Math.ceil(totalItems / perPage) };
  }

  /**
   * The caller's own participation. Errors: 401, 404 `participant_not_found`, 403 `forbidden` for
   * somebody else's.
   */
  own(caller: Caller, { roomId, participantId }: Place): Participant {
    if (caller.kind === "guest") throw unauthenticated();
    const participant = this.#rooms.live.participant(roomId, participantId);
    if (!participant.isOwn(caller)) {
      throw fail.forbidden("forbidden", "This is somebody else's participation.");
    }
    participant.renew(caller);
    return participant;
  }

  answer(
    context: Context,
    place: Place,
    answer: { readonly sdp: string; readonly offerId: string | undefined },
  ): Promise<PublishResult> {
    return this.own(context.caller, place).answer(answer);
  }

  signal(context: Context, place: Place, stream: Stream): void {
    this.own(context.caller, place).attach(stream);
  }

  /** Oneself leaves; others are removed, by those who may. Errors: 401, 403, 404. */
  async hangUp(context: Context, { roomId, participantId }: Place): Promise<void> {
    const { caller } = context;
    if (caller.kind === "guest") throw unauthenticated();
    const target = this.#rooms.live.participant(roomId, participantId);
    if (!target.isOwn(caller)) await this.#require(context, target, { roomId, action: "kick" });
    const reason = target.isOwn(caller) ? "left" : "kicked";
    this.#rooms.live.get(roomId)?.leave(target, reason);
  }

  /**
   * Opens (true) or silences (false) sources: one's own, or another's by those who may. Returns all
   * that are silent. Errors: 401, 403 `forbidden`, `muted_by_moderator`, 404.
   */
  async mute(
    context: Context,
    { roomId, participantId }: Place,
    wishes: Readonly<Partial<Record<Source, boolean | undefined>>>,
  ): Promise<readonly Source[]> {
    const { caller } = context;
    if (caller.kind === "guest") throw unauthenticated();
    const target = this.#rooms.live.participant(roomId, participantId);
    const isOwn = target.isOwn(caller);
    if (!isOwn) await this.#require(context, target, { roomId, action: "mute" });
    for (const source of ["audio", "video", "screen"] as const) {
      const on = wishes[source];
      if (on === undefined) continue;
      if (isOwn) target.setMuted({ source, muted: !on, by: "self" });
      else this.#rooms.live.get(roomId)?.moderate(target, { source, muted: !on });
    }
    return target.muted;
  }

  /** Roles count as of now, not as of the join: they change while people talk. */
  async #require(
    context: Context,
    target: Participant,
    { roomId, action }: { readonly roomId: string; readonly action: "mute" | "kick" },
  ): Promise<void> {
    const room = await this.#rooms.find(context, roomId);
    const actor = await this.#rooms.actor(context, room, context.caller);
    const role = await this.#rooms.roleOf(context, room, target.userId);
    requireAction(actor, action, role ?? "participant");
  }

  chat(context: Context, place: Place, message: string): void {
    const participant = this.own(context.caller, place);
    const { id: participant_id, userId: from, name } = participant;
    const data = { from, participant_id, name, message, id: context.ids.record() };
    this.#rooms.live.get(place.roomId)?.say({ type: "chat", data });
  }

  react(context: Context, place: Place, type: string): void {
    const participant = this.own(context.caller, place);
    const live = this.#rooms.live.get(place.roomId);
    if (!live) return;
    const data = { from: participant.userId, participant_id: participant.id, type };
    live.say({ type: "reaction", data });
    const payload = { room_id: place.roomId, ...data };
    context.emit({ topic: REACTIONS_TOPIC, type: "reaction", payload, audience: live.audience });
  }

  /**
   * An event of a name of the client's own, to everybody, or where `to` names a participant to that
   * one. Errors: 400 `unknown_type`, `invalid_event`, 404 `participant_not_found`, 413.
   */
  event(
    context: Context,
    place: Place,
    { type, data }: { readonly type: string; readonly data: Readonly<Record<string, unknown>> },
  ): void {
    const participant = this.own(context.caller, place);
    if (!isCustomName(type)) {
      throw fail.invalid("unknown_type", `There is no event type ${type} for clients.`);
    }
    const said = { ...plainJson(data), from: participant.userId, participant_id: participant.id };
    const event = { type, data: said };
    const live = this.#rooms.live.get(place.roomId);
    if (data.to === undefined) live?.say(event);
    else live?.tell(String(data.to), event);
  }

  /** For those who are in the room. Errors: 401, 403 `not_in_room`. */
  broadcastLocation(context: Context, roomId: string, location: unknown): void {
    const { caller } = context;
    if (caller.kind === "guest") throw unauthenticated();
    const live = this.#rooms.live.get(roomId);
    const participant = live?.participants.find((one) => one.announced && one.isOwn(caller));
    if (!live || !participant) {
      throw fail.forbidden("not_in_room", "Join the room first: this is for those in it.");
    }
    const { userId: from, id: participant_id } = participant;
    live.say({ type: "location", data: { from, participant_id, location } });
  }
}

/**
 * What a client made up, as plain JSON: it goes out in other codecs than it came in, and must still
 * fit the channel then. Errors: 400 `invalid_event`, 413 `frame_too_large`.
 */
function plainJson(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = JSON.stringify(data, (_key, value: unknown) => {
      if (ArrayBuffer.isView(value)) throw new TypeError("bytes are no JSON");
      return value;
    });
  } catch {
    throw fail.invalid("invalid_event", "An event's data is what JSON can say.");
  }
  if (Buffer.byteLength(text) > LIMITS.roomEventFrameBytesMax) {
    const kib = LIMITS.roomEventFrameBytesMax / 1024;
    throw fail.too_large("frame_too_large", `An event has at most ${kib} KiB as JSON.`);
  }
  return parseJson(text) as Readonly<Record<string, unknown>>;
}

/** What the room's type carries, the member may send, and the client asked for. */
function offerPlan(room: Room, input: JoinInput, member: Member | undefined): OfferPlan {
  const { audio, video } = { ...RECEIVE_DEFAULT, ...input.receive };
  const carried = ROOM_SOURCES[room.roomType];
  const permitted = member?.publish ?? carried;
  const wanted = input.publish ?? carried;
  return {
    mode: input.mode ?? "slots",
    publish: carried.filter((source) => permitted.includes(source) && wanted.includes(source)),
    receive: {
      audio: carried.includes("audio") ? Math.min(audio, LIMITS.receiveAudioSlotsMax) : 0,
      video: carried.includes("video") ? Math.min(video, LIMITS.receiveVideoSlotsMax) : 0,
    },
  };
}
