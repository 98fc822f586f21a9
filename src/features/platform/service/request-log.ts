/** An HTTP request as an entry of the log. */

import { LIMITS } from "../../../base/limits.ts";
import type { Caller } from "../../../core/access.ts";
import type { Arrival, Departure } from "../../../core/traffic.ts";
import type { LogsSettings } from "../../records/index.ts";
import { LEVELS, type LogBook } from "./log-book.ts";

interface Handled {
  readonly arrival: Arrival;
  readonly departure: Departure;
}

/** On the path of every request: 5 µs where there is an entry, 0.4 where there is none. */
export function logRequest(book: LogBook, settings: LogsSettings, handled: Handled): void {
  const { departure } = handled;
  const failed = departure.error !== undefined || departure.status >= 400;
  if (departure.quiet && !failed) return;
  book.add(failed ? LEVELS.error : LEVELS.info, () => described(handled, settings, failed));
}

function described({ arrival, departure }: Handled, settings: LogsSettings, failed: boolean) {
  const { request } = arrival;
  const method = cut(request.method, LIMITS.logMethodCharsMax);
  const url = cut(address(arrival), LIMITS.logUrlCharsMax);
  const data = {
    ...account(departure.caller, settings),
    ...(failed ? reason(departure) : undefined),
    execTime: Math.round(departure.tookMs * 1_000) / 1_000,
    method,
    referer: cut(request.headers.get("referer") ?? "", LIMITS.logHeaderCharsMax),
    ...(settings.logIP ? { remoteIP: arrival.origin.peer } : undefined),
    status: departure.status,
    type: "request",
    url,
    userAgent: cut(request.headers.get("user-agent") ?? "", LIMITS.logHeaderCharsMax),
    ...(settings.logIP ? { userIP: arrival.origin.ip } : undefined),
  };
  return { message: `${method} ${readable(url)}`, data };
}

function account(caller: Caller | undefined, settings: LogsSettings) {
  if (caller?.kind !== "user" && caller?.kind !== "superuser") return { auth: "" };
  const auth = caller.collection;
  return settings.logAuthId ? { auth, authId: caller.id } : { auth };
}

function reason({ error, status }: Departure) {
  if (!error) return { details: null, error: `Answered with status ${status}.` };
  const details = Object.keys(error.data).length > 0 ? error.data : null;
  return { details, error: error.message };
}

/** A token in the address would be good for whoever reads the log. */
function address({ pathname, search }: Arrival): string {
  if (search === "" || !/token=/i.test(search)) return pathname + search;
  return pathname + search.replace(/([?&][^=&]*token=)[^&]*/gi, "$1[hidden]");
}

function readable(url: string): string {
  if (!url.includes("%")) return url;
  try {
    return decodeURIComponent(url);
  } catch {
    // A lone percent sign.
    return url;
  }
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}...` : text;
}
