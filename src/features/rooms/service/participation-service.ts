/** Taking part: joining, signalling, talking, leaving, removing others. */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { type Caller, unauthenticated } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { Stream } from "../../../core/session.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import { personData, REACTIONS_TOPIC, type SlotState } from "../events.ts";
import { type IceConfig, type IceServer, iceServersFor } from "../runtime/ice-servers.ts";
import type { OfferPlan } from "../runtime/offer-plan.ts";
import type { Participant } from "../runtime/participant.ts";
import type { PublishResult } from "../runtime/publications.ts";
import { type Member, ROOM_SOURCES, type Room } from "../schema.ts";
import { requireKick } from "./rights.ts";
import type { PageInput, RoomsService } from "./rooms-service.ts";

export interface JoinInput {
  readonly roomId: string;
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
  mode: "slots";
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
    const { caller, clock, ids } = context;
    const room = await this.#rooms.find(context, input.roomId);
    const { userId, member } = await this.#rooms.admit(context, room);
    const role = (await this.#rooms.roleOf(context, room, userId)) ?? "participant";
    const name = caller.kind === "user" ? caller.name : "";
    const plan = offerPlan(room, input, member);
    const id = ids.record();
    const joined = await this.#rooms.live.join(room, { id, caller, userId, name, role, plan });
    const { participant, token, offer } = joined;
    return {
      participant_id: participant.id,
      participant_token: token,
      offer_id: offer.offer_id,
      sdp: { type: "offer", sdp: offer.sdp },
      mode: "slots",
      slots: participant.slots,
      ice_servers: iceServersFor(this.#ice, participant.id, clock.now()),
    };
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
    if (!target.isOwn(caller)) {
      const room = await this.#rooms.find(context, roomId);
      const actor = await this.#rooms.actor(context, room, caller);
      // Asked now, not as of the join: roles change while people talk.
      const role = await this.#rooms.roleOf(context, room, target.userId);
      requireKick(actor, role ?? "participant");
    }
    const reason = target.isOwn(caller) ? "left" : "kicked";
    this.#rooms.live.get(roomId)?.leave(target, reason);
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
}

/** What the room's type carries, the member may send, and the client asked for. */
function offerPlan(room: Room, input: JoinInput, member: Member | undefined): OfferPlan {
  const { audio, video } = { ...RECEIVE_DEFAULT, ...input.receive };
  const carried = ROOM_SOURCES[room.roomType];
  const permitted = member?.publish ?? carried;
  const wanted = input.publish ?? carried;
  return {
    publish: carried.filter((source) => permitted.includes(source) && wanted.includes(source)),
    receive: {
      audio: carried.includes("audio") ? Math.min(audio, LIMITS.receiveAudioSlotsMax) : 0,
      video: carried.includes("video") ? Math.min(video, LIMITS.receiveVideoSlotsMax) : 0,
    },
  };
}
