import type { Operation } from "../../../core/operation.ts";
import type { MediaEngine } from "../../../infra/media/engine.ts";
import type { ClientMediaService } from "../service/client-media-service.ts";
import type { MediaService } from "../service/media-service.ts";
import type { MembershipsService } from "../service/memberships-service.ts";
import type { OfferedService } from "../service/offered-service.ts";
import type { ParticipationService } from "../service/participation-service.ts";
import type { RoomsService } from "../service/rooms-service.ts";
import { clientMediaOperations } from "./client-media-operations.ts";
import { mediaOperations } from "./media-operations.ts";
import { memberOperations } from "./member-operations.ts";
import { offeredOperations } from "./offered-operations.ts";
import { participationOperations } from "./participation-operations.ts";
import { checkOperation, roomOperations } from "./room-operations.ts";

export interface RoomOperationsParts {
  readonly rooms: RoomsService;
  readonly memberships: MembershipsService;
  readonly participations: ParticipationService;
  readonly connections: MediaService;
  readonly offered: OfferedService;
  readonly clientMedia: ClientMediaService;
  readonly media: MediaEngine | undefined;
}

export function roomsOperations({
  rooms,
  memberships,
  participations,
  connections,
  offered,
  clientMedia,
  media,
}: RoomOperationsParts): Operation[] {
  return [
    ...roomOperations(rooms, memberships),
    ...memberOperations(memberships),
    ...participationOperations(participations),
    ...mediaOperations({ participations, service: connections }),
    ...offeredOperations(offered),
    ...clientMediaOperations(clientMedia),
    checkOperation(rooms, media),
  ];
}
