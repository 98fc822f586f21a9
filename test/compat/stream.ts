/** A reader of one event stream: events as they come, bounded, waited for with a time limit. */

export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

const EVENTS_MAX = 1_000;
const WAIT_MS = 5_000;

export class EventStream {
  readonly #events: StreamEvent[] = [];
  readonly #abort = new AbortController();
  #waiting: (() => void) | undefined;

  constructor(response: Response) {
    void this.#read(response);
  }

  /** Up to `count` events: fewer where they did not come in time. */
  async take(count: number): Promise<StreamEvent[]> {
    const late = Date.now() + WAIT_MS;
    while (this.#events.length < count && Date.now() < late) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, late - Date.now());
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#events.splice(0, count);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    this.#abort.signal.addEventListener("abort", () => void reader.cancel());
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        text += decoder.decode(value, { stream: true });
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) this.#push(block);
      }
    } catch {
      // The server ended or the stream was closed: what came before it counts.
    }
  }

  #push(block: string): void {
    const line = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1] ?? "";
    if (this.#events.length >= EVENTS_MAX) return;
    this.#events.push({ id: line("id"), event: line("event"), data: line("data") });
    this.#waiting?.();
  }
}
