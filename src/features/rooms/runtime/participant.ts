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
import type { MediaPeer } from "../../../infra/media/engine.ts";
import type { Codec, Frame } from "../../../tools/codec.ts";
import type { Answer } from "../../../tools/sdp/answer.ts";
import type { OfferSection, SendSection, Source } from "../../../tools/sdp/sections.ts";
import type { RtpCapabilities } from "../../../tools/sdp/types.ts";
import type {
  LeaveReason,
  OfferData,
  Person,
  RoomEvent,
  RoomMessage,
  SlotState,
} from "../events.ts";
import type { MemberRole } from "../schema.ts";
import { Delivery } from "./delivery.ts";
import { Departure } from "./departure.ts";
import { type AnswerInput, Negotiation, staleAnswer } from "./negotiation.ts";
import { joinSections, type OfferPlan, poolSections } from "./offer-plan.ts";
import { type Publication, Publications, type PublishResult } from "./publications.ts";
import { type RemoteSource, SlotBoard } from "./slot-board.ts";

/** What a participant needs of its room. */
export interface ParticipantRoom {
  readonly id: string;
  /** The sources of the others, those to be shown first in front. */
  sourcesFor(participant: Participant): readonly RemoteSource[];
  message(event: RoomEvent): RoomMessage;
  published(participant: Participant, publication: Publication): void;
  unpublished(participant: Participant, publication: Publication): void;
  /** What a newcomer must know; `first`: not after a lost worker. */
  channelOpened(participant: Participant, first: boolean): void;
  leave(participant: Participant, reason: LeaveReason): void;
  /** The whole server stops. */
  stopping(): void;
}

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

export interface ParticipantParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs: number;
}

export class Participant implements Person {
  readonly id: string;
  readonly userId: string | null;
  readonly name: string;
  readonly role: MemberRole;
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
  readonly #slots: SlotBoard;
  readonly #frameListeners: ((frame: Frame) => void)[] = [];
  #peer: MediaPeer | undefined;
  #capabilities: RtpCapabilities | undefined;
  /** The peer whose DTLS was started. */
  #dtlsPeer: MediaPeer | undefined;
  #announced = false;
  #channelWasOpen = false;
  #closed = false;

  constructor(room: ParticipantRoom, joining: Joining, parts: ParticipantParts) {
    const { clock } = parts;
    this.id = joining.id;
    this.userId = joining.userId;
    this.name = joining.name;
    this.role = joining.role;
    this.joinedAt = clock.now();
    this.#room = room;
    this.#joining = joining;
    const leave = (reason: LeaveReason) => room.leave(this, reason);
    this.session = this.#openSession(participantCaller(room.id, joining), clock);
    this.account = isAccount(joining.caller) ? this.#openSession(joining.caller, clock) : undefined;
    this.#departure = new Departure({ clock, graceMs: parts.graceMs, leave });
    this.#delivery = new Delivery(() => this.#departure.streamEnded());
    this.#negotiation = new Negotiation({ clock, send: (data) => this.#send("offer", data) });
    this.#publications = new Publications({
      onPublished: (publication) => room.published(this, publication),
      onUnpublished: (publication) => room.unpublished(this, publication),
    });
    this.#slots = new SlotBoard({
      log: parts.log,
      sources: () => room.sourcesFor(this),
      onChange: () => this.tellSlots(),
    });
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
    const sections = joinSections(this.#joining.plan, capabilities);
    this.#peer = peer;
    this.#capabilities = capabilities;
    this.#announced = true;
    this.#delivery.setPeer(peer);
    this.#slots.begin(peer);
    this.#slots.add(sections.filter(isSlot));
    this.#departure.expectAnswer();
    peer.onState((state) => this.#departure.peerState(state));
    peer.onChannelOpen(() => this.#channelOpened(peer));
    peer.onFrame((frame) => {
      for (const listener of this.#frameListeners) listener(frame);
    });
    return this.#negotiation.begin(peer, sections);
  }

  /** As `begin`, in place of a connection that went with its worker. */
  resume(peer: MediaPeer, capabilities: RtpCapabilities): void {
    const offer = this.begin(peer, capabilities);
    this.#send("offer", offer);
  }

  /** The connection is gone with its worker; another one may come. */
  suspend(): void {
    this.#peer = undefined;
    this.#negotiation.close();
    this.#publications.clear();
    this.#slots.close();
    this.#delivery.setPeer(undefined);
    this.#departure.expectAnswer();
  }

  /**
   * Carries out an answer to the outstanding offer. Errors: 409 `stale_answer`, 400 `invalid_sdp`,
   * 503 `media_unavailable` while there is no connection.
   */
  async answer(input: AnswerInput): Promise<PublishResult> {
    const peer = this.#peer;
    if (!peer) {
      throw fail.unavailable("media_unavailable", "The media worker was lost; an offer follows.");
    }
    return this.#negotiation.answer(input, (answer) => this.#apply(peer, answer));
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

  get slots(): SlotState[] {
    return this.#slots.states;
  }

  /** The sources of others changed. */
  refillSlots(): void {
    this.#slots.refill();
  }

  tellSlots(): void {
    const { slots } = this;
    if (slots.length > 0) this.#send("slots", { slots });
  }

  /** Idempotent. `last` is the last message the client gets. */
  close(last: RoomMessage | undefined, reason: EndReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#departure.close();
    this.#negotiation.close();
    this.#slots.close();
    this.#delivery.close(last, reason);
    this.#peer?.close();
    this.#peer = undefined;
    this.session.end(reason);
    this.account?.end(reason);
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
    this.#slots.accept(answer.accepted);
    this.#slots.refill();
    return result;
  }

  #channelOpened(peer: MediaPeer): void {
    if (this.#peer !== peer || this.#delivery.channelOpen) return;
    this.#delivery.openChannel();
    this.#room.channelOpened(this, !this.#channelWasOpen);
    this.#channelWasOpen = true;
    this.#extendPool();
  }

  #extendPool(): void {
    if (!this.#capabilities) return;
    const place = this.#negotiation.sectionCount;
    const pool = poolSections(this.#joining.plan, this.#capabilities, place);
    this.#slots.add(pool.filter(isSlot));
    this.#negotiation.extend(pool);
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
    const session = new Session({ id: this.#joining.id, wire: "room", caller, clock });
    session.onEnd((reason) => {
      if (this.#closed) return;
      if (reason === "server_stopping") this.#room.stopping();
      else this.#room.leave(this, leaveReason(reason));
    });
    return session;
  }
}

function isAccount(caller: Caller): caller is Extract<Caller, { readonly expiresAt: number }> {
  return caller.kind === "user" || caller.kind === "superuser";
}

function isSlot(section: OfferSection): section is SendSection {
  return section.type === "send";
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
