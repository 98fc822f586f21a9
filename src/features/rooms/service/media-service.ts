/** The media of one's participation, beyond joining and leaving. */

import type { Context } from "../../../core/context.ts";
import type { OfferData } from "../events.ts";
import { type IceConfig, type IceServer, iceServersFor } from "../runtime/ice-servers.ts";
import { type ParticipantStats, type RoomTotals, totalsOf } from "../runtime/room-stats.ts";
import type { ParticipationService, Place } from "./participation-service.ts";
import type { RoomsService } from "./rooms-service.ts";

export interface RestartAnswer {
  readonly offer: OfferData;
  /** With credentials that are good for as long as those of a join. */
  readonly iceServers: IceServer[];
}

export interface MediaServiceParts {
  readonly rooms: RoomsService;
  readonly participations: ParticipationService;
  readonly ice: IceConfig;
}

export class MediaService {
  readonly #rooms: RoomsService;
  readonly #participations: ParticipationService;
  readonly #ice: IceConfig;

  constructor(parts: MediaServiceParts) {
    this.#rooms = parts.rooms;
    this.#participations = parts.participations;
    this.#ice = parts.ice;
  }

  /** What flows in a room now. Error: 404 for a room one may not see. */
  async stats(context: Context, roomId: string) {
    const counts = await this.#rooms.stats(context, roomId);
    const live = this.#rooms.live.get(roomId);
    const measured = live ? await live.stats() : { ...totalsOf([]), items: [] };
    return { ...measured, ...counts, consumers: measured.consumers };
  }

  /** Of all rooms, one after another: it may take a while where there are many. */
  async totals(): Promise<RoomTotals & { readonly rooms: number }> {
    const items: ParticipantStats[] = [];
    const { rooms } = this.#rooms.live;
    for (const live of rooms) items.push(...(await live.stats()).items);
    return { rooms: rooms.length, ...totalsOf(items) };
  }

  /** Errors: those of `ParticipationService.own`, 503 `media_unavailable`. */
  async restartIce(context: Context, place: Place): Promise<RestartAnswer> {
    const participant = this.#participations.own(context.caller, place);
    const offer = await participant.restartIce();
    const iceServers = iceServersFor(this.#ice, participant.id, context.clock.now());
    return { offer, iceServers };
  }
}
