/** Shapes and answers that the operations on accounts share. */

import { Type } from "@sinclair/typebox";
import type { Context } from "../../../core/context.ts";
import { parseFields, pickFields } from "../../../tools/pick-fields.ts";
import { type FormInput, queryText } from "../service/forms.ts";

export const CollectionName = Type.String({ minLength: 1, maxLength: 255 });
export const RecordShape = Type.Record(Type.String(), Type.Unknown());
export const AuthShape = Type.Object({
  record: RecordShape,
  token: Type.String(),
  meta: Type.Optional(RecordShape),
});

/** A text of a form. The service reads it and refuses a wrong type with no word of the field. */
export const FormText = Type.Optional(Type.Unknown({ type: "string" }));
export const FormWhole = Type.Optional(Type.Unknown({ type: "integer" }));
export const FormObject = Type.Optional(Type.Unknown({ type: "object" }));

/** Parameters of the query beside the body. */
export const Answer = { expand: FormText, fields: FormText };

export const common = { access: "anyone", dialect: "records" } as const;

export function routeOf(action: string, status?: number) {
  const path = `/api/collections/:collection/${action}`;
  return [{ method: "POST" as const, path, ...(status === undefined ? {} : { status }) }];
}

/** What the `fields` parameter keeps. Error: 400 `invalid_fields`. */
export function pick<T>(context: Context, input: FormInput, value: T): T {
  const expression = queryText(context, input, "fields");
  const wanted = expression === "" ? undefined : parseFields(expression);
  return wanted ? (pickFields(value, wanted) as T) : value;
}
