/**
 * One stay in a room: the session, the peer connection it has now, and the local devices. The end
 * of the session stops the devices and forgets the streams.
 */

import { type ApiClient, ApiError, type JoinRequest, type ReceiveWishes } from "./api.ts";
import { type DeviceState, Devices, type JoinMedia } from "./devices.ts";
import { Peer } from "./peer.ts";
import type { Participant, RosterChange, Showing } from "./roster.ts";
import { type CloseReason, RoomSession, type SessionState } from "./session.ts";
import type { RoomEvent, Source } from "./shapes.ts";
import { NO_STATS, type RoomStats, summarise } from "./stats.ts";

export type ParticipantChange = Extract<RosterChange, { readonly participant: Participant }>;

export interface OpenRoomOptions {
  readonly api: ApiClient;
  readonly roomId: string;
  readonly request: JoinRequest;
  onState(state: SessionState, reason?: CloseReason, error?: Error): void;
  onEvent(event: RoomEvent): void;
  onParticipant(change: ParticipantChange): void;
  onShown(stream: MediaStream, participant: Participant, source: Source): void;
  onHidden(participantId: string, source: Source): void;
  onLocalMedia(states: Readonly<Record<Source, DeviceState>>, stream: MediaStream): void;
}

export class OpenRoom {
  readonly session: RoomSession;
  readonly devices: Devices;
  readonly #options: OpenRoomOptions;
  /** What the listener was told is showing, by section. */
  readonly #shown = new Map<string, Showing>();
  readonly localStream = new MediaStream();
  #peer: Peer | undefined;
  /** The page goes away: the server learns it at once and not from silence. */
  readonly #leaveWithPage = () => void this.session.leave();

  constructor(options: OpenRoomOptions) {
    this.#options = options;
    this.devices = new Devices({
      onTrack: (source, track) => {
        void this.#peer?.setTrack(source, track);
        if (source === "screen") void this.#tellScreen(track !== null);
      },
      onState: (states) => this.#showLocal(states),
    });
    this.session = new RoomSession({
      api: options.api,
      roomId: options.roomId,
      request: options.request,
      openPeer: (iceServers, events) => this.#openPeer({ iceServers, events }),
      onState: (state, reason, error) => {
        if (state === "closed") this.#close();
        options.onState(state, reason, error);
      },
      onEvent: (event) => {
        this.#heed(event);
        options.onEvent(event);
      },
      onChange: (change) => this.#change(change),
      onNegotiated: () => this.#showArrived(),
    });
    addEventListener("pagehide", this.#leaveWithPage);
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  async openDevices(media: JoinMedia): Promise<void> {
    if (media instanceof MediaStream) this.devices.takeStream(media);
    else if (typeof media === "object") await this.devices.open(media);
    else await this.devices.open({ audio: media !== "data", video: media === "video" });
  }

  /**
   * Switches a device, and tells the others at once. Error: ApiError 403 `muted_by_moderator`: the
   * device stays off.
   */
  async switchDevice(source: "audio" | "video", on: boolean): Promise<DeviceState> {
    const set = (to: boolean) =>
      source === "audio" ? this.devices.setMicrophone(to) : this.devices.setCamera(to);
    const state = await set(on);
    try {
      await this.#tell(source, state === "on");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Told or not, what is not sent is not heard; what is sent must be known to be allowed.
      if (error.code !== "muted_by_moderator") return state;
      await set(false);
      throw error;
    }
    return state;
  }

  /** The server cannot see that a screen is shared no longer, and would go on showing it. */
  async #tellScreen(on: boolean): Promise<void> {
    try {
      await this.#tell("screen", on);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async setWishes(wishes: ReceiveWishes): Promise<void> {
    const { path } = this.session;
    if (path) await this.#options.api.setWishes(path, wishes);
  }

  async #tell(source: Source, on: boolean): Promise<void> {
    const { path } = this.session;
    if (path) await this.#options.api.setMuted(path, { [source]: on });
  }

  /** A moderator's mute shows on one's own buttons, and nothing is sent for nobody. */
  #heed(event: RoomEvent): void {
    const { participant_id: id, source } = event.data;
    if (event.type !== "muted" || id !== this.session.participantId) return;
    if (source !== "audio" && source !== "video") return;
    if (this.devices.states[source] === "on") void this.switchDevice(source, false);
  }

  async stats(): Promise<RoomStats> {
    const peer = this.#peer;
    if (!peer) return NO_STATS;
    const report = await peer.getStats();
    const sources = new Map([...peer.sections].map(([source, mid]) => [mid, source]));
    return summarise(report.values(), {
      showing: this.session.roster.showing,
      source: (mid) => sources.get(mid),
    });
  }

  #openPeer(options: Pick<ConstructorParameters<typeof Peer>[0], "iceServers" | "events">): Peer {
    this.#peer = new Peer({ ...options, localTrack: (source) => this.devices.sent(source) });
    return this.#peer;
  }

  #change(change: RosterChange): void {
    if ("participant" in change) this.#options.onParticipant(change);
    else if (change.kind === "shown") this.#show(change.showing);
    else this.#hide(change.showing);
  }

  /** A slot may be assigned before the offer that brings its section was answered. */
  #showArrived(): void {
    for (const showing of this.session.roster.showing.values()) this.#show(showing);
  }

  #show(showing: Showing): void {
    const stream = this.#peer?.stream(showing.mid);
    const participant = this.session.roster.participants.get(showing.participantId);
    if (!stream || !participant || this.#shown.has(showing.mid)) return;
    this.#shown.set(showing.mid, showing);
    this.#options.onShown(stream, participant, showing.source);
  }

  #hide(showing: Showing): void {
    if (!this.#shown.delete(showing.mid)) return;
    // Switched to another section in one event: the new one is shown already, or comes next.
    const elsewhere = [...this.#shown.values()].some(
      (other) => other.participantId === showing.participantId && other.source === showing.source,
    );
    if (!elsewhere) this.#options.onHidden(showing.participantId, showing.source);
  }

  #showLocal(states: Readonly<Record<Source, DeviceState>>): void {
    for (const track of this.localStream.getTracks()) this.localStream.removeTrack(track);
    for (const source of ["audio", "video"] as const) {
      const track = this.devices.sent(source);
      if (track) this.localStream.addTrack(track);
    }
    this.#options.onLocalMedia(states, this.localStream);
  }

  #close(): void {
    removeEventListener("pagehide", this.#leaveWithPage);
    this.devices.close();
  }
}
