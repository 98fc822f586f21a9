/** Rooms for clients that speak the media engine's own language: mediasoup-client. */

import { fail } from "../../../base/errors.ts";
import { type Caller, unauthenticated } from "../../../core/access.ts";
import type { Context } from "../../../core/context.ts";
import type { MediaConsumer, MediaEngine, MediaPeer } from "../../../infra/media/engine.ts";
import {
  type GivenCapabilities,
  type GivenParameters,
  readCapabilities,
  readParameters,
} from "../../../tools/sdp/client-parameters.ts";
import type { Source } from "../../../tools/sdp/sections.ts";
import type { DtlsParameters, MediaKind, RtpCapabilities } from "../../../tools/sdp/types.ts";
import type { Direction } from "../runtime/client-transports.ts";
import { type IceConfig, type IceServer, iceServersFor } from "../runtime/ice-servers.ts";
import type { Participant } from "../runtime/participant.ts";
import type { ParticipationService } from "./participation-service.ts";
import type { RoomsService } from "./rooms-service.ts";

export interface ClientMediaServiceParts {
  readonly rooms: RoomsService;
  readonly participations: ParticipationService;
  readonly ice: IceConfig;
  readonly media: MediaEngine | undefined;
}

export interface OpenedTransport {
  readonly participantId: string;
  /** With the transport that began the participation. */
  readonly token: string | undefined;
  readonly peer: MediaPeer;
  readonly iceServers: readonly IceServer[];
}

export interface ProduceInput {
  readonly transportId: string;
  readonly kind: MediaKind;
  readonly source: Source;
  readonly parameters: GivenParameters;
}

export interface ConsumeInput {
  readonly transportId: string;
  readonly participantId: string;
  readonly source: Source;
  readonly capabilities: GivenCapabilities;
}

export class ClientMediaService {
  readonly #parts: ClientMediaServiceParts;
  /** The same for all rooms. */
  #capabilities: RtpCapabilities | undefined;

  constructor(parts: ClientMediaServiceParts) {
    this.#parts = parts;
  }

  /** Errors: 404, 503 `media_unavailable`. */
  async capabilities(context: Context, roomId: string): Promise<RtpCapabilities> {
    const { rooms, media } = this.#parts;
    await rooms.visible(context, roomId);
    if (this.#capabilities) return this.#capabilities;
    if (!media) throw fail.unavailable("media_unavailable", "This server carries no media.");
    const probe = await media.createRoom(context.ids.record());
    this.#capabilities = probe.capabilities;
    probe.close();
    return this.#capabilities;
  }

  /**
   * Opens a transport of the calling participant; anybody else joins by it. Errors: those of a
   * join, 409 `transport_exists`.
   */
  async open(context: Context, roomId: string, direction: Direction): Promise<OpenedTransport> {
    const { caller, clock } = context;
    if (caller.kind !== "participant") return this.#join(context, roomId, direction);
    const participant = this.#participant(caller, roomId);
    const peer = await participant.transports.open(direction);
    const iceServers = iceServersFor(this.#parts.ice, participant.id, clock.now());
    return { participantId: participant.id, token: undefined, peer, iceServers };
  }

  async #join(context: Context, roomId: string, direction: Direction): Promise<OpenedTransport> {
    const { rooms, participations, ice } = this.#parts;
    const { room, joining } = await participations.admit(context, {
      roomId,
      receive: { audio: 0, video: 0 },
    });
    const joined = await rooms.live.join(room, joining, async (newcomer, media) =>
      newcomer.beginTransports(media).open(direction),
    );
    const { participant, token, connection: peer } = joined;
    const iceServers = iceServersFor(ice, participant.id, context.clock.now());
    return { participantId: participant.id, token, peer, iceServers };
  }

  /** Errors: 401, 404, 400 `invalid_sdp`. */
  async connect(
    caller: Caller,
    roomId: string,
    { transportId, dtls }: { readonly transportId: string; readonly dtls: DtlsParameters },
  ): Promise<void> {
    const fingerprints = dtls.fingerprints.map(({ algorithm, value }) => ({
      algorithm,
      value: value.toUpperCase(),
    }));
    const peer = this.#participant(caller, roomId).transports.get(transportId);
    await peer.connect({ role: dtls.role, fingerprints });
  }

  /** Returns the producer's id. Errors: 401, 404, 403 `publish_forbidden`, 409, 400. */
  async produce(caller: Caller, roomId: string, input: ProduceInput): Promise<string> {
    const participant = this.#participant(caller, roomId);
    const { kind, source } = input;
    if (!participant.plan.publish.includes(source)) {
      throw fail.forbidden("publish_forbidden", "You may not send that in this room.");
    }
    if ((source === "audio") !== (kind === "audio")) {
      throw fail.invalid("invalid_sdp", "The source is of another kind.");
    }
    const { transports } = participant;
    const peer = transports.get(input.transportId);
    const rtp = readParameters(input.parameters, transports.capabilities);
    return participant.publish(peer, { mid: source, source, kind, rtp });
  }

  unpublish(caller: Caller, roomId: string, producerId: string): void {
    this.#participant(caller, roomId).unpublish(producerId);
  }

  /** Errors: 401, 404 `source_not_found`, 409 `cannot_consume`. */
  async consume(caller: Caller, roomId: string, input: ConsumeInput): Promise<MediaConsumer> {
    const { transports } = this.#participant(caller, roomId);
    const live = this.#parts.rooms.live.get(roomId);
    const sought = live?.ranking.order.find(
      ({ participantId, source }) =>
        participantId === input.participantId && source === input.source,
    );
    if (!sought) throw fail.not_found("source_not_found", "The participant does not send that.");
    const capabilities = readCapabilities(input.capabilities, transports.capabilities);
    return transports.consume(input.transportId, { producerId: sought.producerId, capabilities });
  }

  consumer(caller: Caller, roomId: string, consumerId: string): MediaConsumer {
    return this.#participant(caller, roomId).transports.consumer(consumerId);
  }

  closeConsumer(caller: Caller, roomId: string, consumerId: string): void {
    this.#participant(caller, roomId).transports.closeConsumer(consumerId);
  }

  #participant(caller: Caller, roomId: string): Participant {
    if (caller.kind !== "participant") throw unauthenticated();
    const { participantId } = caller;
    return this.#parts.participations.own(caller, { roomId, participantId });
  }
}
