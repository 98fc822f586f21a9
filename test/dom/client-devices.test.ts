/** What the user is asked about camera and microphone, by what the browser answers. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { type DeviceState, Devices } from "../../src/client/devices.ts";

type State = PermissionState | "unknown";

interface Row {
  readonly name: string;
  readonly microphone: State;
  readonly camera: State;
  /** Questions that succeed; the others fail with `error`. */
  readonly given: readonly string[];
  readonly error?: string;
  readonly asked: readonly string[];
  readonly audio: DeviceState;
  readonly video: DeviceState;
}

const DENIED = { error: "NotAllowedError" };
const ROWS: readonly Row[] = [
  {
    name: "both are given in one question",
    ...{ microphone: "prompt", camera: "prompt" },
    given: ["audio+video"],
    asked: ["audio+video"],
    ...{ audio: "on", video: "on" },
  },
  {
    name: "who said no to both is not asked again",
    ...{ microphone: "prompt", camera: "prompt", ...DENIED },
    given: ["audio", "video"],
    asked: ["audio+video"],
    ...{ audio: "denied", video: "denied" },
  },
  {
    name: "both are blocked",
    ...{ microphone: "denied", camera: "denied", ...DENIED },
    given: [],
    asked: ["audio+video"],
    ...{ audio: "denied", video: "denied" },
  },
  {
    name: "a blocked camera does not take the microphone away",
    ...{ microphone: "prompt", camera: "denied", ...DENIED },
    given: ["audio"],
    asked: ["audio+video", "audio"],
    ...{ audio: "on", video: "denied" },
  },
  {
    name: "a blocked microphone does not take the camera away",
    ...{ microphone: "denied", camera: "granted", ...DENIED },
    given: ["video"],
    asked: ["audio+video", "video"],
    ...{ audio: "denied", video: "on" },
  },
  {
    name: "a browser that does not say is asked for each",
    ...{ microphone: "unknown", camera: "prompt", ...DENIED },
    given: ["video"],
    asked: ["audio+video", "audio", "video"],
    ...{ audio: "denied", video: "on" },
  },
  {
    name: "a missing camera does not take the microphone away",
    ...{ microphone: "granted", camera: "granted", error: "NotFoundError" },
    given: ["audio"],
    asked: ["audio+video", "audio", "video"],
    ...{ audio: "on", video: "missing" },
  },
];

class FakeStream {
  readonly kinds: readonly string[];
  constructor(kinds: readonly string[]) {
    this.kinds = kinds;
  }
  getAudioTracks = () => this.#tracks("audio");
  getVideoTracks = () => this.#tracks("video");
  #tracks(kind: string) {
    return this.kinds.includes(kind) ? [{ kind, stop: () => undefined }] : [];
  }
}

const GLOBALS = ["MediaStream", "mediaDevices", "permissions"] as const;
const places = { MediaStream: globalThis, mediaDevices: navigator, permissions: navigator };
const before = GLOBALS.map((name) => Object.getOwnPropertyDescriptor(places[name], name));

function put(name: (typeof GLOBALS)[number], value: unknown): void {
  Object.defineProperty(places[name], name, { value, configurable: true });
}

beforeEach(() => put("MediaStream", FakeStream));

afterEach(() => {
  for (const [index, name] of GLOBALS.entries()) {
    const was = before[index];
    if (was) Object.defineProperty(places[name], name, was);
    else Reflect.deleteProperty(places[name], name);
  }
});

for (const row of ROWS) {
  test(row.name, async () => {
    const asked: string[] = [];
    put("mediaDevices", {
      getUserMedia: async (constraints: object) => {
        const question = Object.keys(constraints).sort().join("+");
        asked.push(question);
        if (row.given.includes(question)) return new FakeStream(question.split("+"));
        throw new DOMException("", row.error);
      },
    });
    put("permissions", {
      query: async ({ name }: { name: "microphone" | "camera" }) => {
        if (row[name] === "unknown") throw new TypeError("unknown permission");
        return { state: row[name] };
      },
    });
    const devices = new Devices({ onTrack: () => undefined, onState: () => undefined });
    await devices.open({ audio: true, video: true });
    expect(asked).toEqual([...row.asked]);
    expect(devices.states).toMatchObject({ audio: row.audio, video: row.video });
    devices.close();
  });
}
