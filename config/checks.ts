/** Rules between keys: what one key says must fit another. */

import { suggest } from "../src/tools/suggest.ts";
import { type Place, type Problems, quoted } from "./language.ts";
import { RTC_PORT_MAX } from "./schema.ts";

/** Answered by the server itself, so a proxy of that name would never be asked. */
const BUILT_IN_METHODS: readonly unknown[] = ["stats", "ping", "time"];

export interface CheckOptions {
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: Problems;
  /** The features of this executable; undefined: names are not checked. */
  readonly featureNames: readonly string[] | undefined;
}

/** Adds what does not fit. Values that were refused before are missing and judged no further. */
export function checkBetween(options: CheckOptions): void {
  checkNamespaces(options);
  checkMethods(options);
  checkPorts(options);
  checkFeatures(options);
}

function checkNamespaces({ places, problems }: CheckOptions): void {
  const names = items(places, "namespaces", "name").map(([, place]) => String(place.value));
  for (const [path, place] of items(places, "channels", "namespace")) {
    const name = String(place.value);
    if (names.includes(name)) continue;
    const near = suggest(name, names);
    const hint = near ? `: did you mean ${quoted(near)}?` : "";
    problems.addFor(place, path, `no namespace is called ${quoted(name)}${hint}`);
  }
}

function checkMethods({ places, problems }: CheckOptions): void {
  for (const [path, place] of items(places, "rpc_proxies", "method")) {
    if (!BUILT_IN_METHODS.includes(place.value)) continue;
    problems.addFor(place, path, `${quoted(String(place.value))} is built in`);
  }
}

function checkPorts({ places, problems }: CheckOptions): void {
  const port = places.get("server.rtc.port");
  const workers = places.get("server.rtc.workers");
  if (typeof port?.value !== "number" || typeof workers?.value !== "number") return;
  const last = port.value + workers.value - 1;
  if (last <= RTC_PORT_MAX) return;
  const span = `${workers.value} workers from port ${port.value}`;
  const message = `${span} would end above ${RTC_PORT_MAX}`;
  problems.addFor(port.source === "default" ? workers : port, "server.rtc.port", message);
}

function checkFeatures({ places, problems, featureNames }: CheckOptions): void {
  const place = places.get("server.features");
  if (!place || !featureNames || !Array.isArray(place.value)) return;
  for (const name of place.value.map(String)) {
    if (featureNames.includes(name)) continue;
    const near = suggest(name, featureNames);
    const hint = near ? `: did you mean ${quoted(near)}?` : "";
    problems.addFor(place, "server.features", `unknown feature ${quoted(name)}${hint}`);
  }
}

/** The places of one key in all items of a list, in the order of the file. */
function items(places: ReadonlyMap<string, Place>, list: string, key: string) {
  return [...places].filter(([path]) => path.startsWith(`${list}[`) && path.endsWith(`].${key}`));
}
