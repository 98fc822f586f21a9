/** Plays a script on a server and writes down what it answers, masked. */

import { readAnswer, shape, valueAt } from "./answer.ts";
import { Masks } from "./masks.ts";
import type { Area, CallStep, EventsStep, Json, JsonObject, MailStep, Step } from "./script.ts";
import { IdentityProvider, MailSink } from "./services.ts";
import { EventStream } from "./stream.ts";
import { PASSWORD, SUPERUSER, type Target } from "./target.ts";
import { type Entry, fingerprint, type Transcript } from "./transcript.ts";

/** Plays an area from its first step to its last; none is left out after a failure. */
export async function play(area: Area, target: Target): Promise<Transcript> {
  const names = area.steps.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${area.name}: two steps are called "${twice}".`);
  using player = new Player(area, target);
  await player.signIn();
  const entries: Entry[] = [];
  for (const step of area.steps) entries.push(await player.step(step));
  return entries;
}

type Answered = Omit<Entry, "name" | "step">;

class Player implements Disposable {
  readonly #target: Target;
  readonly #masks: Masks;
  readonly #names = new Map<string, string | number>();
  readonly #streams = new Map<string, EventStream>();
  readonly #mails: MailSink | undefined;
  readonly #identities: IdentityProvider | undefined;
  readonly #like: Area["like"];

  constructor(area: Area, target: Target) {
    this.#target = target;
    this.#like = area.like;
    this.#masks = new Masks(JSON.stringify(area.steps), () => target.now());
    if (area.services.includes("smtp")) {
      this.#mails = new MailSink();
      this.#names.set("smtpPort", this.#mails.port);
    }
    if (area.services.includes("oidc")) {
      this.#identities = new IdentityProvider();
      this.#names.set("oidc", this.#identities.url);
      this.#masks.learn(this.#identities.url, "oidc");
    }
  }

  async signIn(): Promise<void> {
    const response = await this.#target.fetch("/api/collections/_superusers/auth-with-password", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ identity: SUPERUSER, password: PASSWORD }),
    });
    if (!response.ok) throw new Error(`The superuser cannot sign in: ${response.status}.`);
    const { token, record } = (await response.json()) as { token: string; record: { id: string } };
    this.#names.set("superuser", token);
    this.#names.set("root", record.id);
    this.#masks.learn(record.id, "root");
  }

  async step(step: Step): Promise<Entry> {
    const head = { name: step.name, step: fingerprint(step) };
    switch (step.kind) {
      case "call":
        return { ...head, ...(await this.#call(step)) };
      case "mint":
        this.#names.set(
          step.name,
          mint(this.#fill(step.claims) as JsonObject, {
            key: String(this.#fill(step.key)),
            exp: Math.floor(this.#target.now() / 1000) + step.seconds,
          }),
        );
        return head;
      case "open":
        return { ...head, ...(await this.#open(step.stream)) };
      case "events":
        return { ...head, body: await this.#events(step) };
      case "mail":
        return { ...head, body: await this.#mail(step) };
    }
  }

  async #call(step: CallStep): Promise<Answered> {
    const token = step.as === "guest" ? undefined : this.#names.get(step.as);
    if (step.as !== "guest" && token === undefined) {
      return { body: `<not sent: no token is called ${step.as}>` };
    }
    const query = new URLSearchParams(this.#fill(step.query ?? {}) as Record<string, string>);
    const path = String(this.#fill(step.path));
    const { body, type } = this.#body(step);
    const response = await this.#target.fetch(
      query.size > 0 ? `${path}${path.includes("?") ? "&" : "?"}${query}` : path,
      {
        method: step.method,
        headers: {
          ...(type === undefined ? {} : { "content-type": type }),
          ...(token === undefined ? {} : { authorization: String(token) }),
          ...(this.#fill(step.headers ?? {}) as Record<string, string>),
        },
        ...(body === undefined ? {} : { body }),
      },
    );
    const answer = await readAnswer(response, step.content ?? "all");
    for (const [name, path] of Object.entries(step.keep ?? {})) {
      const value = valueAt(answer, path);
      if (typeof value === "string" || typeof value === "number") this.#names.set(name, value);
    }
    if (step.quiet) {
      // Masks are learnt all the same, so that later answers name where an id came from.
      this.#masks.answer(answer, step.name);
      return { status: response.status };
    }
    const shown = this.#masks.answer(this.#shape(answer, step), step.name);
    return { status: response.status, headers: this.#headers(response, step), body: shown };
  }

  #shape(answer: Json, step: CallStep): Json {
    return shape(answer, { ...step, like: { ...this.#like, ...step.like } });
  }

  #headers(response: Response, step: CallStep): Record<string, string> {
    const names = ["content-type", ...(step.show ?? [])];
    const headers = names.flatMap((name) => {
      const value = response.headers.get(name);
      if (value === null || (name === "content-type" && value === "application/json")) return [];
      return [[name, this.#masks.text(value)] as const];
    });
    return Object.fromEntries(headers);
  }

  #body(step: CallStep): { body?: string | FormData | Uint8Array<ArrayBuffer>; type?: string } {
    const given = step.body;
    if (given === undefined) return {};
    if (given.sent === "json") {
      return { body: JSON.stringify(this.#fill(given.json)), type: "application/json" };
    }
    if (given.sent === "text") {
      // Bytes, because a text would be sent with a content type of its own.
      const body = new TextEncoder().encode(String(this.#fill(given.text)));
      return { body, ...(given.type === undefined ? {} : { type: given.type }) };
    }
    const form = new FormData();
    for (const [name, value] of given.form) {
      if (typeof value === "string") {
        form.append(name, String(this.#fill(value)));
      } else {
        const text = value.bytes === undefined ? (value.text ?? "") : "x".repeat(value.bytes);
        const content = value.base64 === undefined ? text : Buffer.from(value.base64, "base64");
        const type = value.type ?? "application/octet-stream";
        form.append(name, new File([content], value.file, { type }));
      }
    }
    return { body: form };
  }

  async #open(name: string): Promise<Answered> {
    const response = await this.#target.fetch("/api/realtime", {
      headers: { accept: "text/event-stream" },
    });
    const headers = Object.fromEntries(
      ["content-type", "cache-control", "x-accel-buffering"].map((header) => [
        header,
        response.headers.get(header) ?? "",
      ]),
    );
    if (!response.ok) return { status: response.status, headers };
    const stream = new EventStream(response);
    this.#streams.set(name, stream);
    const [first] = await stream.take(1);
    if (first === undefined) return { status: response.status, headers, body: "<no event>" };
    const { clientId } = JSON.parse(first.data) as { clientId: string };
    this.#names.set(`${name}.clientId`, clientId);
    this.#masks.learn(clientId, `${name}'s client`);
    return { status: response.status, headers, body: this.#masks.mask({ ...first }) };
  }

  async #events(step: EventsStep): Promise<Json> {
    const events = (await this.#streams.get(step.stream)?.take(step.count)) ?? [];
    const shown = events.map(({ id, event, data }) => {
      return this.#masks.answer({ id, event, data: parsed(data) }, step.name);
    });
    return step.unordered ? sortedByText(shown) : shown;
  }

  async #mail(step: MailStep): Promise<Json> {
    const mail = await this.#mails?.take();
    if (mail === undefined) return "<no mail>";
    for (const [name, pattern] of Object.entries(step.keep ?? {})) {
      const found = new RegExp(pattern).exec(mail.text)?.[1];
      if (found !== undefined) this.#names.set(name, found);
    }
    const kept = Object.keys(step.keep ?? {}).map((name) => [name, this.#names.has(name)]);
    return { from: mail.from, to: mail.to, found: Object.fromEntries(kept) };
  }

  /** Puts what was kept in place of `{name}`; other braces stay. */
  #fill(value: Json): Json {
    if (Array.isArray(value)) return value.map((item) => this.#fill(item));
    if (typeof value === "object" && value !== null) {
      const entries = Object.entries(value).map(([key, item]) => {
        return [String(this.#fill(key)), this.#fill(item)] as const;
      });
      return Object.fromEntries(entries);
    }
    if (typeof value !== "string") return value;
    const whole = this.#names.get(/^\{([\w. ]+)\}$/.exec(value)?.[1] ?? "");
    if (whole !== undefined) return whole;
    return value.replace(/\{([\w. ]+)\}/g, (found, name) => {
      return String(this.#names.get(name) ?? found);
    });
  }

  [Symbol.dispose](): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#mails?.[Symbol.dispose]();
    this.#identities?.[Symbol.dispose]();
  }
}

/** A JSON Web Token signed with HS256 (RFC 7519). */
function mint(claims: JsonObject, { key, exp }: { key: string; exp: number }): string {
  const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, exp })}`;
  const hash = new Bun.CryptoHasher("sha256", key).update(signed).digest("base64url");
  return `${signed}.${hash}`;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

export function sortedByText(items: readonly Json[]): Json[] {
  const text = (item: Json) => JSON.stringify(item);
  return [...items].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
