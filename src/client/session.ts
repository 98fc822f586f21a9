/**
 * Being in a room: joins, keeps the roster, and joins again when a participation is lost. Closing a
 * session closes its link.
 */

import { type ApiClient, ApiError, type JoinRequest, type ParticipationPath } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { ConnectionError, Link, type OpenPeer } from "./link.ts";
import {
  applyEvent,
  applyList,
  clearShowing,
  EMPTY_ROSTER,
  type Roster,
  type RosterChange,
  type RosterStep,
} from "./roster.ts";
import type { Json, RoomEvent } from "./shapes.ts";

/** `closed` is final: a new session is needed to come back. */
export type SessionState = "joining" | "connected" | "reconnecting" | "closed";

/**
 * Why a session is closed. left: one's own wish. kicked: removed by somebody who may. room_closed:
 * there is no room any more. refused: the server does not let one in (again). lost: every try to
 * come back failed.
 */
export type CloseReason = "left" | "kicked" | "banned" | "room_closed" | "refused" | "lost";

/** About two minutes of tries. */
const REJOIN = { firstMs: 500, mostMs: 15_000, tries: 12 };
/** A connection that held this long makes earlier failures forgotten. */
const STABLE_MS = 30_000;
/** Replayed chat messages are known by their ids. */
const CHAT_IDS_MAX = 500;

export interface SessionOptions {
  readonly api: ApiClient;
  readonly roomId: string;
  readonly request: JoinRequest;
  readonly openPeer: OpenPeer;
  onState(state: SessionState, reason?: CloseReason, error?: Error): void;
  onEvent(event: RoomEvent): void;
  onChange(change: RosterChange): void;
  /** The peer connection has (maybe) new sections. */
  onNegotiated(): void;
}

export class RoomSession {
  readonly #options: SessionOptions;
  readonly #backoff: Backoff;
  readonly #chatIds = new Set<string>();
  #state: SessionState = "joining";
  #roster: Roster = EMPTY_ROSTER;
  #link: Link | undefined;
  /** Participants that left while the list of participants was on its way. */
  #leftMeanwhile = new Set<string>();
  /** The current link's join is complete: from here on its loss leads to a rejoin. */
  #joined = false;
  #abortJoin: ((error: Error) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#backoff = new Backoff(REJOIN, options.api.environment.random);
  }

  get state(): SessionState {
    return this.#state;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** One's own id in the room; another one after a rejoin. */
  get participantId(): string | undefined {
    return this.#link?.participation.participantId;
  }

  /** This participation as routes name it; undefined before the join. */
  get path(): ParticipationPath | undefined {
    const participation = this.#link?.participation;
    return participation && { roomId: this.#options.roomId, ...participation };
  }

  /** Joins. Errors: ApiError: refused; ConnectionError: media cannot get through. */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      this.#end(error instanceof ApiError && isFinal(error) ? "refused" : "lost", error as Error);
      throw error;
    }
  }

  /** False: not connected now. Error: RangeError for what is too long. */
  send(type: string, data: Json): boolean {
    return this.#link?.send(type, data) ?? false;
  }

  async restartIce(): Promise<void> {
    await this.#link?.restartIce();
  }

  /** Idempotent. */
  async leave(): Promise<void> {
    if (this.#state === "closed") return;
    const hungUp = this.#link?.hangUp();
    this.#end("left");
    await hungUp;
  }

  async #connect(): Promise<void> {
    const { api, roomId } = this.#options;
    const stale = [...this.#roster.participants.keys()];
    const participation = await api.join(roomId, this.#options.request);
    const { promise: up, resolve, reject } = Promise.withResolvers<void>();
    const link: Link = new Link({
      api,
      roomId,
      participation,
      openPeer: this.#options.openPeer,
      onEvent: (event) => this.#take(event),
      onUp: () => {
        resolve();
        this.#up(link);
      },
      onShaky: () => this.#move("reconnecting"),
      onLost: (error) => {
        reject(error);
        this.#lost(link, error);
      },
      onReset: () => this.#step(clearShowing(this.#roster)),
      onNegotiated: () => this.#options.onNegotiated(),
    });
    // Left while the join was on its way: nobody else would tell the server.
    if (this.#state === "closed") return await link.hangUp();
    this.#link = link;
    this.#abortJoin = reject;
    this.#leftMeanwhile = new Set();
    link.open();
    const [list] = await Promise.all([api.listParticipants(roomId, participation.token), up]).catch(
      async (error: unknown) => {
        await link.hangUp();
        throw error;
      },
    );
    const present = list.filter(({ id }) => !this.#leftMeanwhile.has(id));
    this.#step(applyList(this.#roster, present, stale));
    this.#joined = true;
    this.#up(link);
  }

  #up(link: Link): void {
    if (link !== this.#link || !this.#joined || this.#state === "connected") return;
    this.#wait(STABLE_MS, () => this.#backoff.reset());
    this.#move("connected");
  }

  #lost(link: Link, error: Error): void {
    // Before the join is complete, `#connect` itself fails and its caller decides.
    if (link !== this.#link || !this.#joined) return;
    // Otherwise the others would see this participant twice until the server gives up the first.
    if (!(error instanceof ApiError)) void link.hangUp();
    this.#rejoinSoon(error);
  }

  #rejoinSoon(error: Error): void {
    if (this.#state === "closed") return;
    this.#joined = false;
    this.#step(clearShowing(this.#roster));
    this.#move("reconnecting");
    if (error instanceof ApiError && error.status === 429) this.#backoff.next();
    const waitMs = this.#backoff.next();
    if (waitMs === undefined) {
      this.#end("lost", error);
      return;
    }
    this.#wait(waitMs, () => {
      this.#connect().catch((failure: Error) => {
        if (failure instanceof ApiError && isFinal(failure)) this.#end("refused", failure);
        else this.#rejoinSoon(failure);
      });
    });
  }

  /** One timer is enough: either a rejoin is due, or the connection is being trusted. */
  #wait(ms: number, then: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.api.environment.after(ms, then);
  }

  #take(event: RoomEvent): void {
    if (event.type === "chat" && !this.#isNews(event.data.id)) return;
    if (event.type === "participant_left") {
      const id = event.data.participant_id;
      if (typeof id === "string") this.#leftMeanwhile.add(id);
      const { reason } = event.data;
      const isRemoved = reason === "kicked" || reason === "banned";
      if (id === this.participantId && isRemoved) this.#end(reason);
    }
    this.#step(applyEvent(this.#roster, event));
    this.#options.onEvent(event);
    if (event.type === "room_closed") this.#roomClosed(event.data.reason);
  }

  /** A server that stops starts again, usually; a room that was closed does not open again. */
  #roomClosed(reason: unknown): void {
    if (reason !== "server_stopping" && reason !== "media_unavailable") this.#end("room_closed");
    else if (this.#joined) {
      this.#link?.close();
      this.#rejoinSoon(new ConnectionError("The server is starting again."));
    }
  }

  #isNews(id: unknown): boolean {
    if (typeof id !== "string") return true;
    if (this.#chatIds.has(id)) return false;
    this.#chatIds.add(id);
    if (this.#chatIds.size > CHAT_IDS_MAX) {
      for (const oldest of this.#chatIds) {
        this.#chatIds.delete(oldest);
        break;
      }
    }
    return true;
  }

  #step(step: RosterStep): void {
    this.#roster = step.roster;
    for (const change of step.changes) this.#options.onChange(change);
  }

  #move(state: "connected" | "reconnecting"): void {
    // The first join is "joining" until it is complete, whatever happens on the way.
    if (this.#state === state || this.#state === "closed") return;
    if (this.#state === "joining" && state === "reconnecting") return;
    this.#state = state;
    this.#options.onState(state);
  }

  #end(reason: CloseReason, error?: Error): boolean {
    if (this.#state === "closed") return false;
    this.#state = "closed";
    this.#cancelTimer?.();
    if (reason !== "left") this.#link?.close();
    this.#abortJoin?.(new ConnectionError("The room was left before the join was complete."));
    this.#step(clearShowing(this.#roster));
    this.#options.onState("closed", reason, error);
    return true;
  }
}

/** The same call would be refused again. */
function isFinal(error: ApiError): boolean {
  return error.status >= 400 && error.status < 500 && ![408, 425, 429].includes(error.status);
}
