/** What a new account is made of: what the client sent, and the provider's data for the rest. */

import type { Context } from "../../../../core/context.ts";
import type { OAuth2Client } from "../../../../infra/oauth2/client.ts";
import { readUpload } from "../../../../tools/fields/read-upload.ts";
import type { Upload } from "../../../../tools/fields/upload.ts";
import { sniffType } from "../../../../tools/mime.ts";
import type { Collection } from "../../../records/index.ts";
import type { Accounts } from "../accounts.ts";
import type { LinkRequest } from "./link.ts";

export async function newAccountBody(
  context: Context,
  { collection, user, createData }: LinkRequest,
  parts: { readonly accounts: Accounts; readonly client: OAuth2Client },
): Promise<Record<string, unknown>> {
  const { mappedFields } = parts.accounts.options(collection).oauth2;
  const body: Record<string, unknown> = { ...createData };
  const isFree = (field: string) => field !== "" && !Object.hasOwn(createData, field);
  if (typeof body.email !== "string" || body.email === "") body.email = user.email;
  if (isFree(mappedFields.id)) body[mappedFields.id] = user.id;
  if (isFree(mappedFields.name)) body[mappedFields.name] = user.name;
  const { username, avatarURL: avatar } = mappedFields;
  if (isFree(username) && (await fits(context, collection, { ...parts, user, field: username }))) {
    body[username] = user.username;
  }
  if (isFree(avatar) && user.avatarURL !== "") {
    const field = collection.fields.find(({ name }) => name === avatar);
    const value =
      field?.type === "file"
        ? await picture(context, parts.client, user.avatarURL)
        : user.avatarURL;
    if (value !== undefined) body[avatar] = value;
  }
  return body;
}

/** A user name is taken over where the field is a text that takes it and nobody else has it. */
async function fits(
  context: Context,
  collection: Collection,
  options: {
    readonly accounts: Accounts;
    readonly user: LinkRequest["user"];
    readonly field: string;
  },
): Promise<boolean> {
  const { accounts, field, user } = options;
  const value = user.username;
  const definition = collection.fields.find(({ name }) => name === field);
  if (definition?.type !== "text") return false;
  const values = { [field]: value };
  const fields = accounts.model(collection).fields;
  if (fields.check({ ...fields.zero(), ...values }, undefined)?.[field]) return false;
  const found = await accounts.findBy(context, collection, { field, value });
  return found === undefined;
}

/** Undefined where it cannot be had: nobody is kept out for a picture. */
async function picture(
  context: Context,
  client: OAuth2Client,
  url: string,
): Promise<Upload | undefined> {
  try {
    const { bytes, name } = await client.picture(url);
    const { type, extension } = sniffType(bytes);
    const file = { filename: name, bytes: bytes.length, type, extension } as const;
    const random = (bound: number) => context.ids.below(bound);
    return readUpload({ ...file, content: { kind: "bytes", bytes } }, random);
  } catch (cause) {
    context.log.warn("a picture could not be fetched from the OAuth2 provider", { cause });
    return undefined;
  }
}
