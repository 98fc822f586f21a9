/** The client library, served at `/client.js`: `import { WebRTCClient } from "/client.js"`. */

export {
  ApiClient,
  ApiError,
  type JoinRequest,
  type MuteWishes,
  memoryTokens,
  type NewRoom,
  type ReceiveWishes,
  type RequestOptions,
  type SignUp,
  storedTokens,
  type TokenStore,
} from "./api.ts";
export type { DeviceState, JoinMedia, MediaChoice } from "./devices.ts";
export type { Environment } from "./environment.ts";
export { ConnectionError } from "./link.ts";
export {
  MembersClient,
  type MembersQuery,
  mayModerate,
  type Notification,
  NotificationsClient,
  type RoomSettings,
} from "./members.ts";
export type { Participant } from "./roster.ts";
export type { CloseReason, SessionState } from "./session.ts";
export {
  type JoinType,
  type Member,
  type MemberRole,
  type MemberStatus,
  type Membership,
  type Page,
  type ParticipantInfo,
  ProtocolError,
  type RoomEvent,
  type RoomLocation,
  type RoomSummary,
  type RoomType,
  type Source,
  type User,
} from "./shapes.ts";
export type { ReceivedStats, RoomStats, SentStats } from "./stats.ts";
export { WebRTCClient } from "./webrtc.ts";
