/** Lays flags, environment, file and defaults over each other, as the schema says. */

import { suggest } from "../src/tools/suggest.ts";
import {
  camel,
  type Field,
  type Group,
  type Input,
  type Kind,
  type MapInput,
  type Place,
  type Plain,
  type Problems,
  quoted,
  refuse,
  type Scope,
  type Shape,
  type Values,
} from "./language.ts";

/** What lies over the file. Both are looked up by the names that the fields give. */
export interface Overlay {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ReadOptions {
  readonly overlay: Overlay;
  readonly problems: Problems;
  readonly places: Map<string, Place>;
}

/** The whole configuration. Only to be used when `problems` stayed empty. */
export function readRoot<S extends Shape>(
  root: Group<S>,
  input: MapInput | undefined,
  options: ReadOptions,
): Values<S> {
  const { problems, places } = options;
  const reader = new Reader(root, options.overlay);
  const scope: Scope = { path: "", secret: false, problems, places };
  return reader.group(root, input, scope) as Values<S>;
}

const NO_OVERLAY: Overlay = { flags: {}, env: {} };

/** A list of groups, at most `itemsMax`; no two may agree in the key `unique`. */
export function objects<const S extends Shape>(
  item: Group<S>,
  options: { readonly itemsMax: number; readonly unique?: keyof S & string },
): Kind<readonly Values<S>[]> {
  const { itemsMax, unique } = options;
  const expected = `a list of at most ${itemsMax} groups of keys`;
  return {
    label: "list of groups",
    expected,
    item,
    write: (values) => values.map((value) => writeGroup(item, value)),
    read(input, scope) {
      // A list whose items are all commented out.
      if (input.type === "scalar" && input.value === null) return [];
      if (input.type !== "list" || input.items.length > itemsMax) {
        return refuse(input, scope, expected);
      }
      const found = scope.problems.count;
      const reader = new Reader(item, NO_OVERLAY);
      const values = input.items.map((given, index) => {
        const inner = { ...scope, path: `${scope.path}[${index}]` };
        if (given.type !== "map") return refuse(given, inner, "a group of keys");
        return reader.group(item, given, inner) as Values<S>;
      });
      if (unique) refuseRepeated(scope, values.length, unique);
      if (scope.problems.count > found) return undefined;
      return values.filter((value) => value !== undefined);
    },
  };
}

function refuseRepeated(scope: Scope, count: number, unique: string): void {
  const first = new Map<unknown, string>();
  for (let index = 0; index < count; index++) {
    const path = `${scope.path}[${index}].${unique}`;
    const place = scope.places.get(path);
    if (place?.value === undefined) continue;
    const earlier = first.get(place.value);
    if (!earlier) first.set(place.value, path);
    else
      scope.problems.add(place.where, `${path}: ${quoted(String(place.value))} repeats ${earlier}`);
  }
}

/** A group as the file would hold it; unset keys are left out, secrets hidden. */
function writeGroup(group: Group<Shape>, values: unknown): Plain {
  const out: Record<string, Plain> = {};
  for (const [key, node] of Object.entries(group.keys)) {
    const value = (values as Readonly<Record<string, unknown>>)[camel(key)];
    if (value === undefined) continue;
    if (node.node === "group") out[key] = writeGroup(node, value);
    else out[key] = node.secret ? "[hidden]" : node.kind.write(value);
  }
  return out;
}

class Reader {
  readonly #overlay: Overlay;
  readonly #paths: readonly string[];

  constructor(root: Group<Shape>, overlay: Overlay) {
    this.#overlay = overlay;
    this.#paths = pathsOf(root, "");
  }

  /** Values under camelCase keys: the one place where names are converted. */
  group(group: Group<Shape>, input: MapInput | undefined, scope: Scope): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    this.#refuseUnknown(group, input, scope);
    for (const [key, node] of Object.entries(group.keys)) {
      const given = input?.entries.find((entry) => entry.key === key)?.value;
      const inner = { ...scope, path: join(scope.path, key) };
      if (node.node === "group") {
        out[camel(key)] = this.group(node, asMap(given, inner), inner);
      } else {
        const place = this.#field(node, given, { ...inner, secret: node.secret === true });
        if (place) scope.places.set(inner.path, place);
        else if (node.presence === "required" && given === undefined) {
          const where = input?.where ?? "";
          scope.problems.add(where, `${inner.path}: missing, expected ${node.kind.expected}`);
        }
        out[camel(key)] = place?.value;
      }
    }
    return out;
  }

  /** Every source is checked, so that a fault hidden by a flag is told too; the highest counts. */
  #field(field: Field<unknown>, given: Input | undefined, scope: Scope): Place | undefined {
    const take = (input: Input): Place | undefined => {
      const value = field.kind.read(input, scope);
      return value === undefined ? undefined : { value, source: input.source, where: input.where };
    };
    const unset = given?.type === "scalar" && given.value === null;
    const inFile = given && !(unset && field.presence === "optional");
    const name = field.flag ? flagName(field.flag) : undefined;
    const flag = name && this.#overlay.flags[attribute(name)];
    let place: Place | undefined;
    if (field.default !== undefined) place = take(inputOf(field.default, "default", ""));
    if (inFile) place = take(given) ?? place;
    place = this.#environment(field, place, scope) ?? place;
    if (name && flag !== undefined) place = take(inputOf(flag, "flag", name)) ?? place;
    if (place || field.presence !== "optional") return place;
    return { value: undefined, source: "default", where: "" };
  }

  #environment(field: Field<unknown>, below: Place | undefined, scope: Scope): Place | undefined {
    const text = field.env && this.#overlay.env[field.env];
    if (!field.env || !text) return undefined;
    const input: Input = { type: "scalar", value: text, source: "env", where: field.env };
    const part = field.envPart;
    const value = part ? below && part.apply(text, below.value) : field.kind.read(input, scope);
    if (part && below && value === undefined) refuse(input, scope, part.expected);
    return value === undefined ? undefined : { value, source: "env", where: field.env };
  }

  #refuseUnknown(group: Group<Shape>, input: MapInput | undefined, scope: Scope): void {
    const known = Object.keys(group.keys);
    for (const { key, where } of input?.entries ?? []) {
      if (known.includes(key)) continue;
      // A key in the wrong group is as common as a mistyped one.
      const elsewhere = this.#paths.find((path) => path.endsWith(`.${key}`));
      const near = suggest(key, known) ?? elsewhere;
      const hint = near ? `: did you mean ${quoted(near)}?` : "";
      scope.problems.add(where, `unknown key ${quoted(join(scope.path, key))}${hint}`);
    }
  }
}

/** All paths of groups and fields, `server.rtc.port`. */
function pathsOf(group: Group<Shape>, path: string): string[] {
  return Object.entries(group.keys).flatMap(([key, node]) => {
    const inner = join(path, key);
    return node.node === "group" ? [inner, ...pathsOf(node, inner)] : [inner];
  });
}

/** A group whose keys are all commented out is null. */
function asMap(input: Input | undefined, scope: Scope): MapInput | undefined {
  if (input === undefined || input.type === "map") return input;
  if (input.type === "scalar" && input.value === null) return undefined;
  return refuse(input, scope, "a group of keys");
}

function inputOf(value: unknown, source: "default" | "flag", where: string): Input {
  if (Array.isArray(value)) {
    const items = value.map((item) => inputOf(item, source, where));
    return { type: "list", items, source, where };
  }
  const plain = typeof value === "number" || typeof value === "boolean" ? value : String(value);
  return { type: "scalar", value: plain, source, where };
}

export function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** `--rtc-port` of `--rtc-port <port>`. */
export function flagName(flag: string): string {
  return flag.split(" ", 1)[0] ?? flag;
}

/** `rtcPort` of `--rtc-port`: the name under which a command line keeps it. */
function attribute(name: string): string {
  return camel(name.replace(/^--/, "").replaceAll("-", "_"));
}
