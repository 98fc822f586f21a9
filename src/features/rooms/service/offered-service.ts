/**
 * Clients that offer by themselves: WHIP (RFC 9725) brings media into a room, WHEP plays one. Each
 * is a participant like any other, without a channel.
 */

import { assert, fail } from "../../../base/errors.ts";
import { type Caller, unauthenticated } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { MediaPeer, MediaRoom } from "../../../infra/media/engine.ts";
import { playSections, readPlayOffer, readPublishOffer } from "../../../tools/sdp/client-offer.ts";
import type { OfferSection, SendSection } from "../../../tools/sdp/sections.ts";
import type { MediaKind, TransportParameters } from "../../../tools/sdp/types.ts";
import { writeAnswer } from "../../../tools/sdp/writer.ts";
import { type IceConfig, type IceServer, iceServersFor } from "../runtime/ice-servers.ts";
import { connectionLost } from "../runtime/live-room.ts";
import type { OfferedMedia, Participant } from "../runtime/participant.ts";
import type { ParticipationService, Place } from "./participation-service.ts";
import type { RoomsService } from "./rooms-service.ts";

export interface OfferInput {
  readonly roomId: string;
  readonly sdp: string;
}

/** What a client's offer led to. */
export interface OfferedSession {
  readonly participantId: string;
  readonly sdp: string;
  /** Names the ICE session: another one after each restart. */
  readonly iceId: string;
  readonly iceServers: readonly IceServer[];
}

export interface OfferedServiceParts {
  readonly rooms: RoomsService;
  readonly participations: ParticipationService;
  readonly ice: IceConfig;
}

/** Nothing is received, and nothing sent, beyond what the offer says. */
const NO_SLOTS = { audio: 0, video: 0 };

export class OfferedService {
  readonly #parts: OfferedServiceParts;

  constructor(parts: OfferedServiceParts) {
    this.#parts = parts;
  }

  /** Errors: 401 for guests, those of a join, 400 `invalid_sdp`, 403 `publish_forbidden`. */
  publish(context: Context, { roomId, sdp }: OfferInput): Promise<OfferedSession> {
    const input = { roomId, receive: NO_SLOTS, publish: ["audio", "video"] as const };
    return this.#join(context, input, async (participant, media) => {
      const kinds = participant.plan.publish.filter((source) => source !== "screen");
      if (kinds.length === 0) {
        throw fail.forbidden("publish_forbidden", "You may not send anything in this room.");
      }
      const offer = readPublishOffer(sdp, media.capabilities, kinds as readonly MediaKind[]);
      const peer = await media.createPeer(participant.id, { channel: false });
      const { dtls, published, sections } = offer;
      return { peer, sections, media: { dtls, published, receive: [] } };
    });
  }

  /** Errors: those of `publish` but the last. */
  play(context: Context, { roomId, sdp }: OfferInput): Promise<OfferedSession> {
    const input = { roomId, receive: { audio: 1, video: 1 }, publish: [] };
    return this.#join(context, input, async (participant, media) => {
      const offer = readPlayOffer(sdp, media.capabilities);
      const { dtls, payloadTypes } = offer;
      const peer = await media.createPeer(participant.id, { channel: false, payloadTypes });
      const sections = playSections(offer, peer.capabilities);
      const receive = sections.filter((section): section is SendSection => section.type === "send");
      const codecs = receive.flatMap(({ capabilities }) => capabilities.codecs);
      peer.acceptCodecs([...new Set(codecs.map((codec) => codec.mimeType.toLowerCase()))], false);
      return { peer, sections, media: { dtls, published: [], receive } };
    });
  }

  /** The ICE session there is. Errors: 401, 403, 404. */
  iceId(caller: Caller, place: Place): string {
    return iceIdOf(this.#own(caller, place).transport);
  }

  /** New credentials for the server's end. Errors: 401, 403, 404, 503. */
  async restartIce(
    context: Context,
    place: Place,
  ): Promise<{ readonly transport: TransportParameters; readonly iceId: string }> {
    const transport = await this.#own(context.caller, place).restartOwnIce();
    return { transport, iceId: iceIdOf(transport) };
  }

  /** Errors: 401, 403, 404. */
  end(context: Context, place: Place): void {
    const participant = this.#own(context.caller, place);
    this.#parts.rooms.live.get(place.roomId)?.leave(participant, "left");
  }

  #own(caller: Caller, place: Place): Participant {
    return this.#parts.participations.own(caller, place);
  }

  async #join(
    context: Context,
    input: Parameters<ParticipationService["admit"]>[1],
    connect: (participant: Participant, media: MediaRoom) => Promise<Connection>,
  ): Promise<OfferedSession> {
    const { caller, clock } = context;
    if (caller.kind === "guest") throw unauthenticated();
    const { rooms, participations, ice } = this.#parts;
    const { room, joining } = await participations.admit(context, input);
    const joined = await rooms.live.join(room, joining, async (participant, media) => {
      const made = await connect(participant, media);
      const { peer } = made;
      if (participant.closed || media.closed) {
        peer.close();
        throw connectionLost();
      }
      await participant.accept(peer, made.media);
      return { transport: peer.transport, sections: made.sections };
    });
    const { transport, sections } = joined.connection;
    return {
      participantId: joined.participant.id,
      sdp: writeAnswer({ sessionId: `${clock.now()}`, version: 1, transport, sections }),
      iceId: iceIdOf(transport),
      iceServers: iceServersFor(ice, joined.participant.id, clock.now()),
    };
  }
}

interface Connection {
  readonly peer: MediaPeer;
  readonly media: OfferedMedia;
  /** Of the answer. */
  readonly sections: readonly OfferSection[];
}

function iceIdOf(transport: TransportParameters | undefined): string {
  assert(transport, "a client that offered leaves with its connection");
  return transport.ice.usernameFragment;
}
