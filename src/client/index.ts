/** The client library, served at `/client.js`: `import { WebRTCClient } from "/client.js"`. */

export {
  ApiClient,
  ApiError,
  type JoinRequest,
  memoryTokens,
  type NewRoom,
  type RequestOptions,
  type SignUp,
  storedTokens,
  type TokenStore,
} from "./api.ts";
export type { DeviceState, JoinMedia, MediaChoice } from "./devices.ts";
export type { Environment } from "./environment.ts";
export { ConnectionError } from "./link.ts";
export type { Participant } from "./roster.ts";
export type { CloseReason, SessionState } from "./session.ts";
export {
  type Page,
  type ParticipantInfo,
  ProtocolError,
  type RoomEvent,
  type RoomSummary,
  type RoomType,
  type Source,
  type User,
} from "./shapes.ts";
export type { ReceivedStats, RoomStats, SentStats } from "./stats.ts";
export { WebRTCClient } from "./webrtc.ts";
