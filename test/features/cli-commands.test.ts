/** The command line in this process: what commands do to a data directory, and how they print. */

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeOperations } from "../../cli/operations.ts";
import { describeRequest } from "../../cli/request.ts";
import { loadConfig } from "../../config/load.ts";
import { FakeClock } from "../../src/base/clock.ts";
import { fakeIds } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import { readInput } from "../../src/wires/http/input.ts";
import { onTerminal, temporaryFolder } from "./cli-fixture.ts";

const matching = (pattern: RegExp) => expect.stringMatching(pattern);
const folder = temporaryFolder();
const cwd = folder.path;
afterAll(() => folder.remove());

function json(argv: readonly string[]) {
  return onTerminal([...argv, "--json"], { cwd }).then((outcome) => {
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    return JSON.parse(outcome.stdout);
  });
}

describe("users with the server stopped", () => {
  const dir = ["--dir", "users"];
  const ann = "ann@example.com";

  test("an account is made, listed, shown, changed and deleted", async () => {
    const made = await json(["users", "create", ann, "a password", "--name", "Ann", ...dir]);
    expect(made).toMatchObject({ email: ann, name: "Ann", collectionName: "users" });
    expect(made).not.toHaveProperty("password");
    expect(await json(["users", "list", ...dir])).toMatchObject({
      items: [{ id: made.id }],
      page: 1,
      perPage: 100,
      totalItems: 1,
      totalPages: 1,
    });
    for (const identity of [ann, made.id]) {
      expect(await json(["users", "show", identity, ...dir])).toMatchObject({ id: made.id });
    }
    expect(await json(["users", "password", ann, "a new one", ...dir])).toMatchObject({
      id: made.id,
    });
    expect(await json(["users", "delete", ann, ...dir])).toEqual({
      deleted: { id: made.id, email: ann },
    });
    expect(await json(["users", "list", ...dir])).toMatchObject({ items: [], totalItems: 0 });
  });

  test("a superuser is made once, changed after that, and the last one stays", async () => {
    const upsert = ["superuser", "upsert", "root@example.com"];
    const first = await onTerminal([...upsert, "12345678", ...dir], { cwd });
    expect(first).toMatchObject({ code: 0, stdout: matching(/^made /) });
    const again = await onTerminal([...upsert, "87654321", ...dir], { cwd });
    expect(again).toMatchObject({ code: 0, stdout: matching(/^changed /) });
    const otp = await onTerminal(["superuser", "otp", "root@example.com", ...dir], { cwd });
    expect(otp.stderr).toBe("error: The collection has no sign-in by one-time password.\n");
    const gone = ["users", "superuser", "delete", "root@example.com", ...dir];
    expect(await onTerminal(gone, { cwd })).toMatchObject({
      code: 1,
      stderr: "error: The last superuser cannot be deleted.\n",
    });
    expect(await json(["users", "superuser", "list", ...dir])).toMatchObject({ totalItems: 1 });
  });

  const faults: readonly [string, readonly string[], number, RegExp][] = [
    ["a short password", ["users", "create", ann, "short"], 1, /^error: .*: password: Must be at /],
    ["no password", ["users", "create", ann], 2, /^error: Give the password /],
    ["an unknown account", ["users", "delete", "no@one.org"], 1, /^error: There is no account no@/],
    [
      "an unknown collection",
      ["users", "list", "--collection", "x"],
      1,
      /no auth collection x\.$/m,
    ],
    ["a page that is no number", ["users", "list", "--page", "x"], 2, /^error: --page takes /],
    ["too large a page", ["users", "list", "--limit", "1001"], 2, /^error: --limit takes /],
    ["a token without a server", ["users", "list", "--token", "x"], 2, /^error: --token needs /],
    ["an address that is none", ["users", "list", "--url", "x"], 2, /^error: --url takes /],
  ];
  for (const [name, argv, code, stderr] of faults) {
    test(`${name}: exit ${code} and one line`, async () => {
      const outcome = await onTerminal([...argv, ...dir], { cwd });
      expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
      expect(outcome).toMatchObject({ code, stdout: "", stderr: matching(stderr) });
    });
  }
});

describe("rooms with the server stopped", () => {
  const dir = ["--dir", "rooms"];

  test("a room is made, listed, shown and closed", async () => {
    const made = await json(["rooms", "create", "Lobby", "--type", "audio", "--private", ...dir]);
    expect(made).toMatchObject({ name: "Lobby", room_type: "audio", is_public: false });
    const id = made.room_id;
    expect(await json(["rooms", "list", ...dir])).toMatchObject({ items: [{ room_id: id }] });
    expect(await json(["rooms", "close", id, ...dir])).toEqual({ closed: id });
    expect(await json(["rooms", "show", id, ...dir])).toMatchObject({ is_active: false });
    const again = await onTerminal(["rooms", "close", id, ...dir], { cwd });
    expect(again).toMatchObject({ code: 1, stderr: "error: The room is closed.\n" });
  });

  for (const argv of [["kick", "a", "b"], ["participants", "a"], ["check"]]) {
    test(`${argv[0]} needs a running server`, async () => {
      const outcome = await onTerminal(["rooms", ...argv, ...dir], { cwd });
      expect(outcome).toMatchObject({ code: 1, stderr: matching(/^error: This needs a running/) });
    });
  }
});

describe("migrate", () => {
  const dir = ["--dir", "migrated"];
  const names = async () => {
    const rows: { name: string; applied: string | null }[] = await json([
      "migrate",
      "status",
      ...dir,
    ]);
    return rows.map(({ name, applied }) => `${name} ${applied === null ? "pending" : "applied"}`);
  };

  test("up applies everything once, down takes the last back, up applies it again", async () => {
    const { applied } = await json(["migrate", "up", ...dir]);
    expect(applied).toContain("parvis/0001_records");
    expect(await json(["migrate", "up", ...dir])).toEqual({ applied: [] });
    const last = applied.at(-1);
    expect(await json(["migrate", "down", "--yes", ...dir])).toEqual({ reverted: [last] });
    expect(await names()).toContain(`${last} pending`);
    expect(await json(["migrate", "up", ...dir])).toEqual({ applied: [last] });
    expect(await names()).toEqual(applied.map((name: string) => `${name} applied`));
  });

  const answers: readonly [string, number | undefined, string, number][] = [
    ["no terminal to ask on", undefined, "y", 2],
    ["no", 80, "n", 1],
    ["yes", 80, "y", 0],
  ];
  for (const [name, columns, answer, code] of answers) {
    test(`down asks before it takes anything back: ${name}`, async () => {
      const before = await names();
      const terminal = { cwd, answer, ...(columns === undefined ? {} : { columns }) };
      const outcome = await onTerminal(["migrate", "down", "1", ...dir], terminal);
      expect(outcome.code).toBe(code);
      expect(outcome.asked).toHaveLength(columns === undefined ? 0 : 1);
      const after = await names();
      expect(code === 0 ? after : before).toEqual(after);
      expect(after.some((line) => line.endsWith("pending"))).toBe(code === 0);
    });
  }

  test("create writes a template and nothing over it", async () => {
    const { path } = await json(["migrate", "create", "add_city", ...dir]);
    expect(path).toMatch(/\/pb_migrations\/\d{10}_add_city\.ts$/);
    expect(readFileSync(path, "utf8")).toContain("migrate(\n  (app) => {");
    const wrong = await onTerminal(["migrate", "create", "../up", ...dir], { cwd });
    expect(wrong.code).toBe(2);
    expect(readdirSync(join(cwd, "pb_migrations"))).toHaveLength(1);
  });

  test("status and down make no data directory", async () => {
    for (const argv of [["status"], ["down", "--yes"]]) {
      const outcome = await onTerminal(["migrate", ...argv, "--dir", "none"], { cwd });
      expect(outcome).toMatchObject({ code: 1, stderr: matching(/^error: There is no data in /) });
    }
    expect(existsSync(join(cwd, "none"))).toBe(false);
  });
});

describe("configuration", () => {
  test("relative folders: flags from where one stands, others from beside the program", async () => {
    const base = join(cwd, "program");
    mkdirSync(join(base, "config"), { recursive: true });
    writeFileSync(join(base, "config/realtime.yaml"), "server: { public_dir: web }\n");
    const argv = ["config", "print", "--json", "--hooksDir", "scripts"];
    const { stdout } = await onTerminal(argv, { cwd, base });
    expect(JSON.parse(stdout)).toMatchObject({
      "server.hooks_dir": { value: join(cwd, "scripts"), source: "flag" },
      "server.public_dir": { value: join(base, "web"), source: "file" },
      "server.dir": { value: join(base, "pb_data"), source: "default" },
    });
  });

  test("check prints the problems as JSON too", async () => {
    writeFileSync(join(cwd, "wrong.yaml"), "sever: {}\n");
    const argv = ["config", "check", "--config", "wrong.yaml", "--json"];
    const { code, stdout, stderr } = await onTerminal(argv, { cwd });
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, problems: [matching(/"server"/)] });
    expect(await json(["config", "check"])).toEqual({ ok: true, file: null, problems: [] });
  });
});

describe("doctor", () => {
  const examine = async (argv: readonly string[]) => {
    const outcome = await onTerminal(["doctor", "--json", ...argv], { cwd });
    const { ok, checks } = JSON.parse(outcome.stdout) as {
      ok: boolean;
      checks: { name: string; ok: boolean; hint?: string }[];
    };
    expect(outcome.code).toBe(ok ? 0 : 1);
    return checks.filter((check) => !check.ok);
  };
  const sound = ["--features", "none", "--http", "127.0.0.1:0"];

  test("finds nothing wrong where nothing is, and makes nothing", async () => {
    expect(await examine([...sound, "--dir", "unmade"])).toEqual([]);
    expect(existsSync(join(cwd, "unmade"))).toBe(false);
  });

  test("names what is wrong, with a hint", async () => {
    writeFileSync(join(cwd, "file"), "");
    const inFile = [...sound, "--dir", "file/pb_data"];
    expect(await examine(inFile)).toMatchObject([{ name: "data directory", hint: matching(/./) }]);
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const http = ["--features", "none", "--http", `127.0.0.1:${taken.port}`];
    expect(await examine(http)).toMatchObject([{ name: "address", hint: matching(/--http/) }]);
    taken.stop(true);
    expect(await examine(["--rtc-port", "1"])).toMatchObject([{ name: "config" }]);
  });

  test("refuses a media worker that is none", async () => {
    writeFileSync(join(cwd, "worker.yaml"), "server: { rtc: { worker_path: /bin/true } }\n");
    const found = await examine(["--config", "worker.yaml", "--http", "127.0.0.1:0"]);
    expect(found).toContainEqual(expect.objectContaining({ name: "media worker" }));
  });
});

describe("printing", () => {
  const dir = ["--dir", "printed"];
  const list = ["rooms", "list", ...dir];

  test("a name cannot act on the terminal, and long ones give way", async () => {
    const names = ["\x1b[2J\tgone\nline", "日本語".repeat(40)];
    for (const name of names) await json(["rooms", "create", name, ...dir]);
    const { stdout } = await onTerminal(list, { cwd, columns: 90 });
    const [head = "", ...lines] = stdout.trimEnd().split("\n");
    const titles = head.replace("\x1b[1m", "<b>").replace("\x1b[22m", "</b>");
    expect(titles).toMatch(/^<b>ID +NAME +TYPE +INSIDE +PUBLIC +ACTIVE +CREATED<\/b>$/);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).not.toMatch(/\p{Cc}/u);
      expect(Bun.stringWidth(line)).toBeLessThanOrEqual(90);
    }
    expect(stdout).toContain("…");
    expect(stdout).toContain("[2J gone line");
  });

  test("NO_COLOR takes the bold head away", async () => {
    const { stdout } = await onTerminal(list, { cwd, columns: 90, env: { NO_COLOR: "1" } });
    expect(stdout).toMatch(/^ID +NAME/);
  });

  test("a pipe gets tab-separated lines without a head, whole", async () => {
    const { stdout } = await onTerminal(list, { cwd });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split("\t"))).toEqual([
      [matching(/^\w{15}$/), "日本語".repeat(40), "video", "0", "yes", "yes", matching(/^\d{4}-/)],
      [matching(/^\w{15}$/), "[2J gone line", "video", "0", "yes", "yes", matching(/^\d{4}-/)],
    ]);
  });

  test("a terminal is told when there is nothing, and when there is more", async () => {
    const none = await onTerminal(["hooks", "list"], { cwd, columns: 80 });
    expect(none.stdout).toBe("There are no hook scripts.\n");
    const page = await onTerminal([...list, "--limit", "1"], { cwd, columns: 80 });
    expect(page.stderr).toContain("page 1 of 2, 2 in all");
  });
});

describe("help", () => {
  const commands = [
    ["serve"],
    ["migrate", "down"],
    ["users", "create"],
    ["users", "superuser", "upsert"],
    ["superuser", "delete"],
    ["superuser", "otp"],
    ["rooms", "kick"],
    ["hooks", "list"],
    ["config", "print"],
    ["doctor"],
    ["version"],
  ];
  for (const command of commands) {
    test(`${command.join(" ")} --help`, async () => {
      const { code, stdout } = await onTerminal([...command, "--help"], { cwd });
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: server ${command.join(" ")} `));
      // The flags of the configuration are many: only where a server is started or examined.
      const isShown = ["serve", "config", "doctor"].includes(command[0] ?? "");
      expect(stdout.includes("--rtc-port <port>")).toBe(isShown);
      expect(stdout).toContain("--dir <path>");
      expect(stdout).not.toContain("--hooksDir");
    });
  }
});

describe("a call as a request", () => {
  const { config } = loadConfig({ flags: {}, env: {}, readFile: () => undefined });
  const clock = new FakeClock();
  const parts = { version: "0", clock, ids: fakeIds(clock), log: silentLog() };
  const operations = describeOperations(config, parts);

  const calls: readonly [string, Record<string, unknown>][] = [
    ["records.list", { collection: "users", page: "2", perPage: "5" }],
    ["auth.lookup", { collection: "users", identity: "a+b/c?d&e=f@example.com" }],
    ["records.create", { collection: "users", body: { email: "a@b.org", password: 'ä"\\' } }],
    ["records.update", { collection: "users", id: "x y", body: { name: "" } }],
    ["records.delete", { collection: "_superusers", id: "abc" }],
    ["rooms.create", { name: "A", room_type: "video", is_public: false }],
    ["rooms.participants", { room_id: "a", page: 1, perPage: 500 }],
    ["rooms.hangUp", { room_id: "a", participant_id: "b" }],
    ["rooms.check", {}],
    ["system.status", {}],
  ];
  for (const [name, input] of calls) {
    test(`${name} arrives as it was given`, async () => {
      // What a body may have depends on the collection, and there is none here.
      const operation = { ...operations.get(name)!, bodyBytesMax: 1_000 };
      const { method, path, body } = describeRequest(operation, input);
      const url = new URL(path, "http://localhost");
      const route = operation.rest[0]!.path.split("/");
      const given = url.pathname.split("/");
      const params = Object.fromEntries(
        route.flatMap((part, index) =>
          part.startsWith(":") ? [[part.slice(1), decodeURIComponent(given[index] ?? "")]] : [],
        ),
      );
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const request = new Request(url.href, { method, ...sent });
      const read = await readInput(operation, {
        request,
        params,
        query: url.searchParams,
        hasQuery: url.search !== "",
        bodyBytesMax: 1_000,
      });
      expect(read).toEqual(input);
    });
  }
});
