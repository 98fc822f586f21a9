/**
 * One stay in a room: the session, the peer connection it has now, and the local devices. The end
 * of the session stops the devices and forgets the streams.
 */

import type { ApiClient, JoinRequest } from "./api.ts";
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
      onTrack: (source, track) => void this.#peer?.setTrack(source, track),
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
      onEvent: options.onEvent,
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
