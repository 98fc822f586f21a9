/** The response that a stream of events is sent on; the connection lives as long as its session. */

import { LIMITS } from "../../base/limits.ts";
import type { Session } from "../../core/session.ts";
import type { HttpCall } from "./call.ts";

export function eventStream(
  call: HttpCall,
  session: Session,
  body: ReadableStream<Uint8Array>,
): Response {
  const { request, server } = call;
  // An idle stream must outlive the server's idle timeout, and only the abort tells of its client.
  server?.timeout(request, 0);
  request.signal.addEventListener("abort", () => session.end("client_gone"));
  session.onEnd((reason) => {
    // What lies in the socket's buffer would otherwise wait for its reader for ever.
    if (reason === "slow_consumer") server?.timeout(request, LIMITS.slowReaderCloseMs / 1_000);
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}
