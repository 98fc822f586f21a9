/**
 * Every bound of the server by name, with what happens when it is reached. Sizes in bytes, times in
 * milliseconds, unless the name's last word says otherwise.
 */

export const LIMITS = {
  // HTTP. Reached: 413 for bodies, 404 for paths, 431 by the runtime for headers.
  httpBodyBytesMax: 32 * 1024 * 1024,
  /** Signalling and other small JSON routes. */
  signallingBodyBytesMax: 256 * 1024,
  jsonDepthMax: 32,
  requestIdCharsMax: 128,
  shutdownGraceMs: 10_000,

  // Database. Reached: 503 `database_busy`.
  writeQueueMax: 10_000,
  writeWaitMs: 10_000,
  writeGroupMax: 256,
  writeGroupMs: 5,
  statementCacheMax: 500,
  busyTimeoutMs: 10_000,
  readPageMax: 1_000,
  /** Pages of 4 KiB in the write-ahead log that are not in the main file yet: moving starts. */
  walCheckpointPages: 1_000,
  /** Length of the log, in pages, at which writes wait until it is empty, so that it starts over. */
  walRestartPages: 8_000,
  /** What is left of the log's file after it started over. */
  walKeptBytes: 32 * 1024 * 1024,
  /** Memory for pages of each connection. */
  pageCacheBytes: 32 * 1024 * 1024,

  // Streams. Reached: the connection is closed and the client starts again.
  outboxBytesMax: 1024 * 1024,
  outboxMessagesMax: 1_000,
  sseConnectionsMax: 10_000,
  sseConnectionsPerCallerMax: 32,
  sseHeartbeatMs: 15_000,
  /** Bus listeners on one topic. Reached: an assertion, it is a leak. */
  busListenersMax: 10_000,

  // Rate limits (token buckets). Reached: 429 with Retry-After.
  rateBucketsMax: 50_000,
  signInPerMinute: 10,

  // Rooms. Reached: 409 `room_full`, 429, 503 as named at the use.
  roomParticipantsMax: 500,
  roomsLiveMax: 5_000,
  participantsPerUserMax: 8,
  roomJoinsPerMinute: 20,
  roomCreatesPerMinute: 30,
  /** Rooms that guests of one address make. */
  guestRoomsPerMinute: 5,
  /** Rooms made by guests, all of them. Reached: 503 `too_many_guest_rooms`. */
  guestRoomsMax: 1_000,
  roomNameCharsMax: 255,
  roomDescriptionCharsMax: 5_000,
  reactionCharsMax: 32,
  /** Changes within this time share one offer. */
  offerDebounceMs: 20,
  /** Attempts to put a room on another worker. Reached: the room closes. */
  roomRecoveriesMax: 12,
  roomRecoveryBackoffMs: 100,
  roomEventFrameBytesMax: 64 * 1024,
  roomFramesPerSecond: 30,
  roomFramesBurst: 60,
  roomBadFramesMax: 10,
  chatHistoryMax: 50,
  chatMessageCharsMax: 8_000,
  receiveAudioSlotsMax: 16,
  receiveVideoSlotsMax: 25,
  sdpBytesMax: 200 * 1024,
  sdpSectionsMax: 100,
  sdpLinesMax: 5_000,
  sdpLineCharsMax: 4_096,
  iceGraceMs: 10_000,
  iceGraceUnsignalledMs: 2_000,
  /** From join to the first answer; reached: the participant is removed. */
  joinAnswerMs: 30_000,
  anonymousRoomIdleMs: 5 * 60_000,
  workerRestartBackoffMaxMs: 30_000,
  /** How long `createRoom` waits for the replacement of a dead worker. Reached: 503. */
  workerWaitMs: 2_000,
  /** For the answer of one media port. Reached: it counts as unreachable. */
  reachabilityProbeMs: 2_000,
  /** SCTP messages either way. Above: an assertion, the worker would drop them silently. */
  channelFrameBytesMax: 256 * 1024,

  // The machine. Reached: `doctor` says so.
  openFilesMin: 4_096,
  diskFreeBytesMin: 512 * 1024 * 1024,

  // Configuration. Reached: the file is refused, with the line; problems: the rest are counted.
  configFileBytesMax: 1024 * 1024,
  configNodesMax: 10_000,
  configDepthMax: 16,
  configAliasesMax: 100,
  configProblemsMax: 20,
} as const;
