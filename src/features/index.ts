/** The features in the order of their ranks: each may use those above it in this list. */

import type { RoomsConfig, RtcConfig } from "../../config/schema.ts";
import type { Ids } from "../base/ids.ts";
import type { Feature } from "../core/registry.ts";
import type { MediaEngine } from "../infra/media/engine.ts";
import { auth } from "./auth/index.ts";
import { records } from "./records/index.ts";
import { rooms } from "./rooms/index.ts";
import { type SystemOptions, system } from "./system/index.ts";

export interface FeatureParts {
  readonly ids: Ids;
  readonly signInPerMinute: number;
  readonly system: SystemOptions;
  readonly rooms: RoomsConfig;
  readonly rtc: RtcConfig;
  /** Undefined where this process runs no media: commands, or `rtc.enabled: false`. */
  readonly media: MediaEngine | undefined;
}

export function allFeatures(parts: FeatureParts): Feature[] {
  return [
    records,
    auth({ ids: parts.ids, signInPerMinute: parts.signInPerMinute }),
    system(parts.system),
    rooms({ config: parts.rooms, rtc: parts.rtc, media: parts.media }),
  ];
}
