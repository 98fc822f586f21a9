/** The server's REST routes: accounts, rooms, and the calls of one participation. */

import { type Environment, systemEnvironment } from "./environment.ts";
import {
  asList,
  asObject,
  asText,
  type Json,
  type Offer,
  type Page,
  type ParticipantInfo,
  type Participation,
  type RoomLocation,
  type RoomSummary,
  type RoomType,
  readPage,
  readParticipant,
  readParticipation,
  readPublished,
  readRestart,
  readRoom,
  readUser,
  type Source,
  type User,
} from "./shapes.ts";

/**
 * An answer that is not 2xx. `status` 0: the server could not be reached. `code` is the server's
 * machine-readable reason (`room_full`) or empty; `data` has one `{code, message}` for each field
 * at fault.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly data: Json;

  constructor(fields: { status: number; code: string; message: string; data: Json }) {
    super(fields.message);
    this.status = fields.status;
    this.code = fields.code;
    this.data = fields.data;
  }

  /** What is wrong with each field, ready to be shown: `{email: "Must be a valid email."}`. */
  get fields(): Readonly<Record<string, string>> {
    const fields: Record<string, string> = {};
    for (const [name, fault] of Object.entries(this.data)) {
      const message =
        typeof fault === "object" && fault !== null && "message" in fault && fault.message;
      if (typeof message === "string") fields[name] = message;
    }
    return fields;
  }
}

/** Where the user's token is kept between calls, or between visits. */
export interface TokenStore {
  get(): string | undefined;
  /** Undefined: forget it. */
  set(token: string | undefined): void;
}

export function memoryTokens(token?: string): TokenStore {
  let kept = token;
  return {
    get: () => kept,
    set: (next) => {
      kept = next;
    },
  };
}

/** Keeps the token under `key` of what has the shape of `localStorage`. */
export function storedTokens(
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
  key = "parvis.token",
): TokenStore {
  return {
    get: () => storage.getItem(key) ?? undefined,
    set: (token) => (token === undefined ? storage.removeItem(key) : storage.setItem(key, token)),
  };
}

/** The part of the DOM's Storage used here, so that this file needs no DOM. */
interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** Instead of the stored token; empty: none. */
  readonly token?: string;
  /** Lets the call outlive the page. */
  readonly keepalive?: boolean;
}

export interface SignUp {
  readonly email: string;
  readonly password: string;
  readonly name?: string;
}

export interface NewRoom {
  readonly name: string;
  readonly type?: RoomType;
  readonly isPublic?: boolean;
  /** require_approval: the owner or an admin lets each in. */
  readonly joinType?: "free" | "require_approval";
}

export interface MuteWishes {
  /** False: silent. What is left out stays as it is. */
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly screen?: boolean;
}

export interface JoinRequest {
  /**
   * slots (the default): sections without an owner, which show others as the server chooses.
   * tracks: a section for each remote track, for small rooms.
   */
  readonly mode?: "slots" | "tracks";
  /** Slots wanted for what others send; the server's default where left out. */
  readonly receive?: { readonly audio: number; readonly video: number };
  /** Sources one may want to send; all that the room allows where left out. */
  readonly publish?: readonly Source[];
}

/** Each part replaces what was wished before; what is left out stays. */
export interface ReceiveWishes {
  /** The most of a camera's layers, 0 to 2; without a participant: of all that are not named. */
  readonly layers?: readonly {
    readonly participantId?: string;
    readonly spatial: number;
    readonly temporal?: number;
  }[];
  /** Whom to receive, and of them what; null: everything of everybody. */
  readonly subscriptions?:
    | readonly { readonly participantId: string; readonly sources?: readonly Source[] }[]
    | null;
  /** Participants who are shown before all others. */
  readonly pinned?: readonly string[];
}

export class ApiClient {
  readonly baseUrl: string;
  readonly tokens: TokenStore;
  readonly environment: Environment;

  constructor(baseUrl: string, tokens: TokenStore = memoryTokens(), environment?: Environment) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.tokens = tokens;
    this.environment = environment ?? systemEnvironment();
  }

  /** Calls a route and answers its JSON, undefined for 204. Error: ApiError. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    const token = options.token ?? this.tokens.get();
    const response = await this.#fetch(this.baseUrl + path, {
      method,
      headers: {
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token ? { Authorization: token } : {}),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.keepalive ? { keepalive: true } : {}),
    });
    return await readAnswer(response);
  }

  /** Makes an account and signs in to it. Error: ApiError 400 with `fields`. */
  async signUp(account: SignUp): Promise<User> {
    await this.request("POST", "/api/collections/users/records", {
      body: { ...account, passwordConfirm: account.password },
      token: "",
    });
    return await this.signIn(account.email, account.password);
  }

  async signIn(identity: string, password: string): Promise<User> {
    return this.#keep(
      await this.request("POST", "/api/collections/users/auth-with-password", {
        body: { identity, password },
        token: "",
      }),
    );
  }

  /**
   * Who the stored token belongs to, with a fresh token stored; undefined when there is none or it
   * is no longer valid (it is forgotten then).
   */
  async currentUser(): Promise<User | undefined> {
    if (!this.tokens.get()) return undefined;
    try {
      return this.#keep(await this.request("POST", "/api/collections/users/auth-refresh"));
    } catch (error) {
      if (!(error instanceof ApiError) || ![401, 403, 404].includes(error.status)) throw error;
      this.signOut();
      return undefined;
    }
  }

  /** Forgets the token. */
  signOut(): void {
    this.tokens.set(undefined);
  }

  async createRoom(room: NewRoom): Promise<RoomSummary> {
    const body = {
      room_type: room.type ?? "video",
      name: room.name,
      ...(room.isPublic === undefined ? {} : { is_public: room.isPublic }),
      ...(room.joinType === undefined ? {} : { join_type: room.joinType }),
    };
    return readRoom(await this.request("POST", "/api/rooms", { body }));
  }

  /** Public rooms and one's own. */
  async listRooms(page = 1): Promise<Page<RoomSummary>> {
    return readPage(await this.request("GET", `/api/rooms?page=${page}`), readRoom);
  }

  async getRoom(roomId: string): Promise<RoomSummary> {
    return readRoom(await this.request("GET", roomPath(roomId)));
  }

  /** Who takes part now. `token`: a participant's, where the caller is a guest. */
  async listParticipants(roomId: string, token?: string): Promise<readonly ParticipantInfo[]> {
    const answer = await this.request("GET", `${roomPath(roomId)}/participants`, {
      ...(token === undefined ? {} : { token }),
    });
    const items = Array.isArray(answer) ? answer : asObject(answer, "participants").items;
    return asList(items, "participants.items").map(readParticipant);
  }

  async join(roomId: string, request: JoinRequest = {}): Promise<Participation> {
    const body = { ...request };
    return readParticipation(await this.request("POST", `${roomPath(roomId)}/join`, { body }));
  }

  async answer(
    participation: ParticipationPath,
    answer: { readonly offerId: string; readonly sdp: string },
  ): Promise<ReturnType<typeof readPublished>> {
    const body = { type: "answer", sdp: answer.sdp, offer_id: answer.offerId };
    const path = `${participationPath(participation)}/answer`;
    const { token } = participation;
    return readPublished(await this.request("POST", path, { body, token }));
  }

  /** A new offer for a connection that broke: the network may be another one now. */
  async restartIce(participation: ParticipationPath): Promise<Offer> {
    const path = `${participationPath(participation)}/ice-restart`;
    const { token } = participation;
    return readRestart(await this.request("POST", path, { token }));
  }

  /** Chooses whom to receive, who comes first, and in which quality. */
  async setWishes(participation: ParticipationPath, wishes: ReceiveWishes): Promise<void> {
    const { layers, subscriptions, pinned } = wishes;
    const body = {
      ...(layers && {
        layers: layers.map(({ participantId, ...wished }) => ({
          ...(participantId === undefined ? {} : { participant_id: participantId }),
          ...wished,
        })),
      }),
      ...(subscriptions !== undefined && {
        subscriptions:
          subscriptions?.map(({ participantId, sources }) => ({
            participant_id: participantId,
            ...(sources && { sources }),
          })) ?? null,
      }),
      ...(pinned && { pinned }),
    };
    const { token } = participation;
    await this.request("PATCH", participationPath(participation), { body, token });
  }

  /** Hangs up; the call outlives the page. Calling it again is harmless for the room. */
  async hangUp(participation: ParticipationPath): Promise<void> {
    const options = { token: participation.token, keepalive: true };
    await this.request("DELETE", participationPath(participation), options);
  }

  /**
   * Silences sources or opens them: one's own, or another's where one may. Without a token in the
   * path the user's own counts. Error: ApiError, 403 `muted_by_moderator` among them.
   */
  async setMuted(participation: ParticipantPlace, wishes: MuteWishes): Promise<void> {
    const { token } = participation;
    const options = { body: wishes, ...(token === undefined ? {} : { token }) };
    await this.request("PATCH", participationPath(participation), options);
  }

  /** Removes somebody else from the room. Error: ApiError. */
  async kick(place: ParticipantPlace): Promise<void> {
    await this.request("DELETE", participationPath(place));
  }

  /** Shows those in the room where one is. `token`: a participant's, where the caller is a guest. */
  async broadcastLocation(roomId: string, location: RoomLocation, token?: string): Promise<void> {
    const options = { body: { location }, ...(token === undefined ? {} : { token }) };
    await this.request("POST", `${roomPath(roomId)}/broadcast-location`, options);
  }

  /** The participant's signalling, an event stream. Error: ApiError. */
  async signalling(participation: ParticipationPath, signal: AbortSignal): Promise<Response> {
    const token = encodeURIComponent(participation.token);
    const path = `${participationPath(participation)}/events?token=${token}`;
    const headers = { Accept: "text/event-stream" };
    const response = await this.#fetch(this.baseUrl + path, { headers, signal });
    if (!response.ok) await readAnswer(response);
    return response;
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.environment.fetch(url, init);
    } catch (cause) {
      throw unreachable(cause);
    }
  }

  #keep(answer: unknown): User {
    const session = asObject(answer, "sign-in");
    this.tokens.set(asText(session.token, "sign-in.token"));
    return readUser(session.record);
  }
}

export interface ParticipantPlace {
  readonly roomId: string;
  readonly participantId: string;
  readonly token?: string;
}

export interface ParticipationPath extends ParticipantPlace {
  readonly token: string;
}

const roomPath = (roomId: string) => `/api/rooms/${encodeURIComponent(roomId)}`;
const participationPath = ({ roomId, participantId }: ParticipantPlace) =>
  `${roomPath(roomId)}/participants/${encodeURIComponent(participantId)}`;

function unreachable(cause: unknown): ApiError {
  const message = "The server cannot be reached. Check your connection and try again.";
  const error = new ApiError({ status: 0, code: "unreachable", message, data: {} });
  error.cause = cause;
  return error;
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = parseJson(text);
  if (!response.ok) throw errorOf(response.status, body);
  return text === "" ? undefined : body;
}

/** A proxy's error page is no JSON; its status still says what happened. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error for a status and the parsed body, whatever it is. */
export function errorOf(status: number, body: unknown): ApiError {
  const known = typeof body === "object" && body !== null ? (body as Json) : {};
  const { message, code, data } = known;
  return new ApiError({
    status,
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" && message !== "" ? message : `HTTP status ${status}.`,
    data: typeof data === "object" && data !== null ? (data as Json) : {},
  });
}
