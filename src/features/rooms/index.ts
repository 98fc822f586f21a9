/** Rooms: who may be in one, and the sound, pictures and messages between those who are. */

import type { RoomsConfig } from "../../../config/schema.ts";
import type { Check, Feature, FeatureHost, ServiceKey, TokenScheme } from "../../core/registry.ts";
import type { MediaEngine } from "../../infra/media/engine.ts";
import { Records } from "../records/index.ts";
import { migrations } from "./migrations.ts";
import { roomsOperations } from "./operations/index.ts";
import type { IceConfig } from "./runtime/ice-servers.ts";
import { TOKEN_PREFIX } from "./runtime/live-rooms.ts";
import { describeRooms } from "./runtime/room-metrics.ts";
import { ROOM_MEMBERS, ROOMS } from "./schema.ts";
import { ClientMediaService } from "./service/client-media-service.ts";
import { Expiry } from "./service/expiry.ts";
import { MediaService } from "./service/media-service.ts";
import { MembershipsService } from "./service/memberships-service.ts";
import { OfferedService } from "./service/offered-service.ts";
import { ParticipationService } from "./service/participation-service.ts";
import { RoomsService } from "./service/rooms-service.ts";

export { REACTIONS_TOPIC, ROOMS_TOPIC, type RoomEvent } from "./events.ts";
export { ROOM_MEMBERS, ROOMS, type Room, type RoomType } from "./schema.ts";
export type { RoomsService } from "./service/rooms-service.ts";

export const Rooms: ServiceKey<RoomsService> = { feature: "rooms" };

export interface RoomsOptions {
  readonly config: RoomsConfig;
  /** Started and closed by whoever made it; undefined: rooms are kept but nobody can join. */
  readonly media: MediaEngine | undefined;
  /** Which STUN and TURN servers clients are told of. */
  readonly rtc: IceConfig;
}

export function rooms(options: RoomsOptions): Feature {
  return {
    name: "rooms",
    needs: ["records", "auth", "notices"],
    usesMedia: true,
    collections: [ROOMS, ROOM_MEMBERS],
    migrations,
    create(host: FeatureHost) {
      const { config, media } = options;
      const service = new RoomsService(host, { config, media });
      const records = host.use(Records);
      const memberships = new MembershipsService({ rooms: service, records });
      const participations = new ParticipationService(service, options.rtc);
      const expiry = new Expiry(host, records);
      describeRooms(host, { live: service.live, media });
      return {
        operations: roomsOperations({
          rooms: service,
          memberships,
          participations,
          connections: new MediaService({ rooms: service, participations, ice: options.rtc }),
          offered: new OfferedService({ rooms: service, participations, ice: options.rtc }),
          clientMedia: new ClientMediaService({
            rooms: service,
            participations,
            ice: options.rtc,
            media,
          }),
          media,
        }),
        service,
        tokens: [participantTokens(service)],
        async start() {
          await service.start();
          await expiry.start();
        },
        async stop() {
          expiry.close();
          service.stop();
        },
        checks: async () => mediaChecks(media),
      };
    },
  };
}

function participantTokens(service: RoomsService): TokenScheme {
  return {
    name: "participant",
    matches: (token) => token.startsWith(TOKEN_PREFIX),
    authenticate: async (token, origin) => service.live.authenticate(token, origin),
  };
}

function mediaChecks(media: MediaEngine | undefined): Check[] {
  if (!media) return [{ name: "media", ok: true, detail: "off: rooms cannot be joined" }];
  return media.status().map(({ index, alive, pid, port, rooms: count, restarts }) => ({
    name: `media worker ${index}`,
    ok: alive,
    detail: `${alive ? `process ${pid}` : "down"}, port ${port}, ${count} rooms, ${restarts} restarts`,
  }));
}
