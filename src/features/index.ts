/** The features in the order of their ranks: each may use those above it in this list. */

import type { RoomsConfig, RtcConfig } from "../../config/schema.ts";
import type { Ids } from "../base/ids.ts";
import type { Feature } from "../core/registry.ts";
import type { Bcrypt } from "../infra/bcrypt/bcrypt.ts";
import type { MediaEngine } from "../infra/media/engine.ts";
import { auth } from "./auth/index.ts";
import { files } from "./files/index.ts";
import { notices } from "./notices/index.ts";
import { platform } from "./platform/index.ts";
import { records } from "./records/index.ts";
import { rooms } from "./rooms/index.ts";
import { type SystemOptions, system } from "./system/index.ts";

export interface FeatureParts {
  readonly ids: Ids;
  /** Of stored settings and secrets. */
  readonly encryptionKey: string | undefined;
  readonly signInPerMinute: number;
  /** Of the request log. */
  readonly logBytesMax: number;
  /** The data directory. */
  readonly dir: string;
  readonly bcrypt: Bcrypt;
  /** Ends this process and starts it anew; undefined where nothing is served. */
  readonly restart: (() => void) | undefined;
  readonly system: SystemOptions;
  readonly rooms: RoomsConfig;
  readonly rtc: RtcConfig;
  /** Undefined where this process runs no media: commands, or `rtc.enabled: false`. */
  readonly media: MediaEngine | undefined;
}

export function allFeatures(parts: FeatureParts): Feature[] {
  return [
    records({ encryptionKey: parts.encryptionKey, dir: parts.dir, bcrypt: parts.bcrypt }),
    auth({ ids: parts.ids, signInPerMinute: parts.signInPerMinute, dir: parts.dir }),
    files,
    platform({ dir: parts.dir, restart: parts.restart, logBytesMax: parts.logBytesMax }),
    system(parts.system),
    notices,
    rooms({ config: parts.rooms, rtc: parts.rtc, media: parts.media }),
  ];
}
