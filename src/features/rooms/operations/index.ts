import type { Operation } from "../../../core/operation.ts";
import type { MediaEngine } from "../../../infra/media/engine.ts";
import type { ParticipationService } from "../service/participation-service.ts";
import type { RoomsService } from "../service/rooms-service.ts";
import { participationOperations } from "./participation-operations.ts";
import { checkOperation, roomOperations } from "./room-operations.ts";

export interface RoomOperationsParts {
  readonly rooms: RoomsService;
  readonly participations: ParticipationService;
  readonly media: MediaEngine | undefined;
}

export function roomsOperations({
  rooms,
  participations,
  media,
}: RoomOperationsParts): Operation[] {
  return [
    ...roomOperations(rooms),
    ...participationOperations(participations),
    checkOperation(rooms, media),
  ];
}
