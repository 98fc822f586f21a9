/** What `serve` prints once the server is ready. */

import { Auth } from "../src/features/auth/index.ts";
import { offeredAddresses } from "../src/infra/media/parameters.ts";
import { printable } from "./failure.ts";
import type { Invocation } from "./invocation.ts";
import type { RunningServer } from "./start.ts";

export interface Banner {
  readonly version: string;
  readonly url: string;
  readonly docs: string;
  readonly dir: string;
  /** The configuration file; null: none was found, defaults. */
  readonly config: string | null;
  /** `host:port` that clients send media to, UDP and TCP; empty: rooms carry none. */
  readonly media: readonly string[];
  /** Where the first superuser is made; null: there is one. */
  readonly setup: string | null;
  readonly disabled: readonly { readonly name: string; readonly reason: string }[];
}

export async function describeServer(call: Invocation, running: RunningServer): Promise<Banner> {
  const { app, url, media } = running;
  const { file, config } = await call.config();
  const off = config.server.rtc.enabled ? [] : [{ name: "media", reason: "rtc.enabled is false" }];
  return {
    version: app.version,
    url,
    docs: `${url}/api/docs`,
    dir: config.server.dir,
    config: file ?? null,
    media: media ? candidates(media) : [],
    setup: await setupLink(running),
    disabled: [...app.disabled, ...off],
  };
}

function candidates(media: NonNullable<RunningServer["media"]>): string[] {
  return Array.from({ length: media.workers }, (_, index) => media.port + index).flatMap((port) =>
    offeredAddresses(media).map((address) => hostPort(address, port)),
  );
}

function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function setupLink({ app, url }: RunningServer): Promise<string | null> {
  const auth = app.kernel.registry.service(Auth);
  const context = app.context();
  if (await auth.hasSuperuser(context)) return null;
  return `${url}/_/#/pbinstal/${await auth.setupToken(context)}`;
}

export function printBanner(call: Invocation, banner: Banner): void {
  const { output } = call;
  if (output.json) {
    // One line: whoever starts the server reads up to the first line break.
    output.line(JSON.stringify(banner));
    return;
  }
  const rows: [string, string][] = [
    ["server", banner.url],
    ["API docs", banner.docs],
    ["data", banner.dir],
    ["config", banner.config ?? "defaults (no file)"],
    ...banner.media.map((at): [string, string] => ["media", `${at} udp/tcp`]),
    ...banner.disabled.map(({ name, reason }): [string, string] => ["off", `${name}: ${reason}`]),
  ];
  if (banner.setup !== null) rows.push(["set-up", banner.setup]);
  output.line(`Parvis ${banner.version}`);
  for (const [name, value] of rows) output.line(`  ${name.padEnd(10)}${printable(value)}`);
  if (banner.setup !== null) {
    output.line("  Open the set-up link within 30 minutes to make the first superuser, or run:");
    output.line("  server superuser create EMAIL PASSWORD");
  }
}
