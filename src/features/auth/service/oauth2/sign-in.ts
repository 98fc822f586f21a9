/** Signing in with an account elsewhere (RFC 6749, section 4.1). */

import { type FieldError, fail, fieldErrors } from "../../../../base/errors.ts";
import type { Context } from "../../../../core/context.ts";
import type { OAuth2Client } from "../../../../infra/oauth2/client.ts";
import { faults } from "../../../../tools/fields/faults.ts";
import { type Collection, storedDate, type Values } from "../../../records/index.ts";
import type { Accounts } from "../accounts.ts";
import type { Answers, AuthResult } from "../answers.ts";
import { type FormInput, malformedBody, readTexts } from "../forms.ts";
import { type ConfiguredProvider, configuredProvider } from "./configuration.ts";
import type { AccountLinks, LinkedAccount } from "./link.ts";
import type { OAuth2Redirect } from "./redirect.ts";
import { type ExternalUser, fetchUser } from "./user.ts";

type Input = FormInput & { readonly collection: string };

const TEXTS = ["provider", "code", "codeVerifier", "redirectURL", "redirectUrl"] as const;

export class OAuth2SignIn {
  readonly #accounts: Accounts;
  readonly #answers: Answers;
  readonly #client: OAuth2Client;
  readonly #links: AccountLinks;
  readonly #redirect: OAuth2Redirect;

  constructor(
    accounts: Accounts,
    parts: {
      readonly answers: Answers;
      readonly client: OAuth2Client;
      readonly links: AccountLinks;
      readonly redirect: OAuth2Redirect;
    },
  ) {
    this.#accounts = accounts;
    this.#answers = parts.answers;
    this.#client = parts.client;
    this.#links = parts.links;
    this.#redirect = parts.redirect;
  }

  /**
   * Errors: 403 where the collection has no OAuth2; 400 for the form, for a code that the provider
   * refuses, and for an account that cannot be made; those of an answer.
   */
  async signIn(context: Context, input: Input): Promise<AuthResult> {
    const collection = this.#accounts.collection(input.collection);
    if (!this.#accounts.options(collection).oauth2.enabled) {
      throw fail.forbidden("oauth2_disabled", "The collection has no sign-in by OAuth2.");
    }
    const form = readTexts(context, input, TEXTS);
    const createData = readCreateData(input.createData);
    const redirectURL = form.redirectURL || form.redirectUrl;
    const provider = this.#check(collection, { ...form, redirectURL });
    const fetched = await fetchUser(this.#client, provider, {
      ...form,
      redirectURL,
      now: context.clock.now(),
    });
    const name = fetched.name || this.#redirect.takeName(form.code);
    const user = { ...fetched, name };
    const link = { collection, provider: form.provider, user, createData };
    const linked = await this.#links.account(context, link);
    const account = { collection, record: linked.record };
    const meta = metaOf(user, linked);
    return this.#answers.give(context, { account, method: "oauth2", meta, input });
  }

  #check(
    collection: Collection,
    form: Readonly<Record<"code" | "provider" | "redirectURL", string>>,
  ): ConfiguredProvider {
    const found: Record<string, FieldError> = {};
    const { providers } = this.#accounts.options(collection).oauth2;
    const given = providers.find(({ name }) => name === form.provider);
    if (form.provider === "") found.provider = faults.required();
    else if (!given) found.provider = unknownProvider(form.provider);
    if (form.code === "") found.code = faults.required();
    if (form.redirectURL === "") found.redirectURL = faults.required();
    if (Object.keys(found).length > 0) throw fieldErrors(found);
    const provider = given && configuredProvider(given);
    if (provider) return provider;
    throw fail.internal("unknown_provider", "The provider is not known to this server.");
  }
}

const PROVIDER_CHARS_MAX = 100;

function unknownProvider(name: string): FieldError {
  if ([...name].length > PROVIDER_CHARS_MAX) {
    const max = PROVIDER_CHARS_MAX;
    const message = `The length must be no more than ${max}.`;
    return { code: "validation_length_too_long", message, params: { max, min: 0 } };
  }
  const message = `Provider with name ${name} is missing or is not enabled.`;
  return { code: "validation_invalid_provider", message, params: { name } };
}

function readCreateData(given: unknown): Values {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object" || Array.isArray(given)) throw malformedBody();
  return given as Values;
}

function metaOf(user: ExternalUser, { isNew }: LinkedAccount): Record<string, unknown> {
  const { id, name, username, email, avatarURL, raw, token } = user;
  return {
    id,
    name,
    username,
    email,
    avatarURL,
    // The same under its older name.
    avatarUrl: avatarURL,
    rawUser: raw,
    accessToken: token.accessToken,
    refreshToken: token.refreshToken,
    expiry: token.expiresAt === undefined ? "" : storedDate(token.expiresAt),
    isNew,
  };
}
