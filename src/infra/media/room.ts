/**
 * A room on mediasoup: its branches, what is produced in them, and who speaks. close: branches →
 * their peers. A worker that dies under one of its branches loses the whole room.
 */

import type { types } from "mediasoup";
import { type AppError, assert, fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { RtpCapabilities } from "../../tools/sdp/types.ts";
import { type Branch, type BranchRoom, openBranch } from "./branch.ts";
import {
  type ChannelFrame,
  lostWorker,
  type MediaPeer,
  type MediaRoom,
  type PayloadTypes,
  type PeerOptions,
} from "./engine.ts";
import { Listeners } from "./listeners.ts";
import { ROUTER_CODECS, routerCapabilities, routerCodecs } from "./parameters.ts";
import type { MediasoupPeer } from "./peer.ts";
import type { WorkerPlace } from "./workers.ts";

/** Subchannel numbers are 16 bits wide in the worker. */
const SUBCHANNEL_MAX = 65_535;

/** How often the loudest speaker is looked for, milliseconds. */
const SPEAKER_INTERVAL_MS = 300;

export interface RoomOptions {
  readonly id: string;
  readonly place: WorkerPlace;
  readonly addresses: readonly string[];
  readonly log: Log;
  /** The load of a worker from which on the room looks for another one. */
  readonly workerLoad: number;
  /** The least loaded worker. */
  readonly leastLoaded: () => WorkerPlace | undefined;
}

/** Error: what the worker answered. */
export async function openRoom(options: RoomOptions): Promise<MediasoupRoom> {
  const room = new MediasoupRoom(options);
  await room.open();
  return room;
}

export class MediasoupRoom implements MediaRoom, BranchRoom {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly log: Log;
  readonly #options: RoomOptions;
  readonly #losses: Listeners<void>;
  readonly #speakers: Listeners<string>;
  /** By worker, or by worker and payload types; the first one is home. */
  readonly #branches = new Map<string, Promise<Branch>>();
  readonly #open = new Set<Branch>();
  readonly #peers = new Map<string, MediasoupPeer>();
  readonly #subchannels = new Set<number>();
  readonly #producers = new Map<string, Branch>();
  /** Who is listened to: ids at home by the original ones, and the reverse. */
  readonly #heard = new Map<string, string>();
  readonly #originals = new Map<string, string>();
  #home: Branch | undefined;
  #observer: Promise<types.ActiveSpeakerObserver> | undefined;
  #capabilities: RtpCapabilities | undefined;
  #lastSubchannel = 0;
  #end: "closed" | "lost" | undefined;

  constructor(options: RoomOptions) {
    this.id = options.id;
    this.addresses = options.addresses;
    this.#options = options;
    this.log = options.log.child({ room: options.id });
    this.#losses = new Listeners("lost", this.log);
    this.#speakers = new Listeners("speaker", this.log);
  }

  /** Makes the first branch. Once. */
  async open(): Promise<void> {
    this.#home = await this.#branch(this.#options.place);
    this.#capabilities = routerCapabilities(this.#home.router.rtpCapabilities);
  }

  get capabilities(): RtpCapabilities {
    assert(this.#capabilities, "the room is open");
    return this.#capabilities;
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

  async createPeer(peerId: string, options: PeerOptions = {}): Promise<MediaPeer> {
    const reason = this.closedBecause();
    if (reason !== undefined) throw reason;
    assert(!this.#peers.has(peerId), `peer ${peerId} is created once`);
    const subchannel = this.#takeSubchannel();
    try {
      const branch = await this.#branchFor(options.payloadTypes);
      const peer = await branch.openPeer(peerId, subchannel, options);
      this.#peers.set(peerId, peer);
      return peer;
    } catch (cause) {
      this.#subchannels.delete(subchannel);
      throw this.closedBecause() ?? lostWorker(cause);
    }
  }

  broadcast(frame: ChannelFrame, except?: string): void {
    const ignored = except === undefined ? undefined : this.#peers.get(except)?.subchannel;
    for (const branch of this.#open) branch.send(frame, { ignored });
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
    if (this.#end === "lost") return lostWorker();
    return fail.conflict("room_closed", "The room is closed.");
  }

  origin(producerId: string): Branch | undefined {
    return this.#producers.get(producerId);
  }

  addProducer(producer: types.Producer, branch: Branch): void {
    this.#producers.set(producer.id, branch);
    producer.observer.once("close", () => {
      this.#producers.delete(producer.id);
      this.#forgetSpeaker(producer.id);
    });
    if (producer.kind === "audio") void this.#listenTo(producer.id);
  }

  peerClosed(peer: MediasoupPeer, branch: Branch): void {
    this.#subchannels.delete(peer.subchannel);
    this.#peers.delete(peer.id);
    // One for certain payload types serves few, and there may be many of them over time.
    if (!branch.ordinary && branch.peers === 0 && !this.closed) this.#closeBranch(branch);
  }

  // Branches.

  /** Where the next peer goes: to the least loaded branch, or, when that is full, to a new one. */
  async #branchFor(payloadTypes: PayloadTypes | undefined): Promise<Branch> {
    assert(this.#home, "the room is open");
    const places = [...this.#open].filter((branch) => branch.ordinary).map(({ place }) => place);
    const own = places.reduce((least, each) => (each.slot.load < least.slot.load ? each : least));
    const place = this.#roomier(own) ?? own;
    if (payloadTypes === undefined) return this.#branch(place);
    return this.#branch(place, payloadTypes);
  }

  /** Another worker, where the room's own are busy and that one has less than half to do. */
  #roomier(own: WorkerPlace): WorkerPlace | undefined {
    const { workerLoad, leastLoaded } = this.#options;
    if (own.slot.load < workerLoad) return undefined;
    const other = leastLoaded();
    return other !== undefined && other.slot.load < own.slot.load / 2 ? other : undefined;
  }

  #branch(place: WorkerPlace, payloadTypes?: PayloadTypes): Promise<Branch> {
    const { pid } = place.process.worker;
    const key = payloadTypes === undefined ? `${pid}` : `${pid} ${JSON.stringify(payloadTypes)}`;
    let branch = this.#branches.get(key);
    if (branch === undefined) {
      if (this.#branches.size >= LIMITS.roomBranchesMax) throw tooManyBranches();
      branch = this.#openBranch(place, payloadTypes).catch((cause: unknown) => {
        this.#branches.delete(key);
        throw cause;
      });
      this.#branches.set(key, branch);
    }
    return branch;
  }

  async #openBranch(place: WorkerPlace, payloadTypes?: PayloadTypes): Promise<Branch> {
    const codecs = payloadTypes === undefined ? ROUTER_CODECS : routerCodecs(payloadTypes);
    const ordinary = payloadTypes === undefined;
    const branch = await openBranch({ room: this, place, codecs, ordinary });
    const reason = this.closedBecause();
    if (reason !== undefined || place.slot.process !== place.process) {
      branch.close();
      throw reason ?? lostWorker();
    }
    this.#open.add(branch);
    return branch;
  }

  #closeBranch(branch: Branch): void {
    this.#open.delete(branch);
    for (const [key, known] of this.#branches) {
      void known.then((each) => each === branch && this.#branches.delete(key));
    }
    branch.close();
  }

  // Speakers.

  /** At home, where all sound comes together: every branch for itself would name another speaker. */
  async #listenTo(producerId: string): Promise<void> {
    const home = this.#home;
    if (!home) return;
    try {
      const observer = await this.#openObserver(home);
      const local = await home.local(producerId);
      if (local === undefined || this.closed) return;
      await observer.addProducer({ producerId: local });
      this.#heard.set(producerId, local);
      this.#originals.set(local, producerId);
    } catch (cause) {
      // Who left meanwhile is not heard.
      if (this.closed || !this.#producers.has(producerId)) return;
      this.log.warn("a speaker is not listened to", { producer: producerId, cause });
    }
  }

  #forgetSpeaker(producerId: string): void {
    this.#originals.delete(this.#heard.get(producerId) ?? "");
    this.#heard.delete(producerId);
  }

  #openObserver(home: Branch): Promise<types.ActiveSpeakerObserver> {
    this.#observer ??= (async () => {
      const interval = SPEAKER_INTERVAL_MS;
      const observer = await home.router.createActiveSpeakerObserver({ interval });
      // Its router is gone already, and would not take it along.
      if (this.closed) observer.close();
      observer.on("dominantspeaker", ({ producer }) => {
        const original = this.#originals.get(producer.id);
        if (original !== undefined && this.#producers.has(original)) this.#speakers.emit(original);
      });
      return observer;
    })();
    return this.#observer;
  }

  /** The next free number: one just given up is not used again while others are left. */
  #takeSubchannel(): number {
    assert(this.#subchannels.size < SUBCHANNEL_MAX, "a room has fewer than 65535 peers");
    do this.#lastSubchannel = (this.#lastSubchannel % SUBCHANNEL_MAX) + 1;
    while (this.#subchannels.has(this.#lastSubchannel));
    this.#subchannels.add(this.#lastSubchannel);
    return this.#lastSubchannel;
  }

  #finish(): void {
    for (const branch of [...this.#open]) branch.close();
    this.#open.clear();
    this.#branches.clear();
    this.#producers.clear();
    this.#heard.clear();
    this.#originals.clear();
  }
}

function tooManyBranches(): AppError {
  return fail.unavailable("media_unavailable", "The room is spread too far already.");
}
