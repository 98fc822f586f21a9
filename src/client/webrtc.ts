/** WebRTCClient: rooms with sound, picture and events, for a page. */

import {
  ApiClient,
  type JoinRequest,
  memoryTokens,
  type NewRoom,
  type ReceiveWishes,
} from "./api.ts";
import type { DeviceState, JoinMedia } from "./devices.ts";
import { ConnectionError } from "./link.ts";
import { MembersClient, NotificationsClient } from "./members.ts";
import { OpenRoom } from "./open-room.ts";
import type { Participant } from "./roster.ts";
import type { CloseReason, SessionState } from "./session.ts";
import type {
  Json,
  Page,
  RejectedSource,
  RoomEvent,
  RoomLocation,
  RoomSummary,
  Source,
} from "./shapes.ts";
import { NO_STATS, type RoomStats } from "./stats.ts";

/**
 * One room at a time. Events come through the assignable `on…` functions; set them before
 * `joinRoom`. After `closed`, `joinRoom` may be called again.
 */
export class WebRTCClient {
  readonly api: ApiClient;
  /** Memberships of rooms, and what is kept for the user to read. */
  readonly members: MembersClient;
  readonly notifications: NotificationsClient;
  /**
   * A source of a participant is to be seen or heard. The same stream object may come again later
   * for somebody else: play it where the last call said.
   */
  onRemoteTrack: (stream: MediaStream, participant: Participant, source: Source) => void = ignore;
  onRemoteTrackEnded: (participantId: string, source: Source) => void = ignore;
  /** Also called for those who are there already, and for oneself. */
  onParticipantJoined: (participant: Participant) => void = ignore;
  /** A name, a role, a list of sources or of silent ones changed. */
  onParticipantChanged: (participant: Participant) => void = ignore;
  onParticipantLeft: (participant: Participant, reason: string) => void = ignore;
  /** Every event of the room as it came: chat, reaction and others. */
  onDataEvent: (event: RoomEvent) => void = ignore;
  /** Who speaks, loudest; nothing tells of silence. Oneself among them. */
  onActiveSpeaker: (participantId: string) => void = ignore;
  onStateChange: (state: SessionState, reason?: CloseReason, error?: Error) => void = ignore;
  /** One's own devices; `stream` has the tracks that are sent now, for a self view. */
  onLocalMedia: (states: Readonly<Record<Source, DeviceState>>, stream: MediaStream) => void =
    ignore;
  #room: OpenRoom | undefined;

  /** `token`: a user's; without it one is a guest. Or an ApiClient that is shared with the page. */
  constructor(server: string | ApiClient, token?: string) {
    this.api = typeof server === "string" ? new ApiClient(server, memoryTokens(token)) : server;
    this.members = new MembersClient(this.api);
    this.notifications = new NotificationsClient(this.api);
  }

  get state(): SessionState {
    return this.#room?.session.state ?? "closed";
  }

  /** One's own id in the room; another one after the client had to join again. */
  get participantId(): string | undefined {
    return this.#room?.session.participantId;
  }

  get participants(): readonly Participant[] {
    return [...(this.#room?.session.roster.participants.values() ?? [])];
  }

  get devices(): Readonly<Record<Source, DeviceState>> {
    return this.#room?.devices.states ?? { audio: "off", video: "off", screen: "off" };
  }

  /** The camera and microphone tracks that are sent now. */
  get localStream(): MediaStream {
    return this.#room?.localStream ?? new MediaStream();
  }

  /** What the server refused to take from this participant, and why. */
  get rejected(): readonly RejectedSource[] {
    return this.#room?.peer?.rejected ?? [];
  }

  createRoom(room: NewRoom): Promise<RoomSummary> {
    return this.api.createRoom(room);
  }

  listRooms(page = 1): Promise<Page<RoomSummary>> {
    return this.api.listRooms(page);
  }

  /**
   * Joins; done when chat and media flow. A device that is denied or missing does not stop it: one
   * listens then, and `devices` says why. Error: ApiError when the server refuses, ConnectionError
   * when media cannot get through.
   */
  async joinRoom(
    roomId: string,
    media: JoinMedia = "video",
    request: JoinRequest = {},
  ): Promise<void> {
    await this.leaveRoom();
    const room = this.#openRoom(roomId, request);
    this.#room = room;
    this.onStateChange("joining");
    // The devices' question to the user may stay open for minutes: nobody waits for it.
    void room.openDevices(media);
    await room.session.start();
  }

  /** Idempotent. */
  async leaveRoom(): Promise<void> {
    const room = this.#room;
    await room?.session.leave();
    if (this.#room === room) this.#room = undefined;
  }

  /** Error: ConnectionError while not connected, RangeError for more than 64 KiB. */
  sendChatMessage(message: string): void {
    this.sendEvent("chat", { message });
  }

  /** A single emoji, usually. Errors as for `sendChatMessage`. */
  sendReaction(type: string): void {
    this.sendEvent("reaction", { type });
  }

  /** Sends an event of any name that the server has not reserved. */
  sendEvent(type: string, data: Json): void {
    if (this.#room?.session.send(type, data)) return;
    throw new ConnectionError("Not connected: the message was not sent.");
  }

  /** For a page that knows of another network before the connection notices. */
  async restartIce(): Promise<void> {
    await this.#room?.session.restartIce();
  }

  /** Chooses whom to receive, who is shown first, and in which quality. Error: ApiError. */
  async prefer(wishes: ReceiveWishes): Promise<void> {
    await this.#room?.setWishes(wishes);
  }

  /** Error: ApiError 403 `muted_by_moderator`; the microphone stays off then. */
  async setMicrophone(on: boolean): Promise<DeviceState> {
    return (await this.#room?.switchDevice("audio", on)) ?? "off";
  }

  /** Error: as `setMicrophone`. */
  async setCamera(on: boolean): Promise<DeviceState> {
    return (await this.#room?.switchDevice("video", on)) ?? "off";
  }

  /** Silences somebody else, who cannot undo it. Error: ApiError for who may not. */
  async muteParticipant(participantId: string, source: Source, muted = true): Promise<void> {
    await this.api.setMuted(this.#place(participantId), { [source]: !muted });
  }

  /** Removes somebody else from the room. Error: ApiError for who may not. */
  async kickParticipant(participantId: string): Promise<void> {
    await this.api.kick(this.#place(participantId));
  }

  /** Errors: ConnectionError while not connected, ApiError. */
  async broadcastLocation(location: RoomLocation): Promise<void> {
    const path = this.#room?.session.path;
    if (!path) throw new ConnectionError("Not connected: the location was not sent.");
    await this.api.broadcastLocation(path.roomId, location, path.token);
  }

  /** As browsers name devices; undefined: none is in use. */
  deviceId(source: "audio" | "video"): string | undefined {
    return this.#room?.devices.deviceId(source);
  }

  /** Takes another camera or microphone: at once where it is on, else when it is switched on. */
  async useDevice(source: "audio" | "video", deviceId: string): Promise<DeviceState> {
    return (await this.#room?.devices.use(source, deviceId)) ?? "off";
  }

  /** Must be called from a user's click: browsers ask for that. */
  async shareScreen(): Promise<DeviceState> {
    return (await this.#room?.devices.shareScreen()) ?? "off";
  }

  stopScreen(): void {
    this.#room?.devices.stopScreen();
  }

  async stats(): Promise<RoomStats> {
    return (await this.#room?.stats()) ?? NO_STATS;
  }

  /** Acts with the user's own token: rights over others are the user's. */
  #place(participantId: string): { roomId: string; participantId: string } {
    const roomId = this.#room?.session.path?.roomId;
    if (roomId === undefined) throw new ConnectionError("Not connected to a room.");
    return { roomId, participantId };
  }

  #openRoom(roomId: string, request: JoinRequest): OpenRoom {
    const current = () => this.#room === room;
    const room: OpenRoom = new OpenRoom({
      api: this.api,
      roomId,
      request,
      onState: (state, reason, error) => current() && this.onStateChange(state, reason, error),
      onEvent: (event) => {
        if (!current()) return;
        const { participant_id: id } = event.data;
        if (event.type === "active_speaker" && typeof id === "string") this.onActiveSpeaker(id);
        this.onDataEvent(event);
      },
      onParticipant: (change) => {
        if (!current()) return;
        if ("reason" in change) this.onParticipantLeft(change.participant, change.reason);
        else if (change.kind === "joined") this.onParticipantJoined(change.participant);
        else this.onParticipantChanged(change.participant);
      },
      onShown: (stream, participant, source) =>
        current() && this.onRemoteTrack(stream, participant, source),
      onHidden: (participantId, source) =>
        current() && this.onRemoteTrackEnded(participantId, source),
      onLocalMedia: (states, stream) => current() && this.onLocalMedia(states, stream),
    });
    return room;
  }
}

const ignore = () => undefined;
