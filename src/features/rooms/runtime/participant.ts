/**
 * One participation: a person on one device in one room. close: timers → negotiation → slots →
 * delivery (with a last message) → peer → the two sessions.
 */

import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../base/clock.ts";
import { fail } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { Caller, ParticipantCaller } from "../../../core/access.ts";
import { type EndReason, Session, type Stream } from "../../../core/session.ts";
import type { FrameChannel } from "../../../core/wire.ts";
import type { MediaPeer, MediaRoom, PeerState } from "../../../infra/media/engine.ts";
import type { Counter } from "../../../infra/metrics/families.ts";
import type { Codec, Frame } from "../../../tools/codec.ts";
import type { Answer, PublishedSection } from "../../../tools/sdp/answer.ts";
import type { SendSection, Source } from "../../../tools/sdp/sections.ts";
import type {
  DtlsParameters,
  RtpCapabilities,
  TransportParameters,
} from "../../../tools/sdp/types.ts";
import type {
  LeaveReason,
  OfferData,
  Person,
  ReceiveMode,
  RoomEvent,
  RoomMessage,
  SlotState,
} from "../events.ts";
import type { MemberRole } from "../schema.ts";
import { ClientTransports } from "./client-transports.ts";
import { Delivery } from "./delivery.ts";
import { Departure } from "./departure.ts";
import { Mutes, type MuteWish } from "./mutes.ts";
import { type AnswerInput, Negotiation, staleAnswer } from "./negotiation.ts";
import { type OfferPlan, ownSections } from "./offer-plan.ts";
import { type Publication, Publications, type PublishResult } from "./publications.ts";
import { Reception } from "./reception.ts";
import type { Measured } from "./room-stats.ts";
import type { Ranking } from "./stage.ts";
import type { ReceiveWishes } from "./wishes.ts";

/** What a participant needs of its room. */
export interface ParticipantRoom {
  readonly id: string;
  /** What everybody sends. */
  readonly ranking: Ranking;
  message(event: RoomEvent): RoomMessage;
  published(participant: Participant, publication: Publication): void;
  unpublished(participant: Participant, publication: Publication): void;
  /** A source became silent, or is heard and seen again. */
  muteChanged(participant: Participant, source: Source): void;
  /** What a newcomer must know; `first`: not after a lost worker. */
  channelOpened(participant: Participant, first: boolean): void;
  leave(participant: Participant, reason: LeaveReason): void;
  /** The whole server stops. */
  stopping(): void;
}

/** What sessions of participants are counted under. */
export const ROOM_WIRE = "room";

/** Who joins, as the service decided. */
export interface Joining {
  readonly id: string;
  readonly caller: Caller;
  readonly userId: string | null;
  readonly name: string;
  readonly role: MemberRole;
  readonly plan: OfferPlan;
  /** SHA-256 of the participant's token. */
  readonly tokenHash: Uint8Array;
}

/** What a client's own offer came to. */
export interface OfferedMedia {
  readonly dtls: DtlsParameters;
  readonly published: readonly PublishedSection[];
  readonly receive: readonly SendSection[];
}

export interface ParticipantParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs: number;
  /** What a moderator silenced of the person before. */
  readonly held: Iterable<Source>;
  /** Counts messages to the channel. */
  readonly delivered: Counter;
}

export class Participant implements Person {
  readonly id: string;
  readonly userId: string | null;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly joinedAt: number;
  /** What authenticates by the participant's own token. */
  readonly session: Session;
  /** Lives as long as the user's token; undefined: a guest. */
  readonly account: Session | undefined;
  readonly #joining: Joining;
  readonly #room: ParticipantRoom;
  readonly #delivery: Delivery;
  readonly #departure: Departure;
  readonly #negotiation: Negotiation;
  readonly #publications: Publications;
  readonly #reception: Reception;
  readonly #mutes: Mutes;
  readonly #frameListeners: ((frame: Frame) => void)[] = [];
  #role: MemberRole;
  #peer: MediaPeer | undefined;
  /** The peer whose DTLS was started. */
  #dtlsPeer: MediaPeer | undefined;
  #announced = false;
  #channelWasOpen = false;
  #transports: ClientTransports | undefined;
  #canResume = true;
  #closed = false;

  constructor(room: ParticipantRoom, joining: Joining, parts: ParticipantParts) {
    const { clock } = parts;
    this.id = joining.id;
    this.userId = joining.userId;
    this.name = joining.name;
    this.#role = joining.role;
    this.joinedAt = clock.now();
    this.#room = room;
    this.#joining = joining;
    this.#mutes = new Mutes(parts.held);
    const leave = (reason: LeaveReason) => room.leave(this, reason);
    this.session = this.#openSession(participantCaller(room.id, joining), clock);
    this.account = isAccount(joining.caller) ? this.#openSession(joining.caller, clock) : undefined;
    this.#departure = new Departure({ clock, graceMs: parts.graceMs, leave });
    this.#delivery = new Delivery(() => this.#departure.streamEnded(), parts.delivered);
    this.#negotiation = new Negotiation({ clock, send: (data) => this.#send("offer", data) });
    this.#publications = new Publications({
      isMuted: (source) => this.#mutes.has(source),
      onPublished: (publication) => room.published(this, publication),
      onUnpublished: (publication) => room.unpublished(this, publication),
    });
    this.#reception = new Reception({
      participantId: this.id,
      log: parts.log,
      plan: joining.plan,
      ranking: () => room.ranking,
      sectionCount: () => this.#negotiation.sectionCount,
      offer: (sections) => this.#negotiation.update(sections),
      tell: (event) => this.send(room.message(event)),
    });
  }

  /** What shows to others; rights are asked of the membership at each use. */
  get role(): MemberRole {
    return this.#role;
  }

  setRole(role: MemberRole): void {
    this.#role = role;
  }

  /** Whether the others were told that this one joined. */
  get announced(): boolean {
    return this.#announced;
  }

  /** Its connection went with a worker, and there is no other yet. */
  get suspended(): boolean {
    return this.#announced && !this.#closed && !this.#peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sources(): Source[] {
    return this.#publications.sources;
  }

  /** Sources that are silent, published or not. */
  get muted(): readonly Source[] {
    return this.#mutes.sources;
  }

  /** Error: 403 `muted_by_moderator`. */
  setMuted(wish: MuteWish): void {
    if (!this.#mutes.set(wish)) return;
    this.#publications.setPaused(wish.source, this.#mutes.has(wish.source));
    this.#room.muteChanged(this, wish.source);
  }

  /** The codec of an open channel; undefined: no channel. */
  get channelCodec(): Codec | undefined {
    return this.#delivery.channelOpen ? this.#delivery.codec : undefined;
  }

  /** Whether the call comes from this participant: by its own token, or by its user's. */
  isOwn(caller: Caller): boolean {
    if (caller.kind === "participant") return caller.participantId === this.id;
    const own = this.#joining.caller;
    if (!isAccount(caller) || !isAccount(own)) return false;
    return caller.id === own.id && caller.collection === own.collection;
  }

  /** A fresh token of the same user keeps the participation alive for longer. */
  renew(caller: Caller): void {
    const own = this.account?.caller;
    if (!own || !isAccount(caller) || !isAccount(own)) return;
    if (caller.expiresAt > own.expiresAt) this.account?.renew(caller);
  }

  hasToken(hash: Uint8Array): boolean {
    const own = this.#joining.tokenHash;
    return own.byteLength === hash.byteLength && timingSafeEqual(own, hash);
  }

  get tokenHash(): Uint8Array {
    return this.#joining.tokenHash;
  }

  /** What the data channel wire speaks on; it stays when the connection under it is replaced. */
  get channel(): FrameChannel {
    return {
      session: this.session,
      send: (message) => this.#sendReply(message),
      onFrame: (listener) => this.#frameListeners.push(listener),
      useCodec: (codec) => this.#delivery.useCodec(codec),
    };
  }

  /** Takes a connection, the first or a new one in place of a lost one. Returns its first offer. */
  begin(peer: MediaPeer, capabilities: RtpCapabilities): OfferData {
    const own = ownSections(this.#joining.plan, capabilities);
    const sections = [...own, ...this.#reception.begin(peer, capabilities, own.length)];
    this.#peer = peer;
    this.#announced = true;
    this.#delivery.setPeer(peer);
    this.#departure.expectAnswer();
    peer.onState((state) => this.#departure.peerState(state));
    peer.onChannelOpen(() => this.#channelOpened(peer));
    peer.onFrame((frame) => {
      for (const listener of this.#frameListeners) listener(frame);
    });
    return this.#negotiation.begin(peer, sections);
  }

  /** Takes the connection of a client that offered. It cannot be made anew from here. */
  async accept(peer: MediaPeer, offered: OfferedMedia): Promise<PublishResult> {
    this.#canResume = false;
    this.#peer = peer;
    this.#announced = true;
    this.#departure.expectAnswer();
    peer.onState((state) => this.#departure.peerState(state));
    await peer.connect(offered.dtls);
    this.#dtlsPeer = peer;
    const { published, receive } = offered;
    const result = await this.#publications.apply(peer, { published, rejected: [] });
    if (this.#peer !== peer) throw mediaLost();
    this.#reception.beginWith(peer, receive);
    return result;
  }

  /** For a client that opens transports by itself. They cannot be made anew from here. */
  beginTransports(media: MediaRoom): ClientTransports {
    this.#canResume = false;
    this.#announced = true;
    this.#departure.expectAnswer();
    const onState = (state: PeerState) => this.#departure.peerState(state);
    const onSendClosed = () => this.#publications.drop();
    const options = { participantId: this.id, media, onState, onSendClosed };
    this.#transports = new ClientTransports(options);
    return this.#transports;
  }

  /** Error: 409 `no_transports` for a participant that connected in another way. */
  get transports(): ClientTransports {
    if (this.#transports) return this.#transports;
    throw fail.conflict("no_transports", "You joined in another way.");
  }

  /** Returns the producer's id. Errors: 409 `source_published`, 400 `invalid_sdp`. */
  async publish(peer: MediaPeer, section: PublishedSection): Promise<string> {
    return (await this.#publications.add(peer, section)).producer.id;
  }

  /** Error: 404 `producer_not_found`. */
  unpublish(producerId: string): void {
    this.#publications.remove(producerId);
  }

  /** As `begin`, in place of a connection that went with its worker. */
  resume(peer: MediaPeer, capabilities: RtpCapabilities): void {
    const offer = this.begin(peer, capabilities);
    this.#send("offer", offer);
  }

  get measured(): Measured {
    const own = this.#peer ? [this.#peer] : [];
    return {
      id: this.id,
      publications: this.#publications.all,
      peers: [...own, ...(this.#transports?.peers ?? [])],
      consumers: [...this.#reception.consumers, ...(this.#transports?.consumers ?? [])],
    };
  }

  get plan(): OfferPlan {
    return this.#joining.plan;
  }

  /** Whether a lost connection can be replaced by another offer of ours. */
  get canResume(): boolean {
    return this.#canResume;
  }

  /** The connection's own description; undefined: there is none now. */
  get transport(): TransportParameters | undefined {
    return this.#peer?.transport;
  }

  /** As `restartIce`, for a client that offered. Error: 503 `media_unavailable`. */
  async restartOwnIce(): Promise<TransportParameters> {
    const peer = this.#requirePeer();
    await peer.restartIce();
    return peer.transport;
  }

  /** The connection is gone with its worker; another one may come. */
  suspend(): void {
    this.#peer = undefined;
    this.#negotiation.close();
    this.#publications.clear();
    this.#reception.close();
    this.#delivery.setPeer(undefined);
    this.#departure.expectAnswer();
  }

  /**
   * Carries out an answer to the outstanding offer. Errors: 409 `stale_answer`, 400 `invalid_sdp`,
   * 503 `media_unavailable` while there is no connection.
   */
  async answer(input: AnswerInput): Promise<PublishResult> {
    const peer = this.#requirePeer();
    return this.#negotiation.answer(input, async (answer, sections) => {
      const result = await this.#apply(peer, answer);
      this.#reception.answered(answer, sections);
      return result;
    });
  }

  /**
   * New ICE credentials, and the offer that carries them: the client's addresses may have changed.
   * The connection goes on meanwhile, if it still works. Error: 503 `media_unavailable`.
   */
  async restartIce(): Promise<OfferData> {
    const peer = this.#requirePeer();
    await peer.restartIce();
    if (this.#peer !== peer) throw mediaLost();
    return this.#negotiation.restart();
  }

  /** The signalling stream; what the client still has to answer is sent again on it. */
  attach(stream: Stream): void {
    this.#delivery.attach(stream);
    this.#departure.streamAttached();
    const offer = this.#negotiation.outstanding;
    // The first offer of all came as the answer of the join.
    if (offer?.reset && !this.#delivery.channelOpen) this.#send("offer", offer);
  }

  send(message: RoomMessage): void {
    this.#delivery.send(message);
  }

  get mode(): ReceiveMode {
    return this.#reception.mode;
  }

  get slots(): SlotState[] {
    return this.#reception.states;
  }

  /** Chooses whom to receive, who comes first, and in which quality. */
  setWishes(wishes: ReceiveWishes): void {
    this.#reception.setWishes(wishes);
  }

  /** The sources of others changed. */
  refillSlots(): void {
    this.#reception.refill();
  }

  tellSlots(): void {
    this.#reception.tell();
  }

  /** Idempotent. `last` is the last message the client gets. */
  close(last: RoomMessage | undefined, reason: EndReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#departure.close();
    this.#negotiation.close();
    this.#reception.close();
    this.#delivery.close(last, reason);
    this.#peer?.close();
    this.#peer = undefined;
    this.#transports?.close();
    this.session.end(reason);
    this.account?.end(reason);
  }

  #requirePeer(): MediaPeer {
    if (!this.#peer) throw mediaLost();
    return this.#peer;
  }

  async #apply(peer: MediaPeer, answer: Answer): Promise<PublishResult> {
    if (this.#dtlsPeer !== peer) {
      await peer.connect(answer.dtls);
      this.#dtlsPeer = peer;
    }
    peer.acceptCodecs(answer.acceptedCodecs);
    const result = await this.#publications.apply(peer, answer);
    if (this.#peer !== peer) throw staleAnswer();
    this.#departure.answered();
    return result;
  }

  #channelOpened(peer: MediaPeer): void {
    if (this.#peer !== peer || this.#delivery.channelOpen) return;
    this.#delivery.openChannel();
    this.#room.channelOpened(this, !this.#channelWasOpen);
    this.#channelWasOpen = true;
    this.#reception.opened();
  }

  #send<T extends RoomEvent["type"]>(
    type: T,
    data: Extract<RoomEvent, { readonly type: T }>["data"],
  ): void {
    this.send(this.#room.message({ type, data } as RoomEvent));
  }

  /** What the wire says of itself gets the place and time every message has. */
  #sendReply(message: unknown): void {
    if (this.#closed || typeof message !== "object" || message === null) return;
    this.send(this.#room.message(message as RoomEvent));
  }

  #openSession(caller: Caller, clock: Clock): Session {
    const session = new Session({ id: this.#joining.id, wire: ROOM_WIRE, caller, clock });
    session.onEnd((reason) => {
      if (this.#closed) return;
      if (reason === "server_stopping") this.#room.stopping();
      else this.#room.leave(this, leaveReason(reason));
    });
    return session;
  }
}

function mediaLost() {
  return fail.unavailable("media_unavailable", "The media worker was lost; an offer follows.");
}

function isAccount(caller: Caller): caller is Extract<Caller, { readonly expiresAt: number }> {
  return caller.kind === "user" || caller.kind === "superuser";
}

function participantCaller(roomId: string, joining: Joining): ParticipantCaller {
  return {
    kind: "participant",
    participantId: joining.id,
    roomId,
    userId: joining.userId,
    name: joining.name,
    ip: joining.caller.ip,
  };
}

function leaveReason(reason: EndReason): LeaveReason {
  switch (reason) {
    case "token_expired":
    case "token_revoked":
    case "protocol_error":
      return reason;
    default:
      return "left";
  }
}
