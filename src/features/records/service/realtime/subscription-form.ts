/** The body of a realtime subscription. */

import { type FieldError, fail, fieldErrors } from "../../../../base/errors.ts";
import { LIMITS } from "../../../../base/limits.ts";

export interface SubscriptionForm {
  readonly clientId: string;
  readonly topics: readonly string[];
}

const CLIENT_ID_BYTES_MAX = 255;

/**
 * `isForm`: one topic came as a text. Error: 400, with an entry for each field at fault, with none
 * where a value has a wrong type.
 */
export function readSubscriptionForm(body: unknown, isForm: boolean): SubscriptionForm {
  const { clientId = "", subscriptions = [] } = asObject(body);
  const isOne = isForm && typeof subscriptions === "string";
  const topics = isOne ? [subscriptions] : (subscriptions ?? []);
  if (typeof clientId !== "string" || !isTexts(topics)) throw malformed();
  const faults = { ...idFault(clientId), ...topicFaults(topics) };
  if (Object.keys(faults).length > 0) throw fieldErrors(faults);
  return { clientId, topics };
}

function idFault(clientId: string): Record<string, FieldError> {
  if (clientId === "") {
    return { clientId: { code: "validation_required", message: "Cannot be blank." } };
  }
  if (Buffer.byteLength(clientId) <= CLIENT_ID_BYTES_MAX) return {};
  const message = `Must be at most ${CLIENT_ID_BYTES_MAX} bytes long.`;
  const params = { min: 1, max: CLIENT_ID_BYTES_MAX };
  return { clientId: { code: "validation_length_out_of_range", message, params } };
}

function topicFaults(topics: readonly string[]): Record<string, FieldError> {
  if (topics.length > LIMITS.realtimeTopicsPerClientMax) {
    return { subscriptions: tooLong(LIMITS.realtimeTopicsPerClientMax, "entries") };
  }
  const long = topics.flatMap((topic, index) =>
    Buffer.byteLength(topic) > LIMITS.realtimeTopicBytesMax
      ? [[String(index), tooLong(LIMITS.realtimeTopicBytesMax, "bytes")] as const]
      : [],
  );
  if (long.length === 0) return {};
  // Entries are named by their place, one level deeper than fields.
  return { subscriptions: Object.fromEntries(long) as unknown as FieldError };
}

function tooLong(max: number, unit: string): FieldError {
  const message = `Must have at most ${max} ${unit}.`;
  return { code: "validation_length_too_long", message, params: { min: 0, max } };
}

function asObject(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {};
  if (typeof body !== "object" || Array.isArray(body)) throw malformed();
  return body as Readonly<Record<string, unknown>>;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function malformed() {
  return fail.invalid("invalid_body", "The submitted data could not be read.");
}
