/**
 * Calls to identity providers: codes for tokens (RFC 6749, section 4.1.3), users, key sets and
 * pictures. Every call has a time limit and every answer a size limit.
 */

import type { Clock } from "../../base/clock.ts";
import { fail } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

export interface TokenRequest {
  readonly tokenURL: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly code: string;
  readonly redirectURL: string;
  /** Of PKCE (RFC 7636); absent where the provider has none. */
  readonly codeVerifier?: string | undefined;
}

export interface ProviderToken {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** As the provider writes it; empty for Bearer. */
  readonly tokenType: string;
  /** Milliseconds since the epoch; undefined where the provider does not say. */
  readonly expiresAt: number | undefined;
  /** The whole answer: `id_token` and whatever else a provider adds. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface JsonRequest {
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly token?: ProviderToken;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined where the body is no JSON. */
  readonly value: unknown;
}

export interface Picture {
  readonly bytes: Uint8Array;
  /** The last part of the address's path. */
  readonly name: string;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;
type AuthStyle = "header" | "form";

export class OAuth2Client {
  readonly #clock: Clock;
  readonly #sendRequest: Fetch;
  /** How a token address wants the client's secret, learnt at the first exchange. */
  readonly #styles = new Map<string, AuthStyle>();

  /** `send` stands for the runtime's own fetch in tests. */
  constructor(clock: Clock, send: Fetch = fetch) {
    this.#clock = clock;
    this.#sendRequest = send;
  }

  /**
   * Exchanges a code. Providers differ in where they take the client's secret, so what fails in the
   * header is tried once more in the form. Error: 400 `oauth2_token`.
   */
  async exchange(request: TokenRequest): Promise<ProviderToken> {
    const key = `${request.clientId} ${request.tokenURL}`;
    const known = this.#styles.get(key);
    const styles: readonly AuthStyle[] = known ? [known] : ["header", "form"];
    let cause: unknown;
    for (const style of styles) {
      try {
        const token = await this.#exchange(request, style);
        this.#learn(key, style);
        return token;
      } catch (error) {
        cause = error;
      }
    }
    throw fail.invalid("oauth2_token", "Failed to fetch OAuth2 token.", { cause });
  }

  async #exchange(request: TokenRequest, style: AuthStyle): Promise<ProviderToken> {
    const form = new URLSearchParams({
      grant_type: "authorization_code",
      code: request.code,
      redirect_uri: request.redirectURL,
    });
    if (request.codeVerifier !== undefined) form.set("code_verifier", request.codeVerifier);
    const headers: Record<string, string> = {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
    };
    if (style === "header") {
      const pair = [request.clientId, request.clientSecret].map(encodeURIComponent).join(":");
      headers.authorization = `Basic ${btoa(pair)}`;
    } else {
      form.set("client_id", request.clientId);
      form.set("client_secret", request.clientSecret);
    }
    const init = { method: "POST", headers, body: form.toString() };
    const { response, bytes } = await this.#send(request.tokenURL, init, LIMITS.oauth2BytesMax);
    const raw = tokenAnswer(response, new TextDecoder().decode(bytes));
    if (!response.ok || text(raw.error) !== "" || text(raw.access_token) === "") {
      throw new Error(`no token: status ${response.status}, error ${text(raw.error) || "none"}`);
    }
    const seconds = Number(raw.expires_in);
    return {
      accessToken: text(raw.access_token),
      refreshToken: text(raw.refresh_token),
      tokenType: text(raw.token_type),
      expiresAt: seconds > 0 ? this.#clock.now() + seconds * 1000 : undefined,
      raw,
    };
  }

  /** Whatever the status is. Error: 400 `oauth2_unreachable` for network, time and size. */
  async json(request: JsonRequest): Promise<JsonAnswer> {
    const { token } = request;
    const type = !token || /^(bearer)?$/i.test(token.tokenType) ? "Bearer" : token.tokenType;
    const init: RequestInit = {
      method: request.method ?? "GET",
      headers: {
        accept: "application/json",
        ...(token ? { authorization: `${type} ${token.accessToken}` } : {}),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: request.body }),
    };
    try {
      const { response, bytes } = await this.#send(request.url, init, LIMITS.oauth2BytesMax);
      return { status: response.status, value: parse(new TextDecoder().decode(bytes)) };
    } catch (cause) {
      throw fail.invalid("oauth2_unreachable", "Failed to ask the OAuth2 provider.", { cause });
    }
  }

  /** Error: 400 `oauth2_picture`. */
  async picture(url: string): Promise<Picture> {
    try {
      const { response, bytes } = await this.#send(url, {}, LIMITS.oauth2PictureBytesMax);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return { bytes, name: new URL(url).pathname.split("/").at(-1) || "picture" };
    } catch (cause) {
      throw fail.invalid("oauth2_picture", "Failed to fetch the picture.", { cause });
    }
  }

  async #send(
    url: string,
    init: RequestInit,
    bytesMax: number,
  ): Promise<{ response: Response; bytes: Uint8Array }> {
    if (!/^https?:\/\//i.test(url)) throw new Error("the address is no web address");
    const signal = AbortSignal.timeout(LIMITS.oauth2AnswerMs);
    const response = await this.#sendRequest(url, { ...init, signal });
    return { response, bytes: await readBounded(response, bytesMax) };
  }

  #learn(key: string, style: AuthStyle): void {
    if (this.#styles.size >= LIMITS.oauth2StylesMax) this.#styles.clear();
    this.#styles.set(key, style);
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.byteLength;
    if (total > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Some providers answer with a form instead of JSON. */
function tokenAnswer(response: Response, body: string): Readonly<Record<string, unknown>> {
  const type = response.headers.get("content-type") ?? "";
  if (/^(application\/x-www-form-urlencoded|text\/plain)/i.test(type)) {
    return Object.fromEntries(new URLSearchParams(body));
  }
  const value = parse(body);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // No JSON is an answer too: the caller sees that there is no value.
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
