/** What `doctor` looks at, one function for each part. */

import { join } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { LIMITS } from "../src/base/limits.ts";
import type { ServerState } from "../src/infra/files/server-state.ts";
import {
  changedAt,
  fileExists,
  fileHash,
  freeBytes,
  writeProblem,
} from "../src/infra/machine/disk.ts";
import { openFileLimit, portProblem, tryProgram } from "../src/infra/machine/probes.ts";
import { type Answer, asAnswer, listOf, textOf } from "./answers.ts";
import type { Finding } from "./doctor.ts";
import { failureLines } from "./failure.ts";
import { type Invocation, VERSION, WORKER_VERSION } from "./invocation.ts";
import { findWorker, mediaConfig, wantsMedia } from "./media.ts";
import { operate } from "./operator.ts";
import { findServer } from "./running.ts";
import { nearName } from "./settings.ts";

/** What mediasoup's worker exits with when it is started by hand: it runs on this machine. */
const WORKER_ALONE_STATUS = 41;
const WORKER_LIMIT_MS = 5_000;

/** When this program was first written: a clock before that is wrong. */
const CLOCK_MIN = Date.UTC(2025, 0, 1);
/** Clocks differ a little between the machine and a network disk. */
const CLOCK_SLACK_MS = 5 * 60_000;

/** Never throws: what cannot be examined is a finding too. */
export async function examine(call: Invocation): Promise<Finding[]> {
  if (call.flag("url") !== undefined) return serverFindings(call);
  let loaded: LoadedConfig;
  try {
    loaded = await call.config();
  } catch (error) {
    const faults = failureLines(error).map((detail) => bad("config", detail));
    return [...faults, openFiles(), clock(call, undefined)];
  }
  const { config, file } = loaded;
  const findings = [good("config", file ?? "defaults (no file)"), openFiles()];
  const server = await attempt(findings, "server", () => findServer(config.server.dir));
  findings.push(clock(call, join(config.server.dir, "data.db")), ...dataDirectory(config));
  const part = async (name: string, look: () => Promise<Finding[]>) =>
    findings.push(...((await attempt(findings, name, look)) ?? []));
  if (!server) await part("database", () => database(call, loaded));
  await part("address", async () => [await address(config, server)]);
  await part("media worker", async () => [await worker(call, config)]);
  await part("media ports", () => mediaPorts(config, server));
  if (server) await part("server", () => serverFindings(call));
  else findings.push(good("server", "none runs on this data directory"));
  return findings;
}

async function attempt<T>(
  findings: Finding[],
  name: string,
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    findings.push(bad(name, failureLines(error)[0] ?? "failed"));
    return undefined;
  }
}

function good(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

function bad(name: string, detail: string, hint?: string): Finding {
  return { name, ok: false, detail, ...(hint === undefined ? {} : { hint }) };
}

function openFiles(): Finding {
  const limit = openFileLimit();
  if (limit === undefined) return good("open files", "the system does not say its limit");
  if (limit >= LIMITS.openFilesMin) return good("open files", `at most ${limit}`);
  const detail = `at most ${limit}, every connection needs one`;
  return bad("open files", detail, `raise it to ${LIMITS.openFilesMin}: ulimit -n, LimitNOFILE=`);
}

function clock(call: Invocation, newestFile: string | undefined): Finding {
  const now = call.clock.now();
  const latest = Math.max(CLOCK_MIN, newestFile ? (changedAt(newestFile) ?? 0) : 0);
  const detail = new Date(now).toISOString();
  if (now >= latest - CLOCK_SLACK_MS) return good("clock", detail);
  const before = `${detail}, but the data was written at ${new Date(latest).toISOString()}`;
  return bad("clock", before, "set the machine's clock: tokens and ids depend on it");
}

function dataDirectory({ server: { dir } }: Config): Finding[] {
  const problem = writeProblem(dir);
  if (problem !== undefined) {
    return [bad("data directory", `${dir} cannot be written: ${problem}`, "mend it, or use --dir")];
  }
  const free = freeBytes(dir);
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  const space =
    free >= LIMITS.diskFreeBytesMin
      ? good("disk", detail)
      : bad("disk", detail, "make room: without it every write fails");
  return [good("data directory", dir), space];
}

async function database(call: Invocation, loaded: LoadedConfig): Promise<Finding[]> {
  const { DATABASE_FILE, knownFeatures, openData } = await import("../src/app.ts");
  const { migrationStatus } = await import("../src/infra/db/migrations.ts");
  const { config } = loaded;
  if (!fileExists(join(config.server.dir, DATABASE_FILE))) {
    return [good("database", "none yet, the first start makes it")];
  }
  const parts = call.parts(loaded);
  const data = await openData(config, knownFeatures(config, parts), parts);
  try {
    const rows = await migrationStatus(data.db, data.migrations, data.dormant);
    const newer = rows.filter(({ name, known }) => !known && name.startsWith("parvis/"));
    if (newer.length > 0) {
      const detail = `made by a newer version: it has ${newer.map(({ name }) => name).join(", ")}`;
      return [bad("database", detail, "use the newer executable")];
    }
    const pending = rows.filter(({ appliedAt }) => appliedAt === null).length;
    const then = pending > 0 ? `, ${pending} pending, the next start applies them` : "";
    return [
      good("database", `opens, ${rows.length - pending} migrations applied${then}`),
      ...data.disabled.map(({ name, reason }) => good(`feature ${name}`, `off: ${reason}`)),
    ];
  } finally {
    await data.db.close();
  }
}

async function address(config: Config, server: ServerState | undefined): Promise<Finding> {
  const { host, port } = config.server.http;
  const shown = `${host}:${port}`;
  if (server && Number(new URL(server.url).port) === port) {
    return good("address", `${shown} is held by the running server, process ${server.pid}`);
  }
  if (port === 0) return good("address", `${shown}, any free port`);
  const problem = await portProblem({ host, port, protocol: "tcp" });
  if (problem === undefined) return good("address", `${shown} is free`);
  return bad(
    "address",
    `${shown} cannot be opened: ${problem}`,
    "stop what holds it, or use --http",
  );
}

async function worker(call: Invocation, config: Config): Promise<Finding> {
  if (!wantsMedia(config)) return good("media worker", "not needed: no live rooms are configured");
  const path = await findWorker(call.terminal, config);
  const name = nearName(call.terminal, path);
  const hint = "build it with ./install.sh, or set server.rtc.worker_path";
  if (!fileExists(path)) return bad("media worker", `${name} is missing`, hint);
  const outcome = await tryProgram(path, WORKER_LIMIT_MS);
  if (outcome === WORKER_ALONE_STATUS) {
    return good("media worker", `mediasoup ${WORKER_VERSION}, ${fileHash(path)}, ${name}`);
  }
  const how = typeof outcome === "number" ? `it exits with ${outcome}` : outcome;
  return bad("media worker", `${name} does not run: ${how}`, hint);
}

async function mediaPorts(config: Config, server: ServerState | undefined): Promise<Finding[]> {
  if (!wantsMedia(config)) return [];
  const { workers, port, listenIp: host } = mediaConfig(config, "");
  const last = port + workers - 1;
  const shown = `${host}:${port}${last > port ? `-${last}` : ""} udp/tcp`;
  if (server) return [good("media ports", `${shown}, asked through the running server below`)];
  const ports = Array.from({ length: workers }, (_, index) => port + index).flatMap((one) =>
    (["udp", "tcp"] as const).map((protocol) => ({ host, port: one, protocol })),
  );
  const faults: Finding[] = [];
  for (const one of ports) {
    const problem = await portProblem(one);
    if (problem === undefined) continue;
    const detail = `${one.port}/${one.protocol} cannot be opened: ${problem}`;
    faults.push(bad("media ports", detail, "stop what holds it, or use --rtc-port"));
  }
  return faults.length > 0 ? faults : [good("media ports", `${shown} are free`)];
}

/** What the running server says of itself, and whether its media ports answer. */
async function serverFindings(call: Invocation): Promise<Finding[]> {
  const findings: Finding[] = [];
  await attempt(findings, "server", async () => {
    const [status, candidates] = await operate(call, { live: true }, async (operator) => {
      const state = asAnswer(await operator.call("system.status", {}));
      const hasRooms = Array.isArray(state.features) && state.features.includes("rooms");
      const asked = hasRooms ? asAnswer(await operator.call("rooms.check", {})) : undefined;
      return [state, asked ? listOf(asked, "candidates") : []] as const;
    });
    findings.push(...statusFindings(status), ...candidates.map(candidateFinding));
  });
  return findings;
}

function statusFindings(status: Answer): Finding[] {
  const version = textOf(status, "version");
  const differs = version === VERSION ? "" : `, this program is ${VERSION}`;
  const checks = listOf(status, "checks").map((check) => ({
    name: `server: ${textOf(check, "name")}`,
    ok: check.ok === true,
    detail: textOf(check, "detail"),
  }));
  const off = listOf(status, "disabled").map((feature) =>
    good(`server: ${textOf(feature, "name")}`, `off: ${textOf(feature, "reason")}`),
  );
  return [good("server", `version ${version}${differs}`), ...checks, ...off];
}

function candidateFinding(candidate: Answer): Finding {
  const { ok, port, protocol, address: host, rtt_ms: rttMs } = candidate;
  const name = `media ${host}:${port}/${protocol}`;
  if (ok === true) return good(name, `answers in ${Math.round(Number(rttMs ?? 0))} ms`);
  const hint = "open the port in the firewall, or mend server.rtc.announced_ip";
  return bad(name, textOf(candidate, "reason") || "does not answer", hint);
}
