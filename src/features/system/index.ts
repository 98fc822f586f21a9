/** The server about itself: liveness, readiness, what is on and what is off. */

import { Type } from "@sinclair/typebox";
import { fail } from "../../base/errors.ts";
import { isPrivileged } from "../../core/access.ts";
import { defineOperation, type Operation } from "../../core/operation.ts";
import type { Check, DisabledFeature, Feature } from "../../core/registry.ts";
import { Platform, type PlatformService } from "../platform/index.ts";
import { metricsOperation } from "./operations.ts";

export { scrapeTokens } from "./service.ts";

export interface SystemOptions {
  readonly version: string;
  /** Runs the checks of every feature that is on. */
  readonly checks: () => Promise<readonly Check[]>;
  readonly disabled: () => readonly DisabledFeature[];
  readonly enabled: () => readonly string[];
}

const CheckShape = Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() });

export function system(options: SystemOptions): Feature {
  return {
    name: "system",
    needs: ["platform"],
    collections: [],
    migrations: [],
    create: (host) => ({
      operations: [
        ...systemOperations(options, host.use(Platform)),
        metricsOperation(options.version, host),
      ],
    }),
  };
}

/** Headers that proxies set, beside those that the settings name. */
const PROXY_HEADERS = ["CF-Connecting-IP", "Fly-Client-IP", "X-Forwarded-For"];

/** Undefined headers: the request came by another wire. */
function proxyHeader(platform: PlatformService, headers: Headers | undefined): string {
  const names = [...platform.settings().trustedProxy.headers, ...PROXY_HEADERS];
  const valid = names.filter((name) => /^[\w-]+$/.test(name));
  return valid.find((name) => headers?.get(name)) ?? "";
}

function systemOperations(options: SystemOptions, platform: PlatformService): Operation[] {
  return [
    defineOperation({
      name: "health.live",
      kind: "read",
      summary: "Answers as long as the server runs",
      input: Type.Object({}),
      output: Type.Object({ message: Type.String(), code: Type.Integer(), data: Type.Unknown() }),
      access: "anyone",
      errors: [],
      dialect: "records",
      rest: [{ method: "GET", path: "/api/health" }],
      async run({ caller, request }) {
        const data = isPrivileged(caller)
          ? {
              canBackup: platform.backups.isFree,
              realIP: caller.ip,
              possibleProxyHeader: proxyHeader(platform, request?.headers),
            }
          : {};
        return { message: "The server is running.", code: 200, data };
      },
    }),
    defineOperation({
      name: "health.ready",
      kind: "read",
      summary: "Whether every part works; 503 names the ones that do not",
      input: Type.Object({}),
      output: Type.Object({ status: Type.String() }),
      access: "anyone",
      errors: ["not_ready"],
      rest: [{ method: "GET", path: "/api/health/ready" }],
      async run() {
        const broken = (await options.checks()).filter((check) => !check.ok);
        if (broken.length === 0) return { status: "ready" };
        const names = broken.map((check) => check.name);
        throw fail.unavailable("not_ready", `Not ready: ${names.join(", ")}.`, {
          data: { parts: names },
        });
      },
    }),
    defineOperation({
      name: "system.status",
      kind: "read",
      summary: "Version, features and checks, for operators",
      input: Type.Object({}),
      output: Type.Object({
        version: Type.String(),
        features: Type.Array(Type.String()),
        disabled: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() })),
        checks: Type.Array(CheckShape),
      }),
      access: "superuser",
      errors: [],
      rest: [{ method: "GET", path: "/api/system/status" }],
      run: async () => ({
        version: options.version,
        features: [...options.enabled()],
        disabled: [...options.disabled()],
        checks: [...(await options.checks())],
      }),
    }),
  ];
}
