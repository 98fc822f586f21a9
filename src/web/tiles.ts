/** The grid of people and shared screens. */

import type { Participant, ReceivedStats, RoomStats } from "../client/index.ts";
import { byId, find, make } from "./dom.ts";
import { tileWidth } from "./layout.ts";
import { displayName, hueOf, initials } from "./names.ts";

const SHAPE = { gap: 12, ratio: 16 / 9 };
/** Louder than this counts as speaking; 1 is the loudest a sample can be. */
const SPEAKING_LEVEL = 0.02;
/** Looks (two a second) without a new frame or packet until a picture or a voice counts as off. */
const IDLE_LOOKS = 3;
/** A screen on which nothing moves sends a frame now and then only. */
const IDLE_LOOKS_SCREEN = 6;
const REACTION_MS = 2_600;

interface Tile {
  readonly element: HTMLElement;
  readonly video: HTMLVideoElement;
  /** The newest count of frames or packets, and for how many looks it has stood still. */
  readonly pulses: Map<"picture" | "voice", { count: number; idle: number }>;
}

export class Tiles {
  readonly #grid = byId("grid", HTMLElement);
  readonly #template = byId("tile", HTMLTemplateElement);
  /** By participant id; shared screens by `id/screen`. */
  readonly #tiles = new Map<string, Tile>();

  constructor() {
    new ResizeObserver(() => this.#arrange()).observe(this.#grid);
  }

  /** Adds a participant, or puts a new name on one that is there. */
  put(participant: Participant, self: boolean): void {
    const tile = this.#tiles.get(participant.id) ?? this.#add(participant.id, self);
    const { element } = tile;
    const name = displayName(participant);
    find(element, ".tile-name", HTMLElement).textContent = self ? `${name} (you)` : name;
    const avatar = find(element, ".avatar", HTMLElement);
    avatar.textContent = initials(name);
    avatar.style.setProperty("--hue", String(hueOf(participant.userId ?? participant.id)));
    // What arrives shows it too, some looks later.
    if (participant.muted.includes("audio")) this.#mark(tile, "voice", false);
  }

  remove(participantId: string): void {
    this.#drop(participantId);
    this.#drop(`${participantId}/screen`);
  }

  clear(): void {
    for (const key of [...this.#tiles.keys()]) this.#drop(key);
  }

  showVideo(participantId: string, stream: MediaStream | null): void {
    const tile = this.#tiles.get(participantId);
    if (tile && tile.video.srcObject !== stream) tile.video.srcObject = stream;
    if (tile && !stream) delete tile.element.dataset.video;
  }

  /** A shared screen has its own tile, which appears with its first frame. */
  showScreen(participant: Participant, stream: MediaStream | null): void {
    const key = `${participant.id}/screen`;
    if (!stream) {
      this.#drop(key);
      return;
    }
    const { element, video } = this.#tiles.get(key) ?? this.#add(key, false);
    element.dataset.testid = "screen-tile";
    element.hidden = true;
    find(element, ".tile-name", HTMLElement).textContent = `${displayName(participant)}’s screen`;
    video.srcObject = stream;
  }

  /** One's own tile follows the devices and not the network. */
  showSelf(participantId: string, on: { readonly video: boolean; readonly audio: boolean }): void {
    const tile = this.#tiles.get(participantId);
    if (!tile) return;
    this.#mark(tile, "picture", on.video);
    this.#mark(tile, "voice", on.audio);
  }

  react(participantId: string, emoji: string): void {
    const tile = this.#tiles.get(participantId);
    if (!tile) return;
    const bubble = make("span", "bubble", emoji);
    tile.element.append(bubble);
    setTimeout(() => bubble.remove(), REACTION_MS);
  }

  /** What arrives says whose camera and microphone are on, and who speaks. */
  observe(stats: RoomStats, self: string | undefined): void {
    for (const received of stats.received) this.#observeOne(received);
    if (self) this.#speak(this.#tiles.get(self), stats.audioLevel);
  }

  /** Who speaks or spoke last, by the server's word; oneself among them. */
  lead(participantId: string): void {
    for (const [key, { element }] of this.#tiles) {
      element.classList.toggle("leading", key === participantId);
    }
  }

  /** Nobody is known to speak. */
  hush(): void {
    this.lead("");
    for (const tile of this.#tiles.values()) this.#speak(tile, 0);
  }

  #observeOne(received: ReceivedStats): void {
    const { participantId, source, kind } = received;
    if (participantId === undefined) return;
    const key = source === "screen" ? `${participantId}/screen` : participantId;
    const tile = this.#tiles.get(key);
    if (!tile) return;
    const what = kind === "video" ? "picture" : "voice";
    const count = kind === "video" ? received.framesDecoded : received.packets;
    const before = tile.pulses.get(what);
    const idle = before && before.count === count ? before.idle + 1 : 0;
    tile.pulses.set(what, { count, idle });
    // The first look only knows how much came earlier, maybe from somebody else in that section.
    if (!before) return;
    const on = count > 0 && idle < (source === "screen" ? IDLE_LOOKS_SCREEN : IDLE_LOOKS);
    this.#mark(tile, what, on);
    if (kind === "audio") this.#speak(tile, on ? received.audioLevel : 0);
  }

  #mark(tile: Tile, what: "picture" | "voice", on: boolean): void {
    if (what === "voice") {
      find(tile.element, ".mic-off", SVGElement).toggleAttribute("hidden", on);
      return;
    }
    if (on) tile.element.dataset.video = "";
    else delete tile.element.dataset.video;
    const isScreen = tile.element.dataset.testid === "screen-tile";
    if (!isScreen || tile.element.hidden === !on) return;
    tile.element.hidden = !on;
    this.#arrange();
  }

  #speak(tile: Tile | undefined, level: number): void {
    tile?.element.classList.toggle("speaking", level > SPEAKING_LEVEL);
  }

  #add(key: string, self: boolean): Tile {
    const fragment = this.#template.content.cloneNode(true) as DocumentFragment;
    const element = find(fragment, ".tile", HTMLElement);
    const tile = { element, video: find(element, "video", HTMLVideoElement), pulses: new Map() };
    element.dataset.participant = key.split("/")[0] ?? key;
    if (self) element.dataset.self = "";
    tile.video.onloadeddata = () => this.#mark(tile, "picture", true);
    this.#tiles.set(key, tile);
    this.#grid.append(fragment);
    this.#arrange();
    return tile;
  }

  #drop(key: string): void {
    const tile = this.#tiles.get(key);
    if (!tile) return;
    tile.video.srcObject = null;
    tile.element.remove();
    this.#tiles.delete(key);
    this.#arrange();
  }

  #arrange(): void {
    const shown = [...this.#tiles.values()].filter(({ element }) => !element.hidden).length;
    const area = { width: this.#grid.clientWidth, height: this.#grid.clientHeight };
    const width = Math.max(120, tileWidth(shown, area, SHAPE));
    this.#grid.style.setProperty("--tile-width", `${width}px`);
  }
}
