/** A realtime client without a socket, and collections for it to listen to. */

import { settle } from "../../src/base/clock.ts";
import { Records, type Settings } from "../../src/features/records/index.ts";
import type { Answer, AppFixture } from "./app-fixture.ts";

export interface RealtimeEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape.
  readonly data: any;
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

export class Listener {
  clientId = "";
  /** Everything that came, as it came. */
  text = "";
  ended = false;
  readonly #fixture: AppFixture;
  readonly #abort = new AbortController();

  private constructor(fixture: AppFixture) {
    this.#fixture = fixture;
  }

  static async open(fixture: AppFixture, options: { reads?: boolean } = {}): Promise<Listener> {
    const listener = new Listener(fixture);
    const { signal } = listener.#abort;
    const response = await fixture.raw(new Request("http://localhost/api/realtime", { signal }));
    if (!response.body || response.status !== 200) throw new Error(`status ${response.status}`);
    const reader = response.body.getReader();
    const first = await reader.read();
    listener.text = new TextDecoder().decode(first.value);
    listener.clientId = (await listener.take())[0]?.data.clientId;
    if (options.reads !== false) void listener.#read(reader);
    else void reader.closed.catch(() => listener.#end());
    return listener;
  }

  /** Puts these topics in place of those before. */
  subscribe(topics: readonly unknown[], token?: string): Promise<Answer> {
    const body = { clientId: this.clientId, subscriptions: topics };
    return this.#fixture.request("POST", "/api/realtime", { body, token });
  }

  /** What came since the last time. */
  async take(): Promise<RealtimeEvent[]> {
    // What was written is looked at first, then sent.
    for (let turn = 0; turn < 3; turn++) await settle();
    const blocks = this.text.split("\n\n").slice(0, -1);
    this.text = "";
    return blocks.map((block) => {
      const [, id, event, data] = /^id:(.*)\nevent:(.*)\ndata:(.*)$/.exec(block) ?? [];
      if (data === undefined) throw new Error(`not an event: ${block}`);
      return { id: id ?? "", event: event ?? "", data: JSON.parse(data) };
    });
  }

  /** `action id` of each event since the last time. */
  async news(): Promise<string[]> {
    return (await this.take()).map(({ data }) => `${data.action} ${data.record.id}`);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(reader: Reader): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      this.text += decoder.decode(value, { stream: true });
    }
    this.#end();
  }

  #end(): void {
    this.ended = true;
  }
}

/** `posts/*?options=…` as the client library writes it. */
export function topic(name: string, query: object = {}, headers: object = {}): string {
  return `${name}?options=${encodeURIComponent(JSON.stringify({ query, headers }))}`;
}

const ID = {
  name: "id",
  type: "text",
  system: true,
  required: true,
  primaryKey: true,
  min: 1,
  max: 15,
  pattern: "^[a-z0-9]+$",
  autogeneratePattern: "[a-z0-9]{15}",
};

export const PUBLIC = {
  listRule: "",
  viewRule: "",
  createRule: "",
  updateRule: "",
  deleteRule: "",
};

export class Stage {
  readonly #fixture: AppFixture;
  readonly root: string;

  private constructor(fixture: AppFixture, root: string) {
    this.#fixture = fixture;
    this.root = root;
  }

  static async on(fixture: AppFixture): Promise<Stage> {
    return new Stage(fixture, await fixture.superuser());
  }

  /** Returns the collection's id. */
  async collection(name: string, fields: readonly object[], more: object = {}): Promise<string> {
    const body = { name, type: "base", ...PUBLIC, fields: [ID, ...fields], ...more };
    const made = await this.#fixture.request("POST", "/api/collections", {
      body,
      token: this.root,
    });
    if (made.status !== 200) throw new Error(JSON.stringify(made.body));
    return made.body.id;
  }

  rules(name: string, rules: object): Promise<Answer> {
    const options = { body: rules, token: this.root };
    return this.#fixture.request("PATCH", `/api/collections/${name}`, options);
  }

  create(collection: string, body: object, token: string | undefined = this.root) {
    const path = `/api/collections/${collection}/records`;
    return this.#fixture.request("POST", path, { body, token });
  }

  update(collection: string, id: string, body: object, token: string | undefined = this.root) {
    const path = `/api/collections/${collection}/records/${id}`;
    return this.#fixture.request("PATCH", path, { body, token });
  }

  delete(collection: string, id: string, token: string | undefined = this.root) {
    return this.#fixture.request("DELETE", `/api/collections/${collection}/records/${id}`, {
      token,
    });
  }

  batch(requests: readonly unknown[], token: string | undefined = this.root): Promise<Answer> {
    return this.#fixture.request("POST", "/api/batch", { body: { requests }, token });
  }

  /** Changes the settings of batches; they are on then unless told otherwise. */
  async allowBatches(batch: Partial<Settings["batch"]> = {}): Promise<void> {
    const { settings } = this.#fixture.app.kernel.registry.service(Records);
    await settings.save(this.#fixture.app.context(), {
      ...settings.current,
      batch: { ...settings.current.batch, enabled: true, ...batch },
    });
  }
}
