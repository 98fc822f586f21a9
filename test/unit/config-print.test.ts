import { expect, test } from "bun:test";
import { loadConfig } from "../../config/load.ts";
import { CONFIG_FLAGS, configTable, printConfig } from "../../config/print.ts";

const load = (text: string | undefined, env: Record<string, string> = {}) =>
  loadConfig({ flags: { rtcPort: "2000" }, env, readFile: () => text });

const FILE = `
namespaces:
  - {name: chat, history: {ttl: 2d}, rate: {per_client: 7/m}}
channels:
  - {pattern: "a:*", namespace: chat, allowed_roles: ["true", "1"]}
server:
  dir: "007 # no comment"
  public_dir: "~"
  http: "[::1]:80"
  features: [records]
  trusted_proxies: ["::1", 10.0.0.0/8]
  limits: {body_max: 5MB}
  rtc:
    worker_path: "true"
    ice_servers: [{urls: [stun:a], username: u}]
`;

test("the printed defaults load to the defaults", () => {
  const defaults = loadConfig({ flags: {}, env: {}, readFile: () => undefined });
  const text = printConfig(load(FILE), { defaults: true });
  const again = loadConfig({ flags: {}, env: {}, readFile: () => text });
  expect(again.config).toEqual(defaults.config);
  expect(text).not.toContain("2000 ");
});

test("a printed configuration without secrets loads to the same", () => {
  const loaded = load(FILE);
  const again = loadConfig({ flags: {}, env: {}, readFile: () => printConfig(loaded) });
  expect(again.config).toEqual(loaded.config);
});

test("each line names its value's source", () => {
  const lines = printConfig(load(FILE, { LOG_LEVEL: "warn" })).split("\n");
  expect(lines).toContain("    level: warn # env LOG_LEVEL");
  expect(lines).toContain("    port: 2000 # flag --rtc-port");
  expect(lines).toContain('  dir: "007 # no comment" # file config/realtime.yaml:7:8');
  expect(lines).toContain("  hooks_dir: pb_hooks # default");
  expect(lines).toContain("channels: # file config/realtime.yaml:5:3");
});

const SECRETS = `
server:
  jwt_secret: hunter2
  rtc:
    turn_secret: hunter2
    ice_servers: [{urls: [turn:a], username: u, credential: hunter2}]
`;

test("secrets are hidden in text and JSON, and their absence is told", () => {
  const loaded = load(SECRETS, { PB_ENCRYPTION_KEY: "hunter2".padEnd(32, "!") });
  const text = printConfig(loaded);
  const json = printConfig(loaded, { json: true });
  expect(text + json).not.toContain("hunter2");
  expect(text).toContain("jwt_secret: [hidden] # file config/realtime.yaml:3:15");
  expect(text).toContain("encryption_key: [hidden] # env PB_ENCRYPTION_KEY");
  expect(text).toContain('credential: "[hidden]"');
  const printed = JSON.parse(json);
  expect(printed["server.rtc.turn_secret"].value).toBe("[hidden]");
  expect(printed["server.rtc.ice_servers"].value[0].credential).toBe("[hidden]");
  const unset = load(undefined);
  expect(printConfig(unset)).toContain("  # jwt_secret: (not set)");
  expect(JSON.parse(printConfig(unset, { json: true }))["server.jwt_secret"]).toEqual({
    value: "(not set)",
    source: "default",
  });
});

test("JSON has each value as the file would write it, with its source", () => {
  const printed = JSON.parse(printConfig(load(FILE), { json: true }));
  expect(printed["server.rtc.port"]).toEqual({ value: 2000, source: "flag", where: "--rtc-port" });
  expect(printed["server.limits.body_max"].value).toBe("5MB");
  expect(printed["server.http"].value).toBe("[::1]:80");
  expect(printed.namespaces.value[0].rate).toEqual({ per_client: "7/m" });
});

test("the table has a row for each key, items of lists included", () => {
  const table = configTable();
  const keys = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  expect(keys).toContain("namespaces[].history.ttl");
  expect(keys).toContain("server.rtc.ice_servers[].credential");
  expect(new Set(keys).size).toBe(keys.length);
  expect(table).toContain(
    "| `server.rtc.port` | number, 1024 to 32767 | `20000` | `--rtc-port` | UDP and TCP port",
  );
  expect(table).toContain("| `server.http` | host:port | `127.0.0.1:8090` | `--http`, `PORT` |");
  for (const row of table.trimEnd().split("\n")) expect(row.split(/(?<!\\)\|/)).toHaveLength(7);
  expect(keys).toContain("server.features");
});

test("each flag sets the key it names, under the attribute that commander makes of it", () => {
  const names = CONFIG_FLAGS.map(({ flag }) => flag.split(" ")[0]);
  expect(names).toEqual([
    "--http",
    "--dir",
    "--public-dir",
    "--hooks-dir",
    "--modules-dir",
    "--migrations-dir",
    "--features",
    "--log-level",
    "--log-format",
    "--origins",
    "--rtc-port",
    "--announced-ip",
  ]);
  const values: Record<string, string> = {
    "--http": "a:1",
    "--features": "none",
    "--log-level": "warn",
    "--log-format": "json",
    "--origins": "https://a.b",
    "--rtc-port": "2000",
    "--announced-ip": "1.2.3.4",
  };
  for (const { flag, path } of CONFIG_FLAGS) {
    const name = flag.split(" ")[0]!;
    const attribute = name.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    const flags = { [attribute]: values[name] ?? "x" };
    const { sources } = loadConfig({ flags, env: {}, readFile: () => undefined });
    expect(sources.get(path)).toEqual({ source: "flag", where: name });
  }
});
