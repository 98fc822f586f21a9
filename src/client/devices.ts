/** The local camera, microphone and screen; what is denied or missing is told plainly. */

import type { Source } from "./shapes.ts";

/** off: not asked for, or switched off. denied: the user or the browser said no. */
export type DeviceState = "on" | "off" | "denied" | "missing" | "busy";

export interface MediaChoice {
  readonly audio?: boolean | MediaTrackConstraints;
  readonly video?: boolean | MediaTrackConstraints;
}

/** "audio": microphone only; "video": camera too; "data": neither. A stream: exactly its tracks. */
export type JoinMedia = "audio" | "video" | "data" | MediaChoice | MediaStream;

type Device = Exclude<Source, "screen">;
const DEVICES = ["audio", "video"] as const;

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true };
const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

export interface DevicesOptions {
  /** The track to send for the source changed; null: send nothing. */
  onTrack(source: Source, track: MediaStreamTrack | null): void;
  onState(states: Readonly<Record<Source, DeviceState>>): void;
}

export class Devices {
  readonly #options: DevicesOptions;
  readonly #tracks = new Map<Source, MediaStreamTrack>();
  readonly #states: Record<Source, DeviceState> = { audio: "off", video: "off", screen: "off" };
  #choice: MediaChoice = {};
  #closed = false;

  constructor(options: DevicesOptions) {
    this.#options = options;
  }

  get states(): Readonly<Record<Source, DeviceState>> {
    return this.#states;
  }

  /** The track that is sent now. A muted microphone is kept open but sends nothing. */
  sent(source: Source): MediaStreamTrack | null {
    return this.#states[source] === "on" ? (this.#tracks.get(source) ?? null) : null;
  }

  /**
   * Asks for both in one question to the user, then for each alone when that fails: one missing
   * device must not take the other away. Never throws: the states say what became of it.
   */
  async open(choice: MediaChoice): Promise<void> {
    this.#choice = choice;
    const sources = DEVICES.filter((source) => choice[source]);
    if (sources.length < DEVICES.length) {
      for (const source of sources) await this.#askDevice(source);
      return;
    }
    const together = await capture(Object.assign({}, ...sources.map((s) => this.#constraints(s))));
    if (together instanceof MediaStream) return this.takeStream(together);
    const again = stateFor(together) === "denied" ? await worthAsking() : sources;
    for (const source of sources) {
      if (again.includes(source)) await this.#askDevice(source);
      else this.#fail(source, together);
    }
  }

  /** Takes tracks that the caller captured; they are stopped when the room is left. */
  takeStream(stream: MediaStream): void {
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) this.#take("audio", audio);
    if (video) this.#take("video", video);
  }

  /** Switches the microphone; off keeps it open, so that on is instant. */
  async setMicrophone(on: boolean): Promise<DeviceState> {
    if (this.#tracks.has("audio")) this.#set("audio", on ? "on" : "off");
    else if (on) await this.#askDevice("audio");
    return this.#states.audio;
  }

  /** Switches the camera; off lets go of it, so that its light goes out. */
  async setCamera(on: boolean): Promise<DeviceState> {
    if (!on) this.#release("video");
    else if (!this.#tracks.has("video")) await this.#askDevice("video");
    return this.#states.video;
  }

  /** The device that is in use, or was last; undefined: none yet. */
  deviceId(source: Device): string | undefined {
    return this.#tracks.get(source)?.getSettings().deviceId;
  }

  /** Takes another camera or microphone: at once where it is on, else when it is switched on. */
  async use(source: Device, deviceId: string): Promise<DeviceState> {
    const wish = this.#choice[source];
    const before = typeof wish === "object" ? wish : source === "audio" ? AUDIO : VIDEO;
    this.#choice = { ...this.#choice, [source]: { ...before, deviceId: { exact: deviceId } } };
    if (this.#states[source] === "on") await this.#askDevice(source);
    else this.#release(source);
    return this.#states[source];
  }

  async shareScreen(): Promise<DeviceState> {
    if (!this.#tracks.has("screen")) {
      await this.#ask("screen", () => attempt(() => navigator.mediaDevices.getDisplayMedia()));
    }
    return this.#states.screen;
  }

  stopScreen(): void {
    this.#release("screen");
  }

  /** Stops everything. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const track of this.#tracks.values()) {
      track.onended = null;
      track.stop();
    }
    this.#tracks.clear();
  }

  #askDevice(source: Device): Promise<void> {
    return this.#ask(source, () => capture(this.#constraints(source)));
  }

  #constraints(source: Device): MediaStreamConstraints {
    const wish = this.#choice[source];
    const usual = source === "audio" ? AUDIO : VIDEO;
    return { [source]: typeof wish === "object" ? wish : usual };
  }

  async #ask(source: Source, question: () => Promise<Captured>): Promise<void> {
    const answer = await question();
    if (!(answer instanceof MediaStream)) return this.#fail(source, answer);
    const [track] = source === "audio" ? answer.getAudioTracks() : answer.getVideoTracks();
    if (track) this.#take(source, track);
  }

  #take(source: Source, track: MediaStreamTrack): void {
    // The user answered the browser's question after the room was left.
    if (this.#closed) {
      track.stop();
      return;
    }
    const before = this.#tracks.get(source);
    if (before !== track) before?.stop();
    this.#tracks.set(source, track);
    if (source === "screen") track.contentHint = "detail";
    // Unplugged, or ended with the browser's own button.
    track.onended = () => this.#release(source);
    this.#set(source, "on");
  }

  #release(source: Source): void {
    const track = this.#tracks.get(source);
    if (track) track.onended = null;
    track?.stop();
    this.#tracks.delete(source);
    this.#set(source, "off");
  }

  #fail(source: Source, error: Error): void {
    // Closing the browser's window for choosing a screen is a choice, not a fault.
    this.#set(source, source === "screen" ? "off" : stateFor(error));
  }

  #set(source: Source, state: DeviceState): void {
    this.#states[source] = state;
    if (this.#closed) return;
    this.#options.onTrack(source, this.sent(source));
    this.#options.onState({ ...this.#states });
  }
}

type Captured = MediaStream | Error;

function capture(constraints: MediaStreamConstraints): Promise<Captured> {
  return attempt(() => navigator.mediaDevices.getUserMedia(constraints));
}

/** Plain HTTP on another host than localhost is no secure context: no `mediaDevices` there. */
async function attempt(question: () => Promise<MediaStream>): Promise<Captured> {
  if (!navigator.mediaDevices) return new DOMException("Not a secure context.", "NotAllowedError");
  try {
    return await question();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * Which device is worth a second question when both together were denied. Browsers deny both where
 * one is blocked: then the other one. Where none is blocked the user has just said no.
 */
async function worthAsking(): Promise<readonly Device[]> {
  const states = await Promise.all(DEVICES.map(permissionFor));
  if (states.includes(undefined)) return DEVICES;
  if (!states.includes("denied")) return [];
  return DEVICES.filter((_, index) => states[index] !== "denied");
}

/** Undefined where the browser does not say. */
async function permissionFor(source: Device): Promise<PermissionState | undefined> {
  const name = source === "audio" ? "microphone" : "camera";
  try {
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return undefined;
  }
}

/** The names of the errors: Media Capture and Streams, section "getUserMedia". */
function stateFor(error: Error): DeviceState {
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "busy";
  return "denied";
}
