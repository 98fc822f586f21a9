/**
 * Hostile texts for the languages that clients write: filters, sorts, `fields`. Each must be taken
 * or refused with a 400 or 403, in steps that grow no faster than the text. By hand, a million:
 * `bun test/compat/fuzz.ts [COUNT] [SEED]`.
 */

import { AppError } from "../../src/base/errors.ts";
import { defineCollection, fields } from "../../src/features/records/schema.ts";
import { Filters } from "../../src/features/records/service/filters.ts";
import { NO_REQUEST } from "../../src/features/records/service/request.ts";
import { Lexer } from "../../src/tools/filter/lexer.ts";
import { parseFilter, RULE } from "../../src/tools/filter/parser.ts";
import { parseFields, pickFields } from "../../src/tools/pick-fields.ts";
import { seeded } from "../features/seeded.ts";

type Random = () => number;

export interface FuzzReport {
  readonly taken: number;
  readonly refused: number;
  /** Texts with another outcome, a line each; at most some. */
  readonly faults: readonly string[];
  /** Most words that the lexer was asked for, by characters of the text. */
  readonly stepsPerCharacter: number;
}

const FAULTS_MAX = 20;

const COLLECTIONS = [
  defineCollection({
    id: "posts",
    name: "posts",
    listRule: "",
    fields: [
      fields.id(),
      fields.text("title"),
      fields.number("n"),
      fields.json("meta"),
      fields.text("secret", { hidden: true }),
      fields.select("labels", ["a", "b"], { maxSelect: 2 }),
      fields.relation("author", "people"),
      fields.relation("friends", "people", { maxSelect: 5 }),
    ],
  }),
  defineCollection({
    id: "people",
    name: "people",
    listRule: "name != ''",
    fields: [fields.id(), fields.text("name"), fields.relation("best", "people")],
  }),
];

const WORDS = [
  ...["title", "n", "meta.a.0", "secret", "labels:each", "labels:length", "author.name", "friends"],
  ...["friends.best.name", "posts_via_author.title", "@request.auth.id", "@request.body.n:isset"],
  ...["@collection.people.name", "@collection.people:x.name", "@now", "@todayEnd", "null", "true"],
  ...["id", "@rowid", "@random", "_via_", "__proto__", "constructor", "title:lower", "title:nope"],
  ...["=", "!=", "<", ">=", "~", "!~", "?=", "?!~", "&&", "||", "(", ")", "((", "))", ",", "//"],
  ...[
    "1",
    "-1.5",
    "1e9",
    "''",
    "'a'",
    '"b"',
    "'a%'",
    "'\\''",
    "'",
    '"',
    "\\",
    "\n",
    "\t",
    " ",
    "\r",
  ],
  ...["geoDistance(", "strftime(", "f(", "'%Y'", ".", ":", "-", "+", "*", "@", "#", "_", "%", "`"],
  ...[
    "\0",
    "é",
    "😀",
    "\ud800",
    "excerpt(3,true)",
    "a:excerpt(1)",
    "expand.author",
    ";",
    "--",
    "/*",
  ],
];

/** A text: mostly words of the language, sometimes any signs, sometimes one word many times over. */
function randomText(random: Random): string {
  const word = () => WORDS[Math.floor(random() * WORDS.length)] ?? "";
  const kind = random();
  if (kind < 0.05) return word().repeat(1 + Math.floor(random() * 400));
  const length = Math.floor(random() * (kind < 0.1 ? 200 : 14));
  if (kind < 0.25) {
    const sign = () => String.fromCharCode(Math.floor(random() * (random() < 0.9 ? 128 : 65_536)));
    return Array.from({ length }, sign).join("");
  }
  // Comparisons that are whole reach further in than heaps of words do.
  const operands = WORDS.slice(0, 26);
  const signs = WORDS.slice(32, 40);
  const from = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? "";
  const comparison = () =>
    `${from(operands)} ${from(signs)} ${random() < 0.5 ? "'x'" : from(operands)}`;
  const terms = Array.from({ length: 1 + Math.floor(length / 4) }, () =>
    random() < 0.95 ? comparison() : word(),
  );
  return terms.join(random() < 0.5 ? " && " : " || ");
}

/** Tries `count` texts, the same ones for the same seed. */
export function fuzz(count: number, seed: number): FuzzReport {
  const random = seeded(seed);
  const filters = new Filters(COLLECTIONS);
  const posts = COLLECTIONS[0];
  if (!posts) throw new Error("There are collections.");
  const common = { collection: posts, request: NO_REQUEST, now: 0 };
  const page = { limit: 10, offset: 0 };
  const attempts: readonly ((text: string) => unknown)[] = [
    (text) => parseFilter(text, RULE),
    (filter) => filters.query({ ...common, filter, privileged: false }).rows(page),
    (filter) => filters.query({ ...common, filter, privileged: true }).count(),
    (sort) => filters.query({ ...common, sort, privileged: random() < 0.5 }).rows(page),
    (text) => {
      const wanted = parseFields(text);
      return wanted && pickFields({ id: "1", title: "x", expand: { author: [{}] } }, wanted);
    },
  ];
  const report = { taken: 0, refused: 0, faults: [] as string[], stepsPerCharacter: 0 };
  const steps = countedSteps();
  try {
    for (let round = 0; round < count; round++) {
      const text = randomText(random);
      const attempt = attempts[round % attempts.length];
      steps.count = 0;
      const fault = outcome(() => attempt?.(text), report);
      if (fault && report.faults.length < FAULTS_MAX) {
        report.faults.push(`${JSON.stringify(text)}: ${fault}`);
      }
      const share = steps.count / (text.length + 1);
      report.stepsPerCharacter = Math.max(report.stepsPerCharacter, share);
    }
  } finally {
    steps.restore();
  }
  return report;
}

function outcome(
  work: () => unknown,
  report: { taken: number; refused: number },
): string | undefined {
  try {
    work();
    report.taken++;
    return undefined;
  } catch (error) {
    const isRefusal = error instanceof AppError && (error.status === 400 || error.status === 403);
    if (!isRefusal) return String(error);
    report.refused++;
    return undefined;
  }
}

/** Counts the words that any lexer is asked for. */
function countedSteps() {
  const { next } = Lexer.prototype;
  const steps = {
    count: 0,
    restore: () => {
      Lexer.prototype.next = next;
    },
  };
  Lexer.prototype.next = function counted() {
    steps.count++;
    return next.call(this);
  };
  return steps;
}

if (import.meta.main) {
  const [count = "1000000", seed = "1"] = process.argv.slice(2);
  const started = performance.now();
  const { faults, ...numbers } = fuzz(Number(count), Number(seed));
  console.log({ ...numbers, seconds: Math.round((performance.now() - started) / 1000) });
  for (const fault of faults) console.log(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
