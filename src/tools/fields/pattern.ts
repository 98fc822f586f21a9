/**
 * Patterns that operators write into fields. They are RE2: no lookaround, no back-references, and
 * matching takes time linear in the text, so that no pattern with no text holds the server. A
 * library matches them, because the language's own expressions are of exponential time.
 */

import { RE2JS } from "re2js";

/** Whether some part of the text matches: a pattern is unanchored unless it says so. */
export type Matches = (text: string) => boolean;

/** One repeated class between anchors needs no backtracking: the engine of the runtime is faster. */
const SINGLE_CLASS = /^\^(?:\[[\w-]+\]|\\[dw])[+*]\$$/;

/** Undefined for what is no valid pattern. */
export function compilePattern(pattern: string): Matches | undefined {
  try {
    if (SINGLE_CLASS.test(pattern)) {
      const simple = new RegExp(pattern);
      return (text) => simple.test(text);
    }
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  } catch {
    return undefined;
  }
}
