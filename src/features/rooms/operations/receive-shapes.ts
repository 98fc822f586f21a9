/** How a participant says what it wants to receive. */

import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../../base/limits.ts";
import type { ReceiveWishes } from "../runtime/wishes.ts";
import { Id, SourceName, strict } from "./shapes.ts";

/** Spatial layers of the offered simulcast, temporal layers of browsers' encoders: three of each. */
const Layer = Type.Integer({ minimum: 0, maximum: 2 });

const wishes = { maxItems: LIMITS.receiveWishesMax };

/** Each replaces what was wished before; what is left out stays. */
export const ReceiveFields = {
  layers: Type.Optional(
    Type.Array(
      Type.Object(
        {
          /** Left out: everybody that no other entry names. */
          participant_id: Type.Optional(Id),
          spatial: Layer,
          temporal: Type.Optional(Layer),
        },
        strict,
      ),
      wishes,
    ),
  ),
  /** Null: everything of everybody, as at first. */
  subscriptions: Type.Optional(
    Type.Union([
      Type.Null(),
      Type.Array(
        Type.Object(
          {
            participant_id: Id,
            /** Left out: all of them. */
            sources: Type.Optional(Type.Array(SourceName, { maxItems: 3 })),
          },
          strict,
        ),
        wishes,
      ),
    ]),
  ),
  /** Participants who come before all others. */
  pinned: Type.Optional(Type.Array(Id, { maxItems: LIMITS.pinnedMax })),
};

const Fields = Type.Object(ReceiveFields);

/** Undefined when nothing is wished. */
export function receiveWishes(input: Static<typeof Fields>): ReceiveWishes | undefined {
  const { layers, subscriptions, pinned } = input;
  if (layers === undefined && subscriptions === undefined && pinned === undefined) return undefined;
  return {
    ...(layers && {
      layers: layers.map(({ participant_id: participantId, ...wished }) => ({
        ...(participantId === undefined ? {} : { participantId }),
        layers: wished,
      })),
    }),
    ...(subscriptions !== undefined && {
      subscriptions:
        subscriptions?.map(({ participant_id: participantId, sources }) => ({
          participantId,
          ...(sources && { sources }),
        })) ?? null,
    }),
    ...(pinned && { pinned }),
  };
}
