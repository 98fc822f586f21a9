/** Functions of the filter language. */

import { LIMITS } from "../../../base/limits.ts";
import type { Call, Term } from "../../../tools/filter/expression.ts";
import { invalidFilter } from "../../../tools/filter/lexer.ts";
import { macroValue } from "../../../tools/filter/macros.ts";
import { formatDate, globeDistance } from "./dialect.ts";
import { bound, concat, type Fragment } from "./fragment.ts";
import type { Operand } from "./operands.ts";

export type Resolve = (term: Term) => Operand;

/** Error: 400 `invalid_filter` for unknown functions and wrong parameters. */
export function callOperand(call: Call, resolve: Resolve): Operand {
  switch (call.name) {
    case "geoDistance":
      return geoDistance(call, resolve);
    case "strftime":
      return strftime(call, resolve);
    default:
      throw invalidFilter(`There is no function "${call.name}".`);
  }
}

/** Of related records, one within the distance is enough, whatever the operator. */
function geoDistance({ parameters }: Call, resolve: Resolve): Operand {
  const operands = parameters.map((term) => {
    if (term.kind !== "identifier" && term.kind !== "number") {
      throw invalidFilter("geoDistance takes fields and numbers.");
    }
    return resolve(term);
  });
  const [lonA, latA, lonB, latB, more] = operands;
  if (!lonA || !latA || !lonB || !latB || more) {
    throw invalidFilter("geoDistance takes four values: longitude, latitude, longitude, latitude.");
  }
  const from = { lon: lonA.value, lat: latA.value };
  const to = { lon: lonB.value, lat: latB.value };
  return {
    value: globeDistance(from, to),
    content: "unknown",
    exact: true,
    guards: operands.flatMap((operand) => operand.guards ?? []),
  };
}

/** A moment in a form of its own; what is no moment gives NULL, which equals ''. */
function strftime({ parameters }: Call, resolve: Resolve): Operand {
  const [format, moment, ...changes] = parameters;
  if (format?.kind !== "text" || parameters.length > LIMITS.dateFormatParametersMax) {
    const most = LIMITS.dateFormatParametersMax;
    throw invalidFilter(`strftime takes a format in quotes first, and ${most} values at most.`);
  }
  if (moment?.kind === "call" || changes.some((change) => change.kind !== "text")) {
    throw invalidFilter("strftime takes a format, a moment, and changes to it in quotes.");
  }
  const written = bound(format.value);
  if (!moment || (moment.kind === "text" && moment.value.toLowerCase() === "now")) {
    // The engine would read its own clock.
    const now = bound((run) => macroValue("@now", run.now));
    return formatted(written, now, changes);
  }
  const operand = resolve(moment);
  const { every, guards = [] } = operand;
  const result = { ...formatted(written, operand.value, changes), guards };
  if (!every) return result;
  return { ...result, every: { ...every, value: formatted(written, every.value, changes).value } };
}

function formatted(format: Fragment, moment: Fragment, changes: readonly Term[]): Operand {
  const texts = changes.flatMap((change) => (change.kind === "text" ? [bound(change.value)] : []));
  return { value: formatDate(concat([format, moment, ...texts], ",")), content: "unknown" };
}
