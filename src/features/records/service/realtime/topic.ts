/** Subscriptions as clients write them: a topic and, behind `?options=`, what they ask of it. */

/** One subscription. Immutable: clients that wrote the same share it. */
export interface Topic {
  /** As the client wrote it, which is also the name of the events it gets. */
  readonly text: string;
  /** `posts/*`, `posts/abc`, or a name that features publish to. */
  readonly name: string;
  /** What rules see as `@request.query`, and `filter`, `expand`, `fields`. */
  readonly query: Readonly<Record<string, string>>;
  /** What rules see as `@request.headers`, names in snake case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Never fails: options that cannot be read are none. */
export function parseTopic(text: string): Topic {
  const [name = ""] = text.split("?", 1);
  const options = readOptions(text.slice(name.length + 1));
  return {
    text,
    name,
    query: texts(options.query, (key) => key),
    headers: texts(options.headers, snakeCase),
  };
}

function readOptions(query: string): Readonly<Record<string, unknown>> {
  if (query === "") return {};
  const [address = ""] = query.split("#", 1);
  const text = new URLSearchParams(address).get("options");
  if (!text) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : {};
  } catch {
    // The subscription stands all the same: its events then come without what was asked.
    return {};
  }
}

function texts(given: unknown, name: (key: string) => string): Record<string, string> {
  if (!isObject(given)) return {};
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [name(key), text(value)]));
}

/** Lists and objects have no text. */
function text(value: unknown): string {
  return value === null || typeof value === "object" ? "" : String(value);
}

/** `X-Token` and `xToken` as `x_token`. */
function snakeCase(name: string): string {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1_$2").replaceAll(/[^A-Za-z\d]+/g, "_");
  return words.toLowerCase();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
