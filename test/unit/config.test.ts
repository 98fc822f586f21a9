import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, type LoadOptions, loadConfig } from "../../config/load.ts";
import { AppError } from "../../src/base/errors.ts";

const FILE = "config/realtime.yaml";

function load(text: string | undefined, options: Partial<LoadOptions> = {}) {
  return loadConfig({ flags: {}, env: {}, readFile: () => text, ...options });
}

/** The lines of the ConfigError, without the file's name where it begins a line. */
function problems(text: string | undefined, options: Partial<LoadOptions> = {}): string[] {
  try {
    load(text, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((line) => line.replace(`${FILE}:`, ""));
  }
  return [];
}

test("without a file the defaults hold", () => {
  const { config, sources, file } = load(undefined);
  expect(file).toBeUndefined();
  expect(config.server.http).toEqual({ host: "127.0.0.1", port: 8090 });
  expect(config.server.features).toBe("all");
  expect(config.server.limits.bodyMax).toBe(33_554_432);
  expect(config.server.limits.requests.user).toEqual({ count: 100, windowMs: 1_000 });
  expect(config.server.rooms).toEqual({
    anonymousCreate: true,
    anonymousIdle: 300_000,
    participantsMax: 500,
    grace: 10_000,
  });
  expect(config.server.rtc.turnTtl).toBe(43_200_000);
  expect(config.server.jwtSecret).toBeUndefined();
  expect(config.namespaces).toEqual([]);
  expect(new Set([...sources.values()].map(({ source }) => source))).toEqual(new Set(["default"]));
});

test("every key of the file reaches the code under its camelCase name", () => {
  const { config, sources, file } = load(`
namespaces:
  - {name: chat, max_clients: 5, allow_publish: true, history: {ttl: 2h}, rate: {per_client: 3/m}}
channels:
  - {pattern: "chat:*", namespace: chat, allowed_roles: [a, b], max_history: 7}
rpc_proxies:
  - {method: user.stats, url: "http://localhost:3000/x", timeout: 250ms}
server:
  http: "[::1]:0"
  features: [records, auth]
  trusted_proxies: [127.0.0.1, 10.0.0.0/8, "::1/128"]
  rtc:
    announced_ip: example.com
    ice_servers:
      - urls: [stun:a.example:3478, "turn:[::1]:3478?transport=tcp"]
        credential: hunter2
`);
  expect(file).toBe(FILE);
  expect(config.namespaces).toEqual([
    {
      name: "chat",
      maxClients: 5,
      allowPublish: true,
      presence: false,
      persist: false,
      history: { size: 0, ttl: 7_200_000, recover: false },
      rate: { perClient: { count: 3, windowMs: 60_000 } },
    },
  ]);
  expect(config.channels[0]).toEqual({
    pattern: "chat:*",
    namespace: "chat",
    private: false,
    allowedRoles: ["a", "b"],
    allowedUsers: [],
    maxHistory: 7,
  });
  expect(config.rpcProxies[0]?.timeout).toBe(250);
  expect(config.server.http).toEqual({ host: "::1", port: 0 });
  expect(config.server.features).toEqual(["records", "auth"]);
  expect(config.server.rtc.announcedIp).toEqual(["example.com"]);
  expect(config.server.rtc.iceServers[0]?.credential).toBe("hunter2");
  expect(sources.get("server.http")).toEqual({ source: "file", where: `${FILE}:9:9` });
  expect(sources.get("server.dir")).toEqual({ source: "default" });
});

const PRECEDENCE = "server: {http: 'h:1', log: {level: warn}, rtc: {port: 2000}, dir: file}";

test.each([
  [{}, {}, ["h:1", "warn", 2000, "file"], ["file", "file", "file"]],
  [{}, { PORT: "2", LOG_LEVEL: "error" }, ["h:2", "error", 2000, "file"], ["env", "env", "file"]],
  [
    { http: "f:3", logLevel: "debug", rtcPort: "3000", dir: "flag" },
    { PORT: "2", LOG_LEVEL: "error" },
    ["f:3", "debug", 3000, "flag"],
    ["flag", "flag", "flag"],
  ],
  [{ http: undefined }, { PORT: "", LOG_LEVEL: "" }, ["h:1", "warn", 2000, "file"], ["file"]],
])("flags %j and environment %j lie over the file", (flags, env, values, from) => {
  const { config, sources } = load(PRECEDENCE, { flags, env });
  const { http, log, rtc, dir } = config.server;
  expect([`${http.host}:${http.port}`, log.level, rtc.port, dir]).toEqual(values);
  const paths = ["server.http", "server.log.level", "server.rtc.port"].slice(0, from.length);
  expect(paths.map((path) => sources.get(path)?.source as string)).toEqual(from);
});

test("sources name the flag, the variable, or the place in the file", () => {
  const { sources } = load("server:\n  dir: x\n", {
    flags: { rtcPort: 2000 },
    env: { LOG_LEVEL: "warn" },
  });
  expect(sources.get("server.dir")).toEqual({ source: "file", where: `${FILE}:2:8` });
  expect(sources.get("server.rtc.port")).toEqual({ source: "flag", where: "--rtc-port" });
  expect(sources.get("server.log.level")).toEqual({ source: "env", where: "LOG_LEVEL" });
});

test("lists in flags are divided by commas, or given as lists", () => {
  const { config } = load(undefined, {
    flags: { features: "records, auth", announcedIp: ["1.2.3.4", "::1"], origins: "*" },
  });
  expect(config.server.features).toEqual(["records", "auth"]);
  expect(config.server.rtc.announcedIp).toEqual(["1.2.3.4", "::1"]);
  expect(load(undefined, { flags: { features: "none" } }).config.server.features).toBe("none");
});

const line = (place: string, message: string) => `${place}: ${message}`;

const REFUSED: readonly (readonly [text: string, ...lines: string[]])[] = [
  ["server: {rtc: {prot: 1}}", '1:16: unknown key "server.rtc.prot": did you mean "port"?'],
  ["sever: {}", '1:1: unknown key "sever": did you mean "server"?'],
  ["rtc: {}", '1:1: unknown key "rtc": did you mean "server.rtc"?'],
  ["payments: {}", '1:1: unknown key "payments"'],
  [
    "__proto__: {}\nconstructor: 1",
    '1:1: unknown key "__proto__"',
    '2:1: unknown key "constructor"',
  ],
  ["<<: {}", '1:1: unknown key "<<"'],
  ['"a\\e[31m\\u202e": 1', '1:1: unknown key "a\\u001b[31m\\u202e"'],
  [
    "server: {rtc: {port: abc}}",
    '1:22: server.rtc.port: expected a whole number from 1024 to 32767, got "abc"',
  ],
  [
    'server: {rtc: {port: "20000"}}',
    '1:22: server.rtc.port: expected a whole number from 1024 to 32767, got "20000"',
  ],
  ...["80", "40000", "2e99", ".inf", ".nan", "2000.5", "-1"].map(
    (port) =>
      [
        `server: {rtc: {port: ${port}}}`,
        `1:22: server.rtc.port: expected a whole number from 1024 to 32767, got ${Number(
          port.replace(".inf", "Infinity").replace(".nan", "NaN"),
        )}`,
      ] as const,
  ),
  [
    "server: {rtc: {port: }}",
    "1:22: server.rtc.port: expected a whole number from 1024 to 32767, got nothing",
  ],
  ["server: {rtc: [1]}", "1:15: server.rtc: expected a group of keys, got a list"],
  ["server: 5", "1:9: server: expected a group of keys, got 5"],
  ["server: {rtc: {enabled: yes}}", '1:25: server.rtc.enabled: expected true or false, got "yes"'],
  [
    "server: {log: {level: loud}}",
    '1:23: server.log.level: expected one of debug, info, warn, error, got "loud"',
  ],
  [
    "server: {dir: 007}",
    "1:15: server.dir: expected text of 1 to 4096 characters (numbers in quotes), got 7",
  ],
  [
    "server: {rooms: {grace: 10}}",
    "1:25: server.rooms.grace: expected a duration from 0s to 10m (ms, s, m, h, d), got 10",
  ],
  [
    "server: {rooms: {grace: 1d}}",
    '1:25: server.rooms.grace: expected a duration from 0s to 10m (ms, s, m, h, d), got "1d"',
  ],
  [
    "server: {limits: {body_max: 32M}}",
    line(
      "1:29: server.limits.body_max",
      'expected a size from 1KiB to 1GiB (B, KB, KiB, MB, MiB, GB, GiB), got "32M"',
    ),
  ],
  [
    "server: {limits: {requests: {user: 5}}}",
    "1:36: server.limits.requests.user: expected a rate such as 20/s, 600/m or 1000/h, got 5",
  ],
  ...["8090", "a:b", "h:70000", "[::1", "1.2.3:80", "a b:1", "http://h:1"].map(
    (http) =>
      [
        `server: {http: '${http}'}`,
        line(
          `1:16: server.http`,
          `expected an address such as 127.0.0.1:8090, [::1]:8090 or :8090, got "${http}"`,
        ),
      ] as const,
  ),
  [
    "server: {trusted_proxies: [10.0.0.0/33]}",
    line(
      "1:28: server.trusted_proxies[0]",
      'expected an IP address or a range such as 10.0.0.0/8, got "10.0.0.0/33"',
    ),
  ],
  [
    "server: {cors: {origins: ['https://a.b/']}}",
    line(
      "1:27: server.cors.origins[0]",
      'expected * or an origin such as https://example.com, got "https://a.b/"',
    ),
  ],
  [
    "server: {rtc: {listen_ip: localhost}}",
    '1:27: server.rtc.listen_ip: expected an IP address, got "localhost"',
  ],
  [
    "server: {rtc: {announced_ip: [a, 1.2.3.4.5]}}",
    '1:34: server.rtc.announced_ip[1]: expected an IP address or a host name, got "1.2.3.4.5"',
  ],
  [
    "server: {rtc: {ice_servers: [{urls: http://x}]}}",
    line(
      "1:37: server.rtc.ice_servers[0].urls[0]",
      'expected a URL such as stun:host:3478 or turn:host, got "http://x"',
    ),
  ],
  [
    "server: {rtc: {ice_servers: [{}]}}",
    "1:30: server.rtc.ice_servers[0].urls: missing, expected a list of at most 8",
  ],
  [
    "server: {rtc: {ice_servers: [5]}}",
    "1:30: server.rtc.ice_servers[0]: expected a group of keys, got 5",
  ],
  [
    "server: {rtc: {port: 32767, workers: 2}}",
    "1:22: server.rtc.port: 2 workers from port 32767 would end above 32767",
  ],
  [
    "server: {features: {a: 1}}",
    "1:20: server.features: expected all, none or a list of names, got a group of keys",
  ],
  [
    "server: {features: [9]}",
    "1:21: server.features[0]: expected a name of letters, digits and _ (at most 64), got 9",
  ],
  ["namespaces: 5", "1:13: namespaces: expected a list of at most 1000 groups of keys, got 5"],
  [
    "namespaces: [{name: a}, {name: b}, {name: a}]",
    '1:43: namespaces[2].name: "a" repeats namespaces[0].name',
  ],
  [
    "namespaces: [{nam: a}]",
    '1:15: unknown key "namespaces[0].nam": did you mean "name"?',
    "1:14: namespaces[0].name: missing, expected a name of letters, digits and _ - (at most 64)",
  ],
  [
    "namespaces: [{name: a.b}]",
    '1:21: namespaces[0].name: expected a name of letters, digits and _ - (at most 64), got "a.b"',
  ],
  [
    "namespaces: [{name: a, history: {ttl: soon}}]",
    line(
      "1:39: namespaces[0].history.ttl",
      'expected a duration from 1s to 365d (ms, s, m, h, d), got "soon"',
    ),
  ],
  [
    "channels: [{pattern: x, namespace: chta}]\nnamespaces: [{name: chat}]",
    '1:36: channels[0].namespace: no namespace is called "chta": did you mean "chat"?',
  ],
  [
    "channels: [{pattern: x}]",
    "1:12: channels[0].namespace: missing, expected a name of letters, digits and _ - (at most 64)",
  ],
  [
    "channels: [{pattern: 'a::b', namespace: n}]\nnamespaces: [{name: n}]",
    line(
      "1:22: channels[0].pattern",
      'expected a channel name of 1 to 200 characters such as "chat:*", got "a::b"',
    ),
  ],
  [
    "rpc_proxies: [{method: m, url: 'http://a'}, {method: m, url: 'http://b'}]",
    '1:54: rpc_proxies[1].method: "m" repeats rpc_proxies[0].method',
  ],
  [
    "rpc_proxies: [{method: ping, url: 'http://a'}]",
    '1:24: rpc_proxies[0].method: "ping" is built in',
  ],
  [
    "rpc_proxies: [{method: m, url: 'ftp://u:hunter2@a'}]",
    "1:32: rpc_proxies[0].url: expected an http or https URL without user and password",
  ],
  [
    "rpc_proxies: [{method: m, url: 'http://a', timeout: 2h}]",
    '1:53: rpc_proxies[0].timeout: expected a duration from 1ms to 1m (ms, s, m, h, d), got "2h"',
  ],
  ["a: 1\nb: 2\n", '1:1: unknown key "a"', '2:1: unknown key "b"'],
];

test.each(REFUSED)("%s is refused", (text, ...lines) => {
  expect(problems(text)).toEqual(lines);
});

test.each<[Partial<LoadOptions>, string[]]>([
  [
    { flags: { rtcPort: "abc" } },
    ['--rtc-port: expected a whole number from 1024 to 32767, got "abc"'],
  ],
  [
    { flags: { rtcPort: "1" }, env: { PORT: "x" } },
    [
      'PORT: expected a port from 0 to 65535, got "x"',
      '--rtc-port: expected a whole number from 1024 to 32767, got "1"',
    ],
  ],
  [
    { flags: { announcedIp: "1.2.3.4,a b" } },
    ['--announced-ip: expected an IP address or a host name, got "a b"'],
  ],
  [
    { flags: { rtcPort: true } },
    ["--rtc-port: expected a whole number from 1024 to 32767, got true"],
  ],
  [
    { env: { LOG_LEVEL: "loud" } },
    ['LOG_LEVEL: expected one of debug, info, warn, error, got "loud"'],
  ],
  [
    { env: { JWT_SECRET: "change-me" } },
    ["JWT_SECRET: expected text of 1 to 4096 characters other than change-me (numbers in quotes)"],
  ],
  [
    { env: { PB_ENCRYPTION_KEY: "hunter2" } },
    ["PB_ENCRYPTION_KEY: expected text of exactly 32 characters (numbers in quotes)"],
  ],
  [
    { flags: { features: "recrods" }, featureNames: ["records", "auth"] },
    ['--features: unknown feature "recrods": did you mean "records"?'],
  ],
])("flags and environment %j are refused by their names", (options, lines) => {
  expect(problems(undefined, options)).toEqual(lines);
});

test("a fault in the file is told even where a flag hides it", () => {
  expect(problems("server: {rtc: {port: 1}}", { flags: { rtcPort: "2000" } })).toHaveLength(1);
});

test("all faults are told together, twenty at most", () => {
  const text = Array.from({ length: 50 }, (_, i) => `zzzz${i}: 1`).join("\n");
  const lines = problems(text);
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe("and 30 more");
});

test("a ConfigError is an AppError with a line for each problem", () => {
  const error = (() => {
    try {
      return load("a: 1\nb: 2");
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(AppError);
  if (!(error instanceof ConfigError)) return;
  expect([error.kind, error.code, error.status]).toEqual(["invalid", "config_invalid", 400]);
  expect(error.data.problems).toEqual(error.problems);
  expect(error.message).toBe(`Configuration: ${FILE}:1:1: unknown key "a" (and 1 more)`);
});

test.each([
  "server: {rtc: {turn_secret: [hunter2]}}",
  "server: {rtc: {turn_secret: {hunter2: 1}}}",
  `server: {rtc: {turn_secret: ${"hunter2".repeat(100)}}}`,
  "server: {rtc: {ice_servers: [{urls: [stun:a], credential: [hunter2]}]}}",
  "server: {encryption_key: hunter2}",
  "server: {jwt_secret: 'a' hunter2}",
  "server:\n  jwt_secret: *hunter2",
  "server:\n  jwt_secret: !hunter2 x",
  'server:\n  jwt_secret: "a\\qhunter2"',
  "server:\n  jwt_secret: %hunter2",
  "server:\n  jwt_secret: [hunter2",
  'server:\n  jwt_secret: "hunter2',
  "server:\n  jwt_secret: a: hunter2",
  "server:\n  jwt_secret: a\n hunter2\n",
])("no problem shows the secret in %.60j", (text) => {
  const lines = problems(text);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join("\n")).not.toContain("hunter2");
});

test("the frozen configuration cannot be changed at any depth", () => {
  const { config } = load("namespaces: [{name: a}]\nserver: {rtc: {announced_ip: [a]}}");
  const attempts = [
    () => Object.assign(config, { server: 1 }),
    () => Object.assign(config.server.http, { port: 1 }),
    () => Object.assign(config.server.limits.requests.user, { count: 1 }),
    () => Object.assign(config.namespaces[0]?.history ?? {}, { size: 1 }),
    () => (config.server.rtc.announcedIp as string[]).push("b"),
  ];
  for (const attempt of attempts) expect(attempt).toThrow(TypeError);
});

test.each<[string, Partial<LoadOptions>, string]>([
  ["--config", { file: "a.yaml", env: { REALTIME_CONFIG_PATH: "b.yaml" } }, "a.yaml"],
  ["REALTIME_CONFIG_PATH", { env: { REALTIME_CONFIG_PATH: "b.yaml" }, defaultFile: "c" }, "b.yaml"],
  ["the given default", { env: { REALTIME_CONFIG_PATH: "" }, defaultFile: "c.yaml" }, "c.yaml"],
  ["the working directory", {}, FILE],
])("the file is the one of %s", (_, options, expected) => {
  const read: string[] = [];
  load("", { ...options, readFile: (path) => `# ${read.push(path)}` });
  expect(read).toEqual([expected]);
});

test("a missing file is an error only where it was named", () => {
  expect(problems(undefined, { file: "a.yaml" })).toEqual(["a.yaml: no such file"]);
  expect(problems(undefined, { env: { REALTIME_CONFIG_PATH: "b" } })).toEqual(["b: no such file"]);
  expect(problems(undefined, { defaultFile: "c.yaml" })).toEqual([]);
});

test("files on disk: read, missing, a directory, an endless device, not UTF-8", () => {
  const dir = mkdtempSync(join(tmpdir(), "config-"));
  const at = (name: string) => problems("", { file: join(dir, name), readFile: undefined });
  try {
    writeFileSync(join(dir, "good.yaml"), "\ufeffserver:\n  dir: x\n");
    writeFileSync(join(dir, "latin.yaml"), Buffer.from("server: {dir: \xe9}", "latin1"));
    expect(at("good.yaml")).toEqual([]);
    expect(at("none.yaml")).toEqual([`${dir}/none.yaml: no such file`]);
    expect(at("")[0]).toContain("cannot be read: EISDIR");
    expect(at("latin.yaml")[0]).toContain("cannot be read");
    const device = problems("", { file: "/dev/zero", readFile: undefined });
    expect(device).toEqual(["/dev/zero: cannot be read: the file is larger than 1048576 bytes"]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

const SHIPPED = readFileSync(join(import.meta.dir, "../../config/realtime.yaml"), "utf8");

test("the shipped file loads and changes nothing under server", () => {
  const { config } = load(SHIPPED);
  expect(config.server).toEqual(load(undefined).config.server);
  expect(config.channels.map(({ pattern }) => pattern)).toEqual(["public:*"]);
});

test("the defaults that the shipped file shows in comments are the real ones", () => {
  const shown = SHIPPED.replace(/^( *)#((?: {2})*[a-z_]+:)/gm, "$1$2");
  expect(shown).not.toBe(SHIPPED);
  expect(load(shown).config).toEqual(load(SHIPPED).config);
  const secrets = ["jwt_secret", "encryption_key", "metrics_token", "rtc.turn_secret"];
  const unset = secrets.map((name) => `server.${name}`);
  const { sources } = load(shown);
  for (const [path, { source }] of sources) {
    if (!unset.includes(path)) expect(`${path} ${source}`).toBe(`${path} file`);
  }
});
