/**
 * A media engine without media, for tests of room logic: it keeps what it was told, and a test
 * plays the client and the worker. Ids and parameters are the same in every run.
 */

import { type AppError, assert, fail } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { RtpCapabilities } from "../../tools/sdp/types.ts";
import type {
  ChannelFrame,
  MediaEngine,
  MediaPeer,
  MediaRoom,
  MediaWorkerStatus,
  PeerOptions,
  Reachability,
} from "./engine.ts";
import { FAKE_CAPABILITIES } from "./fake-parameters.ts";
import {
  checkFrame,
  FAKE_PORT,
  FakePeer,
  type FakePeerRoom,
  type FakeProducer,
} from "./fake-peer.ts";
import { Listeners } from "./listeners.ts";

export { FakeConsumer, FakePeer, FakeProducer } from "./fake-peer.ts";

export interface FakeControls {
  /** Open rooms by id. */
  readonly rooms: ReadonlyMap<string, FakeRoom>;
  /** An open peer of any room. Asserts that there is one. */
  peer(peerId: string): FakePeer;
  /**
   * All rooms are lost. `stayDown`: no room can be made until `restoreWorker`; else the replacement
   * is up at once.
   */
  killWorker(options?: { readonly stayDown?: boolean }): void;
  restoreWorker(): void;
}

export function createFakeEngine(): FakeEngine {
  return new FakeEngine();
}

export class FakeEngine implements MediaEngine, FakeControls {
  readonly rooms = new Map<string, FakeRoom>();
  #up = false;
  #restarts = 0;
  #peersMade = 0;
  #objectsMade = 0;

  async start(): Promise<void> {
    this.#up = true;
  }

  async createRoom(roomId: string): Promise<MediaRoom> {
    if (!this.#up) throw unavailable("No media worker is up. Try again in a moment.");
    assert(!this.rooms.has(roomId), `room ${roomId} is made once`);
    const room = new FakeRoom(roomId, this);
    this.rooms.set(roomId, room);
    return room;
  }

  status(): readonly MediaWorkerStatus[] {
    const { size } = this.rooms;
    const restarts = this.#restarts;
    return [{ index: 0, pid: 0, port: FAKE_PORT, alive: this.#up, rooms: size, restarts }];
  }

  async memoryBytes(): Promise<number> {
    return 0;
  }

  async check(): Promise<readonly Reachability[]> {
    return [{ address: "127.0.0.1", port: FAKE_PORT, protocol: "udp", ok: this.#up, rttMs: 1 }];
  }

  async close(): Promise<void> {
    this.#up = false;
    for (const room of [...this.rooms.values()]) room.close();
  }

  peer(peerId: string): FakePeer {
    for (const room of this.rooms.values()) {
      const peer = room.peers.get(peerId);
      if (peer !== undefined) return peer;
    }
    throw new Error(`no open peer ${peerId}`);
  }

  killWorker({ stayDown = false }: { readonly stayDown?: boolean } = {}): void {
    this.#up = !stayDown;
    this.#restarts++;
    for (const room of [...this.rooms.values()]) room.lose();
  }

  restoreWorker(): void {
    this.#up = true;
  }

  /** For its rooms: the number of the next peer, which its credentials are made from. */
  nextPeer(): number {
    return ++this.#peersMade;
  }

  nextId(kind: string): string {
    return `${kind}-${++this.#objectsMade}`;
  }
}

export class FakeRoom implements MediaRoom, FakePeerRoom {
  readonly id: string;
  readonly capabilities: RtpCapabilities = FAKE_CAPABILITIES;
  readonly peers = new Map<string, FakePeer>();
  /** Open producers of all peers. */
  readonly producers = new Map<string, FakeProducer>();
  readonly #engine: FakeEngine;
  readonly #losses = new Listeners<void>("lost", silentLog());
  readonly #speakers = new Listeners<string>("speaker", silentLog());
  #end: "closed" | "lost" | undefined;

  constructor(id: string, engine: FakeEngine) {
    this.id = id;
    this.#engine = engine;
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  onLost(listener: () => void): void {
    this.#losses.add(listener);
  }

  onSpeaker(listener: (producerId: string) => void): void {
    this.#speakers.add(listener);
  }

  /** The owner of this producer is the loudest now. */
  speak(producerId: string): void {
    this.#speakers.emit(producerId);
  }

  async createPeer(peerId: string, options: PeerOptions = {}): Promise<MediaPeer> {
    const reason = this.closedBecause();
    if (reason !== undefined) throw reason;
    assert(!this.peers.has(peerId), `peer ${peerId} is created once`);
    const peer = new FakePeer({ id: peerId, number: this.#engine.nextPeer(), room: this, options });
    this.peers.set(peerId, peer);
    return peer;
  }

  broadcast(frame: ChannelFrame, except?: string): void {
    checkFrame(frame);
    for (const peer of this.peers.values()) if (peer.id !== except) peer.send(frame);
  }

  close(): void {
    if (this.closed) return;
    this.#end = "closed";
    this.#finish();
  }

  lose(): void {
    if (this.closed) return;
    this.#end = "lost";
    this.#finish();
    this.#losses.emit();
  }

  closedBecause(): AppError | undefined {
    if (this.#end === undefined) return undefined;
    if (this.#end === "lost") return unavailable("The media worker was lost.");
    return fail.conflict("room_closed", "The room is closed.");
  }

  nextId(kind: string): string {
    return this.#engine.nextId(kind);
  }

  #finish(): void {
    for (const peer of [...this.peers.values()]) peer.close();
    this.#engine.rooms.delete(this.id);
  }
}

function unavailable(message: string): AppError {
  return fail.unavailable("media_unavailable", message);
}
