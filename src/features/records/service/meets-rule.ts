/** A rule asked about one stored record, by other features: authRule, mfa.rule. */

import type { Context } from "../../../core/context.ts";
import { type RequestOptions, requestInfo } from "./caller.ts";
import type { Model, Models } from "./models.ts";
import { runStatement, unlessInvalid } from "./statements.ts";

export interface RuleQuestion extends RequestOptions {
  readonly model: Model;
  readonly id: string;
  /** "" lets everybody through. */
  readonly rule: string;
}

/**
 * Whether the record meets the rule, for the context's caller. Superusers are asked like everybody;
 * a rule that does not fit the schema lets nobody through.
 */
export async function meetsRule(
  context: Context,
  models: Models,
  question: RuleQuestion,
): Promise<boolean> {
  if (question.rule === "") return true;
  const query = unlessInvalid(() =>
    models.filters.query({
      collection: question.model.collection,
      rule: question.rule,
      privileged: false,
      request: requestInfo(context, models, question),
      now: context.clock.now(),
    }),
  );
  return query !== undefined && (await runStatement(context, query.row(question.id))).length > 0;
}
