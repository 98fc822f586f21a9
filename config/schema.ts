/**
 * The one schema of all configuration. Validation, the types, `config print`, the command line's
 * flags and the README's table are made from it; a new key is a line here. Durations are
 * milliseconds and sizes bytes in the code, keys become camelCase.
 */

import { LIMITS } from "../src/base/limits.ts";
import { LOG_LEVELS } from "../src/base/log.ts";
import { formatDuration, formatSize } from "../src/tools/units.ts";
import { address, iceUrl, ip, ipOrName, ipOrRange, origin, parsePort } from "./addresses.ts";
import { channelsGroup, namespacesGroup, proxiesGroup } from "./channels.ts";
import {
  allNoneOr,
  choice,
  duration,
  listOf,
  rate,
  secretText,
  size,
  text,
  toggle,
  whole,
  word,
} from "./kinds.ts";
import { field, group, optional, required, type Values } from "./language.ts";
import { objects } from "./read.ts";

const DAY_MS = 86_400_000;

/** Below the ephemeral ports of Linux (32768 and up), which outgoing connections may hold. */
export const RTC_PORT_MAX = 32_767;

const path = () => text(4_096);

const log = group({
  level: field(choice(...LOG_LEVELS), "info", {
    doc: "Least severe level that is written.",
    env: "LOG_LEVEL",
    flag: "--log-level <level>",
  }),
  format: field(choice("auto", "json", "text"), "auto", {
    doc: "JSON lines or readable ones; auto: readable on a terminal, JSON otherwise.",
    flag: "--log-format <format>",
  }),
});

const limits = group({
  body_max: field(size(1_024, 1024 ** 3), formatSize(LIMITS.httpBodyBytesMax), {
    doc: "Largest request body (413 above it); signalling routes have their own, smaller one.",
  }),
  requests: group({
    user: field(rate(), "100/s", {
      doc: "Calls of our own routes by one user (429 above it); superusers are exempt.",
    }),
    guest: field(rate(), "50/s", { doc: "The same by all guests of one IP address." }),
  }),
  sign_in_per_minute: field(whole(1, 10_000), LIMITS.signInPerMinute, {
    doc: "Failed sign-ins of one identity and of one IP address in a minute.",
  }),
  request_log: field(size(1024 ** 2, 100 * 1024 ** 3), formatSize(LIMITS.logBytesMax), {
    doc: "Size of the request log: past it the oldest entries go.",
  }),
});

const rooms = group({
  anonymous_create: field(toggle(), true, { doc: "Guests may create rooms." }),
  anonymous_idle: field(duration(1_000, 30 * DAY_MS), formatDuration(LIMITS.anonymousRoomIdleMs), {
    doc: "A guest's room that stands empty this long is closed.",
  }),
  participants_max: field(whole(1, 5_000), LIMITS.roomParticipantsMax, {
    doc: "Participants of one room at a time (409 above it).",
  }),
  grace: field(duration(0, 600_000), formatDuration(LIMITS.iceGraceMs), {
    doc: "How long a participant may be unreachable before it is removed.",
  }),
});

const iceServer = group({
  urls: required(listOf(iceUrl(), 8), { doc: "Its URLs, `stun:host:3478`, `turn:host`." }),
  username: optional(text(512), { doc: "User name at a TURN server." }),
  credential: optional(secretText(1, 512), { doc: "Password at a TURN server.", secret: true }),
});

const rtc = group({
  enabled: field(toggle(), true, { doc: "Rooms carry audio, video and the data channel." }),
  workers: field(whole(0, 64), 0, {
    doc: "Media worker processes; 0: one for each core but one, at least 1.",
  }),
  port: field(whole(1_024, RTC_PORT_MAX), 20_000, {
    doc: "UDP and TCP port of the first worker; the next workers take the next ports.",
    flag: "--rtc-port <port>",
  }),
  listen_ip: field(ip(), "0.0.0.0", { doc: "Address that the workers listen on." }),
  announced_ip: field(listOf(ipOrName(), 16), [], {
    doc: "Addresses or names that clients are told; empty: the machine's own.",
    flag: "--announced-ip <list>",
  }),
  ice_servers: field(objects(iceServer, { itemsMax: 16 }), [], {
    doc: "STUN and TURN servers that clients are told when they join.",
  }),
  turn_secret: optional(secretText(1, 512), {
    doc: "Secret shared with the TURN servers; makes credentials that expire.",
    secret: true,
  }),
  turn_ttl: field(duration(60_000, 30 * DAY_MS), "12h", { doc: "Life of such a credential." }),
  worker_path: field(text(4_096, 0), "", {
    doc: "Executable of the media worker; empty: the built-in one.",
  }),
});

const server = group({
  http: field(address(), "127.0.0.1:8090", {
    doc: "Address to listen on; PORT replaces the port only.",
    flag: "--http <address>",
    env: "PORT",
    envPart: {
      expected: "a port from 0 to 65535",
      apply(given, below) {
        const port = parsePort(given);
        return port === undefined ? undefined : { ...below, port };
      },
    },
  }),
  dir: field(path(), "pb_data", { doc: "Data directory.", flag: "--dir <path>" }),
  public_dir: field(path(), "pb_public", {
    doc: "Files served at `/`, before the built-in pages.",
    flag: "--public-dir <path>",
  }),
  hooks_dir: field(path(), "pb_hooks", { doc: "Hook scripts.", flag: "--hooks-dir <path>" }),
  modules_dir: field(path(), "pb_modules", {
    doc: "Modules that hook scripts share.",
    flag: "--modules-dir <path>",
  }),
  migrations_dir: field(path(), "pb_migrations", {
    doc: "Migrations.",
    flag: "--migrations-dir <path>",
  }),
  features: field(allNoneOr(listOf(word("_"), 64)), "all", {
    doc: "Features that are on; those they need come on with them.",
    flag: "--features <list>",
  }),
  jwt_secret: optional(secretText(1, 4_096, ["change-me"]), {
    doc: "Key of tokens (HS256) that others issue and this server accepts.",
    env: "JWT_SECRET",
    secret: true,
  }),
  encryption_key: optional(secretText(32, 32), {
    doc: "Encrypts stored settings and secrets (AES-256-GCM); 32 characters.",
    env: "PB_ENCRYPTION_KEY",
    secret: true,
  }),
  metrics_token: optional(secretText(16, 512), {
    doc: "Bearer token that reads `GET /metrics` and nothing else; superusers read it anyway.",
    env: "METRICS_TOKEN",
    secret: true,
  }),
  log,
  cors: group({
    origins: field(listOf(origin(), 256), ["*"], {
      doc: "Origins whose pages may call the server; `*`: all.",
      flag: "--origins <list>",
    }),
  }),
  trusted_proxies: field(listOf(ipOrRange(), 256), [], {
    doc: "Proxies whose forwarded headers name the client's address.",
  }),
  limits,
  rooms,
  rtc,
});

export const SCHEMA = group({
  namespaces: field(objects(namespacesGroup, { itemsMax: 1_000, unique: "name" }), [], {
    doc: "Settings that channels share.",
  }),
  channels: field(objects(channelsGroup, { itemsMax: 1_000, unique: "pattern" }), [], {
    doc: "Which channels exist; the first pattern that matches counts.",
  }),
  rpc_proxies: field(objects(proxiesGroup, { itemsMax: 1_000, unique: "method" }), [], {
    doc: "RPC methods that other servers answer.",
  }),
  server,
});

/** The finished configuration, deeply frozen. */
export type Config = Values<(typeof SCHEMA)["keys"]>;
export type ServerConfig = Config["server"];
export type LogConfig = ServerConfig["log"];
export type CorsConfig = ServerConfig["cors"];
export type LimitsConfig = ServerConfig["limits"];
export type RoomsConfig = ServerConfig["rooms"];
export type RtcConfig = ServerConfig["rtc"];
export type IceServerConfig = RtcConfig["iceServers"][number];
export type NamespaceConfig = Config["namespaces"][number];
export type ChannelConfig = Config["channels"][number];
export type RpcProxyConfig = Config["rpcProxies"][number];
