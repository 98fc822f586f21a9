/** Shapes of input: validation with one public error per field. */

import type { Static, TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler, type ValueError } from "@sinclair/typebox/compiler";
import { ValueErrorType } from "@sinclair/typebox/errors";
import { type FieldError, fieldErrors } from "../base/errors.ts";

/** Compiles each shape at its first use: a server with many operations starts no slower. */
export class Shapes {
  readonly #checks = new WeakMap<TSchema, TypeCheck<TSchema>>();

  /** Returns the value as it is. Error: 400 with one entry per field at fault. */
  parse<S extends TSchema>(shape: S, value: unknown): Static<S> {
    const check = this.#check(shape);
    if (check.Check(value)) return value as Static<S>;
    const fields: Record<string, FieldError> = {};
    for (const error of check.Errors(value)) {
      const field = error.path.slice(1).replaceAll("/", ".") || "body";
      fields[field] ??= describe(error);
      if (Object.keys(fields).length >= 20) break;
    }
    throw fieldErrors(fields);
  }

  #check(shape: TSchema): TypeCheck<TSchema> {
    let check = this.#checks.get(shape);
    if (!check) {
      check = TypeCompiler.Compile(shape);
      this.#checks.set(shape, check);
    }
    return check;
  }
}

function describe(error: ValueError): FieldError {
  const schema = error.schema;
  switch (error.type) {
    case ValueErrorType.ObjectRequiredProperty:
      return { code: "validation_required", message: "Missing required value." };
    case ValueErrorType.ObjectAdditionalProperties:
      return { code: "validation_unknown_field", message: "There is no such field." };
    case ValueErrorType.StringMinLength:
      if (error.value === "") return { code: "validation_required", message: "Cannot be blank." };
      return length(`Must be at least ${schema.minLength} characters.`, schema);
    case ValueErrorType.StringMaxLength:
      return length(`Must be at most ${schema.maxLength} characters.`, schema);
    case ValueErrorType.StringPattern:
      return { code: "validation_match_invalid", message: "Has an invalid format." };
    case ValueErrorType.NumberMinimum:
    case ValueErrorType.IntegerMinimum:
      return {
        code: "validation_min_greater_equal_than_required",
        message: `Must be no less than ${schema.minimum}.`,
        params: { threshold: schema.minimum },
      };
    case ValueErrorType.NumberMaximum:
    case ValueErrorType.IntegerMaximum:
      return {
        code: "validation_max_less_equal_than_required",
        message: `Must be no greater than ${schema.maximum}.`,
        params: { threshold: schema.maximum },
      };
    case ValueErrorType.Union:
    case ValueErrorType.Literal:
      return { code: "validation_in_invalid", message: choices(schema) };
    default:
      return { code: "validation_invalid_value", message: expected(schema) };
  }
}

function length(message: string, schema: TSchema): FieldError {
  const params = { min: schema.minLength ?? 0, max: schema.maxLength ?? 0 };
  return { code: "validation_length_out_of_range", message, params };
}

function choices(schema: TSchema): string {
  const options: unknown[] = Array.isArray(schema.anyOf) ? schema.anyOf : [schema];
  const values = options.flatMap((option) =>
    option && typeof option === "object" && "const" in option ? [String(option.const)] : [],
  );
  return values.length > 0 ? `Must be one of: ${values.join(", ")}.` : "Has an invalid value.";
}

function expected(schema: TSchema): string {
  const article = /^[aeiou]/.test(String(schema.type)) ? "an" : "a";
  return typeof schema.type === "string"
    ? `Must be ${article} ${schema.type}.`
    : "Has an invalid value.";
}
