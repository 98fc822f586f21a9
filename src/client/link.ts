/**
 * One participation: a peer connection, its data channel and the signalling stream beside it.
 * Closing a link closes its stream, then its peer connection, once.
 */

import { type ApiClient, ApiError, type ParticipationPath } from "./api.ts";
import { decodeEvent, encodeEvent } from "./frames.ts";
import {
  type IceServer,
  type Json,
  type Offer,
  type Participation,
  type PublishedSource,
  type RejectedSource,
  type RoomEvent,
  readOffer,
} from "./shapes.ts";
import { Signalling } from "./signalling.ts";

/** From the first answer to the open channel. */
const OPEN_MS = 15_000;
/** How long a broken connection may take to come back, or a fresh offer to arrive. */
const LIFELINE_MS = 6_000;
/** A connection that is disconnected this long gets new ICE credentials. */
const MEND_MS = 1_500;
/** How long the connection stays while the server is told that it ends. */
const HANG_UP_MS = 2_000;
/** A longer answer goes by REST: a channel frame takes 64 KiB in all. */
const CHANNEL_SDP_CHARS_MAX = 60_000;
const OFFERS_KNOWN_MAX = 100;

/** A peer connection as a link needs it. */
export interface PeerPort {
  /** Takes the offer and answers it with a session description. */
  answer(offer: string): Promise<string>;
  /** False: the channel is not open, nothing was sent. */
  send(frame: Uint8Array<ArrayBuffer>): boolean;
  /** What of the last answer the server took. */
  confirm(published: readonly PublishedSource[], rejected: readonly RejectedSource[]): void;
  /** Idempotent. No event follows. */
  close(): void;
}

export interface PeerEvents {
  onFrame(frame: string | ArrayBuffer): void;
  onChannel(open: boolean): void;
  onConnection(state: "connected" | "disconnected" | "failed"): void;
}

export type OpenPeer = (iceServers: readonly IceServer[], events: PeerEvents) => PeerPort;

export interface LinkOptions {
  readonly api: ApiClient;
  readonly roomId: string;
  readonly participation: Participation;
  readonly openPeer: OpenPeer;
  /** Everything but offers. */
  onEvent(event: RoomEvent): void;
  /** Channel and connection are up: at first, and again after a disturbance. */
  onUp(): void;
  /** Disturbed: it comes back or is lost within seconds. */
  onShaky(): void;
  /** This participation is over: only a new join helps. Called once, never after `close`. */
  onLost(error: Error): void;
  /** A new peer connection takes the place of the old one. */
  onReset(): void;
  /** An offer was answered: there may be new sections. */
  onNegotiated(): void;
}

/** The server was reached over HTTP, but no media connection came about or it broke for good. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

export class Link {
  readonly #options: LinkOptions;
  readonly #path: ParticipationPath;
  readonly #signalling: Signalling;
  readonly #knownOffers = new Set<string>();
  #peer: PeerPort;
  /** Counts the peer connections: events of an earlier one are not ours. */
  #generation = 0;
  #channelOpen = false;
  #disturbed = false;
  #closed = false;
  #hungUp: Promise<void> | undefined;
  #cancelLifeline: (() => void) | undefined;
  #cancelMend: (() => void) | undefined;
  /** Offers are taken one after another, in the order in which they came. */
  #negotiation: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    const { api, roomId, participation } = options;
    this.#options = options;
    this.#path = { roomId, ...participation };
    this.#peer = this.#openPeer();
    this.#signalling = new Signalling({
      environment: api.environment,
      open: (signal) => api.signalling(this.#path, signal),
      onEvent: (event) => this.#take(event, "signalling"),
      onGone: (error) => this.#lose(error),
    });
  }

  get participation(): Participation {
    return this.#options.participation;
  }

  /** Answers the offer of the join; `onUp` or `onLost` follows. */
  open(): void {
    this.#armLifeline(OPEN_MS);
    this.#negotiate(this.participation.offer, "signalling");
    this.#signalling.start();
  }

  /** False: the channel is not open. Error: RangeError for what is too long. */
  send(type: string, data: Json): boolean {
    return !this.#closed && this.#channelOpen && this.#peer.send(encodeEvent(type, data));
  }

  /** New ICE credentials: for a page that knows of another network before the connection does. */
  async restartIce(): Promise<void> {
    if (!this.#closed) await this.#mend();
  }

  /** Idempotent. */
  close(): void {
    this.#silence();
    this.#peer.close();
  }

  /**
   * Tells the server, and closes. The call comes first: the end of the connection alone would look
   * like an accident. Where it does not arrive the server notices by itself. Idempotent.
   */
  hangUp(): Promise<void> {
    this.#hungUp ??= this.#hangUp();
    return this.#hungUp;
  }

  async #hangUp(): Promise<void> {
    this.#silence();
    const cancel = this.#options.api.environment.after(HANG_UP_MS, () => this.#peer.close());
    try {
      await this.#options.api.hangUp(this.#path);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    } finally {
      cancel();
      this.#peer.close();
    }
  }

  /** No event comes out any more. */
  #silence(): void {
    this.#closed = true;
    this.#cancelLifeline?.();
    this.#cancelMend?.();
    this.#signalling.stop();
  }

  #openPeer(): PeerPort {
    this.#generation += 1;
    this.#channelOpen = false;
    const generation = this.#generation;
    const ours = () => !this.#closed && generation === this.#generation;
    return this.#options.openPeer(this.participation.iceServers, {
      onFrame: (frame) => ours() && this.#take(decodeEvent(frame), "channel"),
      onChannel: (open) => {
        if (!ours()) return;
        this.#channelOpen = open;
        if (open) this.#up();
        else this.#shake();
      },
      onConnection: (state) => {
        if (!ours()) return;
        if (state === "connected") this.#connected();
        else this.#disconnected(state === "failed" ? 0 : MEND_MS);
      },
    });
  }

  #connected(): void {
    this.#cancelMend?.();
    this.#cancelMend = undefined;
    if (this.#channelOpen) this.#up();
  }

  #disconnected(mendMs: number): void {
    this.#shake();
    this.#cancelMend?.();
    this.#cancelMend = this.#options.api.environment.after(mendMs, () => void this.#mend());
  }

  async #mend(): Promise<void> {
    const generation = this.#generation;
    try {
      const offer = await this.#options.api.restartIce(this.#path);
      if (!this.#closed && generation === this.#generation) this.#negotiate(offer, "signalling");
    } catch (error) {
      // The lifeline runs: what cannot be mended is joined anew.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  #take(event: RoomEvent, way: Way): void {
    if (this.#closed) return;
    if (event.type === "offer") this.#negotiate(readOffer(event.data), way);
    else this.#options.onEvent(event);
  }

  #negotiate(offer: Offer, way: Way): void {
    if (this.#knownOffers.has(offer.offerId)) return;
    // Forgetting all at once is enough: an offer comes twice only within the same second.
    if (this.#knownOffers.size >= OFFERS_KNOWN_MAX) this.#knownOffers.clear();
    this.#knownOffers.add(offer.offerId);
    if (offer.reset) this.#reset();
    const generation = this.#generation;
    this.#negotiation = this.#negotiation
      .then(() => this.#answer(offer, { way, generation }))
      .catch((error: unknown) => {
        if (generation === this.#generation) this.#lose(asError(error));
      });
  }

  async #answer(offer: Offer, from: { way: Way; generation: number }): Promise<void> {
    const stale = () => this.#closed || from.generation !== this.#generation;
    if (stale()) return;
    const sdp = await this.#peer.answer(offer.sdp);
    if (stale()) return;
    // The way the offer came is the way that works: a channel may be open and dead.
    const data = { offer_id: offer.offerId, sdp };
    const short = sdp.length <= CHANNEL_SDP_CHARS_MAX;
    const sent = from.way === "channel" && short && this.send("answer", data);
    if (!sent) await this.#post(offer.offerId, sdp, stale);
    if (!stale()) this.#options.onNegotiated();
  }

  async #post(offerId: string, sdp: string, stale: () => boolean): Promise<void> {
    try {
      const result = await this.#options.api.answer(this.#path, { offerId, sdp });
      if (!stale()) this.#peer.confirm(result.published, result.rejected);
    } catch (error) {
      // 409: a newer offer has taken this one's place. 503: the media worker died, and the offer for
      // a new connection follows. Either is on its way here, or the lifeline runs out.
      if (!(error instanceof ApiError) || ![409, 503].includes(error.status)) throw error;
    }
  }

  #reset(): void {
    this.#cancelMend?.();
    this.#peer.close();
    // What a closed connection was asked for may stay unsettled for ever (W3C webrtc, section
    // "Chain an asynchronous operation"): nothing may wait behind it.
    this.#negotiation = Promise.resolve();
    this.#peer = this.#openPeer();
    this.#shake();
    this.#armLifeline(OPEN_MS);
    this.#options.onReset();
  }

  #up(): void {
    this.#disturbed = false;
    this.#cancelLifeline?.();
    this.#cancelLifeline = undefined;
    this.#options.onUp();
  }

  #shake(): void {
    if (!this.#cancelLifeline) this.#armLifeline(LIFELINE_MS);
    if (this.#disturbed) return;
    this.#disturbed = true;
    this.#options.onShaky();
  }

  #armLifeline(ms: number): void {
    this.#cancelLifeline?.();
    const text = "No media connection: the server's media port may be closed to this network.";
    this.#cancelLifeline = this.#options.api.environment.after(ms, () =>
      this.#lose(new ConnectionError(text)),
    );
  }

  #lose(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#options.onLost(error);
  }
}

type Way = "channel" | "signalling";

export const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
