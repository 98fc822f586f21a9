/**
 * A participant's signalling: an event stream over fetch that comes back by itself. fetch and not
 * EventSource, because the status of a refusal says whether trying again makes sense.
 */

import { ApiError } from "./api.ts";
import { Backoff } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import { type RoomEvent, readEvent } from "./shapes.ts";

/** The server sends something at least every 15 s; three of them missed: the connection is dead. */
const SILENCE_MS = 45_000;
const EVENT_CHARS_MAX = 1024 * 1024;

export interface SignallingOptions {
  readonly environment: Environment;
  open(signal: AbortSignal): Promise<Response>;
  onEvent(event: RoomEvent): void;
  /** The server does not know this participation any more. Nothing follows. */
  onGone(error: ApiError): void;
}

export class Signalling {
  readonly #options: SignallingOptions;
  readonly #backoff: Backoff;
  #controller: AbortController | undefined;
  #cancelRetry: (() => void) | undefined;
  #stopped = false;

  constructor(options: SignallingOptions) {
    this.#options = options;
    const times = { firstMs: 500, mostMs: 15_000, tries: Number.POSITIVE_INFINITY };
    this.#backoff = new Backoff(times, options.environment.random);
  }

  start(): void {
    if (this.#stopped || this.#controller) return;
    const controller = new AbortController();
    this.#controller = controller;
    void this.#read(controller).then((error) => this.#ended(error));
  }

  /** Ends the stream for good. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#controller?.abort();
  }

  /** Reads one connection to its end; what ended it, undefined when the server closed it. */
  async #read(controller: AbortController): Promise<unknown> {
    let cancelWatch = this.#watch(controller);
    try {
      const response = await this.#options.open(controller.signal);
      const parser = new EventStreamParser();
      const decoder = new TextDecoder();
      const reader = response.body?.getReader();
      while (reader) {
        const { value, done } = await reader.read();
        if (done) break;
        cancelWatch();
        cancelWatch = this.#watch(controller);
        this.#backoff.reset();
        for (const text of parser.push(decoder.decode(value, { stream: true }))) {
          if (!this.#stopped) this.#options.onEvent(readEvent(JSON.parse(text)));
        }
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      cancelWatch();
      controller.abort();
    }
  }

  #watch(controller: AbortController): () => void {
    return this.#options.environment.after(SILENCE_MS, () => controller.abort());
  }

  #ended(error: unknown): void {
    this.#controller = undefined;
    if (this.#stopped) return;
    if (error instanceof ApiError && [401, 403, 404, 410].includes(error.status)) {
      this.#stopped = true;
      this.#options.onGone(error);
      return;
    }
    const waitMs = this.#backoff.next() ?? 0;
    this.#cancelRetry = this.#options.environment.after(waitMs, () => this.start());
  }
}

/**
 * The event stream format of the HTML standard (section "Server-sent events"), as far as the room
 * needs it: the data of unnamed events. Lines may end in LF, CRLF or CR.
 */
export class EventStreamParser {
  #rest = "";
  #data: string[] = [];
  #named = false;

  /** The data of every event that the chunk completed. Error: an event above 1 Mi characters. */
  push(chunk: string): string[] {
    const events: string[] = [];
    const text = this.#rest + chunk;
    // A CR at the very end may be half of a CRLF: it waits for the next chunk.
    const end = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + text.slice(end);
    if (this.#rest.length > EVENT_CHARS_MAX) throw new RangeError("The event is too long.");
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #line(line: string): string | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    if (field === "event") this.#named = value !== "" && value !== "message";
    return undefined;
  }

  #dispatch(): string | undefined {
    const event = this.#named || this.#data.length === 0 ? undefined : this.#data.join("\n");
    this.#data = [];
    this.#named = false;
    return event;
  }
}
