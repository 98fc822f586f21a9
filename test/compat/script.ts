/** A script: the calls of one area in their order, as data, and short ways to write them. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A file of a multipart body. `text` is its content, or `base64` where it is no text. */
export interface FilePart {
  readonly file: string;
  readonly type?: string;
  readonly text?: string;
  readonly base64?: string;
  /** Content of this many bytes, all of them "x". */
  readonly bytes?: number;
}

export type Part = readonly [name: string, value: string | FilePart];

export type Body =
  | { readonly sent: "json"; readonly json: Json }
  /** Sent as it stands; without `type` no content type is sent. */
  | { readonly sent: "text"; readonly text: string; readonly type?: string }
  | { readonly sent: "form"; readonly form: readonly Part[] };

export interface CallOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names given to parts of the answer (dotted path), for `{name}` in later calls and `as`. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Answer headers that are compared beside the content type. */
  readonly show?: readonly string[];
  /** Paths in the answer of which only the type is compared; `*` stands for any key. */
  readonly typeOnly?: readonly string[];
  /** Paths whose value must match a pattern, which then stands in its place. */
  readonly like?: Readonly<Record<string, string>>;
  /** Only these top-level paths of the answer are compared. */
  readonly only?: readonly string[];
  /** The items of this array (`""`: the answer itself) come in any order. */
  readonly unordered?: string;
  /** Preparation: only the status is compared, because another area compares the rest. */
  readonly quiet?: boolean;
  /** What is compared of a body that is no JSON: all of it (the default), or what it is. */
  readonly content?: "all" | "image" | "zip";
}

/** One request. `as` is "guest" or a name that was given to a token before. */
export interface CallStep extends CallOptions {
  readonly kind: "call";
  readonly name: string;
  readonly as: string;
  readonly method: string;
  readonly path: string;
  readonly body?: Body;
}

/** Makes a token with keys that the script set itself, as the server would have made it. */
export interface MintStep {
  readonly kind: "mint";
  readonly name: string;
  readonly key: string;
  readonly claims: JsonObject;
  /** Life in seconds; negative: it ended in the past. */
  readonly seconds: number;
}

/** Opens an event stream; its first event gives `{name.clientId}`. */
export interface OpenStep {
  readonly kind: "open";
  readonly name: string;
  readonly stream: string;
}

/** The next events of a stream: waits until there are `count`, or a few seconds. */
export interface EventsStep {
  readonly kind: "events";
  readonly name: string;
  readonly stream: string;
  readonly count: number;
  readonly unordered?: boolean;
}

/** The next mail: waits for it; `keep` gives names to what its patterns' first groups match. */
export interface MailStep {
  readonly kind: "mail";
  readonly name: string;
  readonly keep?: Readonly<Record<string, string>>;
}

export type Step = CallStep | MintStep | OpenStep | EventsStep | MailStep;

/** Something outside the server that an area's calls make it talk to. */
export type Service = "smtp" | "oidc";

export interface Area {
  readonly name: string;
  readonly services: readonly Service[];
  /** As in a call's options, for all answers. */
  readonly like: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export function area(
  name: string,
  steps: readonly Step[],
  more: Partial<Pick<Area, "services" | "like">> = {},
): Area {
  return { name, services: [], like: {}, ...more, steps };
}

/** `call("ann", "what", "POST /api/x", {a: 1})`: a plain object as body is sent as JSON. */
export function call(
  as: string,
  name: string,
  line: string,
  body?: Json | Body,
  options: CallOptions = {},
): CallStep {
  const space = line.indexOf(" ");
  const given = body === undefined ? {} : { body: asBody(body) };
  const method = line.slice(0, space);
  return { kind: "call", name, as, method, path: line.slice(space + 1), ...given, ...options };
}

type Given = [name: string, line: string, body?: Json | Body, options?: CallOptions];

/** A call of the superuser. */
export function su(...[name, line, body, options]: Given): CallStep {
  return call("superuser", name, line, body, options);
}

/** A call without a token. */
export function guest(...[name, line, body, options]: Given): CallStep {
  return call("guest", name, line, body, options);
}

/** A call that prepares others. */
export function prepare(...[name, line, body, options]: Given): CallStep {
  return call("superuser", name, line, body, { quiet: true, ...options });
}

export function form(...parts: Part[]): Body {
  return { sent: "form", form: parts };
}

export function raw(text: string, type?: string): Body {
  return type === undefined ? { sent: "text", text } : { sent: "text", text, type };
}

function asBody(given: Json | Body): Body {
  const isBody = typeof given === "object" && given !== null && "sent" in given;
  return isBody ? (given as Body) : { sent: "json", json: given as Json };
}
