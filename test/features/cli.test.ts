/** The command line as a process: exit codes, what goes to which stream, and a server's life. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { cli, start, temporaryFolder } from "./cli-fixture.ts";

const matching = (pattern: RegExp) => expect.stringMatching(pattern);
const folder = temporaryFolder();
const cwd = folder.path;

let taken: Bun.TCPSocketListener;
let takenMedia: Bun.TCPSocketListener;

beforeAll(() => {
  const socket = { data: () => undefined };
  taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  takenMedia = listenLow(socket);
  writeFileSync(join(cwd, "file"), "");
  writeFileSync(join(cwd, "bad.yaml"), "server:\n  htp: 127.0.0.1:1\n  dir: 7\n");
});

afterAll(() => {
  taken.stop(true);
  takenMedia.stop(true);
  folder.remove();
});

/** Media ports are below those that the system gives out. */
function listenLow(socket: { data: () => undefined }) {
  for (let port = 24_000 + (process.pid % 4_000); ; port++) {
    try {
      return Bun.listen({ hostname: "0.0.0.0", port, socket });
    } catch (error) {
      if (port > 32_000) throw error;
    }
  }
}

const PORT = ["--http", "127.0.0.1:0"];
const NO_MEDIA = ["--features", "none", ...PORT];

interface Row {
  readonly name: string;
  readonly argv: () => readonly string[];
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

const rows: readonly Row[] = [
  {
    name: "version",
    argv: () => ["version"],
    code: 0,
    stdout: /^version\t\d+\.\d+\.\d+\nbun\t1\..*\nworker\tmediasoup 3\..*\nplatform\t\w+-\w+\n$/,
  },
  { name: "--version", argv: () => ["--version"], code: 0, stdout: /^\d+\.\d+\.\d+\n$/ },
  { name: "--help", argv: () => ["--help"], code: 0, stdout: /Exit codes: 0 done, 1 failed, 2/ },
  { name: "serve --help", argv: () => ["serve", "--help"], code: 0, stdout: /--rtc-port <port>/ },
  { name: "no command", argv: () => [], code: 2, stderr: /^Usage: server/ },
  {
    name: "an unknown command",
    argv: () => ["srve"],
    code: 2,
    stderr: /^error: unknown command 'srve' \(Did you mean serve\?\)\n$/,
  },
  {
    name: "an unknown flag",
    argv: () => ["serve", "--rtc-prt", "1"],
    code: 2,
    stderr: /^error: unknown option '--rtc-prt' \(Did you mean --rtc-port\?\)\n$/,
  },
  {
    name: "a flag's wrong value",
    argv: () => ["serve", "--http", "nowhere"],
    code: 2,
    stderr: /^error: --http: expected an address [^\n]*, got "nowhere"\n$/,
  },
  {
    name: "wrong keys of the configuration, a line each",
    argv: () => ["serve", "--config", "bad.yaml"],
    code: 2,
    stderr: /^error: bad\.yaml:2:3: unknown key "server\.htp"[^\n]*\nerror: bad\.yaml:3:[^\n]*\n$/,
  },
  {
    name: "a configuration file that is not there",
    argv: () => ["config", "check", "--config", "none.yaml"],
    code: 2,
    stderr: /^error: none\.yaml: no such file\n$/,
  },
  {
    name: "an unknown feature",
    argv: () => ["serve", "--features", "roms"],
    code: 2,
    stderr: /^error: --features: unknown feature "roms": did you mean "rooms"\?\n$/,
  },
  {
    name: "a taken address",
    argv: () => ["serve", "--features", "none", "--http", `127.0.0.1:${taken.port}`],
    code: 1,
    stderr: /^error: The address 127\.0\.0\.1:\d+ is taken by another program[^\n]*\n$/,
  },
  {
    name: "an address of another machine",
    argv: () => ["serve", "--features", "none", "--http", "203.0.113.9:0"],
    code: 1,
    stderr: /^error: Cannot listen on 203\.0\.113\.9:0: this machine does not have it\.\n$/,
  },
  {
    name: "a taken media port",
    argv: () => ["serve", ...PORT, "--dir", "media", "--rtc-port", String(takenMedia.port)],
    code: 1,
    stderr: /^error: Media port \d+ \(UDP and TCP\) [^\n]*\n$/,
  },
  {
    name: "a data directory that cannot be written",
    argv: () => ["serve", ...NO_MEDIA, "--dir", "file/pb_data"],
    code: 1,
    stderr: /^error: The data directory is not writable: [^\n]*file\/pb_data[^\n]*\n$/,
  },
  {
    name: "no data where a command needs some",
    argv: () => ["users", "list", "--dir", "typo"],
    code: 1,
    stderr: /^error: There is no data in [^\n]*typo yet[^\n]*\n$/,
  },
  {
    name: "live state without a running server",
    argv: () => ["rooms", "participants", "x", "--dir", "typo"],
    code: 1,
    stderr: /^error: This needs a running server[^\n]*\n$/,
  },
  {
    name: "a server that is not there",
    argv: () => ["users", "list", "--url", "http://127.0.0.1:1", "--token", "x"],
    code: 1,
    stderr: /^error: No server can be reached at http:\/\/127\.0\.0\.1:1\.\n$/,
  },
  { name: "hooks list", argv: () => ["hooks", "list", "--json"], code: 0, stdout: /^\[\]\n$/ },
];

describe("a command's exit code and its one line", () => {
  for (const { name, argv, code, stdout = /^$/, stderr = /^$/ } of rows) {
    test(name, async () => {
      const outcome = await cli(argv(), { cwd });
      expect(outcome.stderr).toMatch(stderr);
      expect(outcome.stdout).toMatch(stdout);
      expect(outcome.code).toBe(code);
    });
  }

  test("a data directory named wrongly is not made", () => {
    expect(existsSync(join(cwd, "typo"))).toBe(false);
  });
});

test("a password comes from the standard input, and debugging shows stacks", async () => {
  const options = { cwd, stdin: "from a pipe\n", env: { LOG_LEVEL: "debug" } };
  const argv = ["superuser", "upsert", "a@example.com", "--password-stdin", "--dir", "piped"];
  const made = await cli(argv, options);
  expect(made).toMatchObject({ code: 0, stdout: matching(/^made \w{15} a@example\.com\n$/) });
  expect(made.stderr).not.toContain("from a pipe");
  const both = await cli([...argv, "another password"], options);
  expect(both).toMatchObject({ code: 2, stderr: matching(/^error: .*\n.*\n +at /) });
});

/** A server with its banner read. */
async function serve(argv: readonly string[]) {
  const child = start(["serve", "--json", ...argv], { cwd });
  const reader = child.stdout.getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`no banner: ${await new Response(child.stderr).text()}`);
    line += new TextDecoder().decode(value);
  }
  return { child, banner: JSON.parse(line) as Record<string, unknown> & { url: string } };
}

describe("a running server", () => {
  const dir = "served";
  const inDir = ["--dir", dir];
  let server: Awaited<ReturnType<typeof serve>>;

  beforeAll(async () => {
    server = await serve([...NO_MEDIA, ...inDir]);
  });

  afterAll(() => server.child.kill("SIGKILL"));

  test("prints where it is, the set-up link, and what is off", async () => {
    const { banner } = server;
    expect(banner).toMatchObject({
      docs: `${banner.url}/api/docs`,
      dir: join(cwd, dir),
      config: null,
      media: [],
      disabled: [
        { name: "notices", reason: "not selected" },
        { name: "rooms", reason: "not selected" },
      ],
    });
    expect(banner.setup).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/_\/#\/pbinstal\/[\w.-]+$/);
    expect((await fetch(`${banner.url}/api/health`)).status).toBe(200);
  });

  test("leaves its secret to its owner only", async () => {
    const path = join(cwd, dir, ".server.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const state = JSON.parse(readFileSync(path, "utf8"));
    expect(state).toMatchObject({ url: server.banner.url, pid: server.child.pid });
    expect(state.secret).toMatch(/^op_[A-Za-z0-9]{43}$/);
  });

  test("is what commands talk to", async () => {
    const via = `via the running server at ${server.banner.url}\n`;
    const made = await cli(["superuser", "create", "root@example.com", "12345678", ...inDir], {
      cwd,
    });
    expect(made).toEqual({ code: 0, stdout: matching(/^made /), stderr: via });
    const listed = await cli(["users", "superuser", "list", ...inDir, "--json"], { cwd });
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(listed.stdout)).toMatchObject({
      items: [{ email: "root@example.com", collectionName: "_superusers" }],
      totalItems: 1,
    });
    const twice = await cli(["superuser", "create", "root@example.com", "12345678", ...inDir], {
      cwd,
    });
    expect(twice).toMatchObject({
      code: 1,
      stdout: "",
      stderr: matching(/email: Value must be unique\.\n$/),
    });
    const gone = await cli(["users", "show", "no@example.com", ...inDir], { cwd });
    expect(gone).toMatchObject({
      code: 1,
      stderr: matching(/^error: There is no account no@.*\n$/),
    });
  });

  test("is reached by its address with a superuser's token", async () => {
    const { url } = server.banner;
    const signIn = await fetch(`${url}/api/collections/_superusers/auth-with-password`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ identity: "root@example.com", password: "12345678" }),
    });
    const { token } = (await signIn.json()) as { token: string };
    const at = ["--dir", "elsewhere", "--url", `${url}/`];
    const show = ["users", "show", "root@example.com", "--collection", "_superusers", ...at];
    expect(await cli([...show, "--token", token], { cwd })).toMatchObject({ code: 0 });
    expect(await cli(show, { cwd })).toMatchObject({
      code: 1,
      stderr: matching(/^error: [^\n]*\n$/),
    });
  });

  test("says which feature a command lacks", async () => {
    const outcome = await cli(["rooms", "list", ...inDir], { cwd });
    const stderr = "error: The feature rooms is off: not selected.\n";
    expect(outcome).toEqual({ code: 1, stdout: "", stderr });
  });

  test("keeps a second server and migrations off its data", async () => {
    const second = await cli(["serve", ...NO_MEDIA, ...inDir], { cwd });
    expect(second).toMatchObject({
      code: 1,
      stderr: matching(/^error: A server runs on .* already[^\n]*\n$/),
    });
    const down = await cli(["migrate", "down", "--yes", ...inDir], { cwd });
    expect(down).toMatchObject({
      code: 1,
      stderr: matching(/^error: A server runs on .*: stop it first\.\n$/),
    });
    expect((await cli(["migrate", "up", ...inDir, "--features", "none"], { cwd })).code).toBe(0);
    const up = await cli(["migrate", "up", ...inDir], { cwd });
    expect(up).toMatchObject({ code: 1, stderr: matching(/stop it first/) });
  });

  test("is examined by doctor", async () => {
    const outcome = await cli(["doctor", ...inDir, "--features", "none", "--json"], { cwd });
    const { checks } = JSON.parse(outcome.stdout) as { checks: { name: string; ok: boolean }[] };
    expect(checks).toContainEqual(expect.objectContaining({ name: "server: database", ok: true }));
  });

  test("stops on SIGTERM with exit code 0 and leaves no trace of running", async () => {
    server.child.kill("SIGTERM");
    expect(await server.child.exited).toBe(0);
    const lines = (await new Response(server.child.stderr).text()).trim().split("\n");
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toContainEqual(matching(/^ready in \d+ ms$/));
    expect(messages.slice(-2)).toEqual(["stopping", "stopped"]);
    expect(existsSync(join(cwd, dir, ".server.json"))).toBe(false);
    const listed = await cli(["superuser", "list", ...inDir], { cwd });
    expect(listed).toMatchObject({ code: 0, stdout: matching(/root@example\.com/) });
    expect(listed.stderr).toBe(`via the data directory ${join(cwd, dir)}\n`);
  });
});

test("what a killed server left behind does not hold commands up", async () => {
  const { child } = await serve([...NO_MEDIA, "--dir", "killed"]);
  child.kill("SIGKILL");
  await child.exited;
  const state = join(cwd, "killed/.server.json");
  expect(existsSync(state)).toBe(true);
  // The worst case: the process id is another program's now.
  const left = JSON.parse(readFileSync(state, "utf8"));
  writeFileSync(state, JSON.stringify({ ...left, pid: process.pid }));
  const listed = await cli(["users", "list", "--dir", "killed"], { cwd });
  expect(listed).toMatchObject({ code: 0, stderr: matching(/^via the data directory /) });
});

test("a second signal ends a server that waits for a request", async () => {
  const { child, banner } = await serve([...NO_MEDIA, "--dir", "signalled"]);
  const { hostname, port } = new URL(banner.url);
  const request =
    "POST /api/collections/users/records HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n";
  const socket = connect(Number(port), hostname, () => socket.write(`${request}\r\n{`));
  socket.on("error", () => undefined);
  // The answer of a later connection: by then the server has read the half request.
  await fetch(`${banner.url}/api/health`, { headers: { connection: "close" } });
  const again = setInterval(() => child.kill("SIGTERM"), 150);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(1);
  clearInterval(again);
  socket.destroy();
});
