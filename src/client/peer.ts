/**
 * One RTCPeerConnection that answers the server's offers: what one sends, what one receives, and
 * the room's channel. Closing it closes its channel; the local tracks belong to somebody else.
 */

import { FRAME_BYTES_MAX } from "./frames.ts";
import type { PeerEvents, PeerPort } from "./link.ts";
import { publishSections } from "./sdp.ts";
import type { IceServer, PublishedSource, RejectedSource, Source } from "./shapes.ts";

/** Above this much unsent text nothing more is accepted: the connection does not keep up. */
const BUFFERED_BYTES_MAX = 16 * FRAME_BYTES_MAX;

export interface PeerOptions {
  readonly iceServers: readonly IceServer[];
  readonly events: PeerEvents;
  /** The track to send for a source, undefined or null for none now. */
  localTrack(source: Source): MediaStreamTrack | null | undefined;
}

export class Peer implements PeerPort {
  readonly #options: PeerOptions;
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #streams = new Map<string, MediaStream>();
  /** The section that sends each source. */
  readonly #sections = new Map<Source, string>();
  #rejected: readonly RejectedSource[] = [];

  constructor(options: PeerOptions) {
    this.#options = options;
    const { events } = options;
    this.#connection = new RTCPeerConnection({
      iceServers: [...options.iceServers],
      bundlePolicy: "max-bundle",
    });
    this.#channel = this.#connection.createDataChannel("events", { negotiated: true, id: 0 });
    this.#channel.binaryType = "arraybuffer";
    this.#channel.onopen = () => events.onChannel(true);
    this.#channel.onclose = () => events.onChannel(false);
    this.#channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
      events.onFrame(data);
    this.#connection.onconnectionstatechange = () => {
      const state = this.#connection.connectionState;
      if (state === "connected" || state === "disconnected" || state === "failed") {
        events.onConnection(state);
      }
    };
  }

  /** Sources that the server does not take from this participant, and why. */
  get rejected(): readonly RejectedSource[] {
    return this.#rejected;
  }

  /** The sections in which each source is sent. */
  get sections(): ReadonlyMap<Source, string> {
    return this.#sections;
  }

  async answer(offer: string): Promise<string> {
    const connection = this.#connection;
    await connection.setRemoteDescription({ type: "offer", sdp: offer });
    for (const [mid, source] of publishSections(offer)) this.#sections.set(source, mid);
    await Promise.all([...this.#sections.keys()].map((source) => this.#prepare(source)));
    await connection.setLocalDescription();
    return connection.localDescription?.sdp ?? "";
  }

  confirm(published: readonly PublishedSource[], rejected: readonly RejectedSource[]): void {
    for (const { mid, source } of published) this.#sections.set(source, mid);
    this.#rejected = rejected;
  }

  /** Sends the track in the source's section from now on; null sends nothing. No renegotiation. */
  async setTrack(source: Source, track: MediaStreamTrack | null): Promise<void> {
    await this.#transceiver(this.#sections.get(source))?.sender.replaceTrack(track);
  }

  /** What arrives in a section, always the same stream; undefined: there is no such section yet. */
  stream(mid: string): MediaStream | undefined {
    const known = this.#streams.get(mid);
    if (known) return known;
    const track = this.#transceiver(mid)?.receiver.track;
    if (!track) return undefined;
    const stream = new MediaStream([track]);
    this.#streams.set(mid, stream);
    return stream;
  }

  send(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.#channel.readyState !== "open") return false;
    if (this.#channel.bufferedAmount > BUFFERED_BYTES_MAX) return false;
    this.#channel.send(frame);
    return true;
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    this.#channel.onopen = null;
    this.#channel.onclose = null;
    this.#channel.onmessage = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
    this.#streams.clear();
  }

  /**
   * Sections without a track are declared as sending too: the server prepares for them at once, and
   * switching a device on needs nothing but `replaceTrack`.
   */
  async #prepare(source: Source): Promise<void> {
    const transceiver = this.#transceiver(this.#sections.get(source));
    if (!transceiver) return;
    transceiver.direction = "sendonly";
    const track = this.#options.localTrack(source) ?? null;
    if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
  }

  #transceiver(mid: string | undefined): RTCRtpTransceiver | undefined {
    if (mid === undefined) return undefined;
    return this.#connection.getTransceivers().find((transceiver) => transceiver.mid === mid);
  }
}
