/**
 * An OpenID provider for tests: codes are good once, for the address they were asked for and for
 * who knows the verifier of their challenge (RFC 7636); id_tokens are signed with its own key.
 */

import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export type Claims = Readonly<Record<string, unknown>>;

interface Grant {
  readonly claims: Claims;
  readonly challenge: string;
  readonly redirectUri: string;
}

export const CLIENT = { clientId: "our-client", clientSecret: "our & secret" };

/** 1 by 1. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

export class OidcProvider implements AsyncDisposable {
  /** Whom the next consent is for. */
  user: Claims = {};
  /** What goes into id_tokens beside the user. */
  idToken: Claims = {};
  /** Where the client's secret has to be. */
  secretIn: "header" | "form" = "header";
  readonly asked: string[] = [];
  readonly #grants = new Map<string, Grant>();
  readonly #tokens = new Map<string, Claims>();
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => this.#answer(request),
  });
  #keys: { readonly sign: CryptoKey; readonly jwk: JWK } | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** As a browser comes back from the page of consent. */
  async consent(authURL: string, redirectUri: string): Promise<{ code: string; state: string }> {
    const answer = await fetch(authURL + encodeURIComponent(redirectUri), { redirect: "manual" });
    const location = new URL(answer.headers.get("location") ?? "");
    const [code, state] = ["code", "state"].map((name) => location.searchParams.get(name) ?? "");
    return { code: code ?? "", state: state ?? "" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.asked.push(url.pathname);
    switch (url.pathname) {
      case "/authorize":
        return this.#authorize(url.searchParams);
      case "/token":
        return this.#exchange(request);
      case "/userinfo": {
        const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
        const claims = this.#tokens.get(token);
        return claims ? Response.json(claims) : new Response("", { status: 401 });
      }
      case "/keys":
        return Response.json({ keys: [(await this.#key()).jwk] });
      case "/picture.png":
        return new Response(PNG);
      case "/endless":
        return new Response("x".repeat(2 * 1024 * 1024));
      default:
        return new Response("", { status: 404 });
    }
  }

  #authorize(query: URLSearchParams): Response {
    const code = crypto.randomUUID();
    const redirectUri = query.get("redirect_uri") ?? "";
    const challenge = query.get("code_challenge") ?? "";
    this.#grants.set(code, { claims: this.user, challenge, redirectUri });
    const to = new URL(redirectUri);
    to.searchParams.set("code", code);
    to.searchParams.set("state", query.get("state") ?? "");
    return Response.redirect(to.href, 302);
  }

  async #exchange(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    if (!this.#knows(request, form))
      return Response.json({ error: "invalid_client" }, UNAUTHORIZED);
    const grant = this.#grants.get(form.get("code") ?? "");
    this.#grants.delete(form.get("code") ?? "");
    const hash = new Bun.CryptoHasher("sha256").update(form.get("code_verifier") ?? "");
    const proven = grant?.challenge === "" || grant?.challenge === hash.digest("base64url");
    if (!grant || !proven || grant.redirectUri !== form.get("redirect_uri")) {
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    const token = crypto.randomUUID();
    this.#tokens.set(token, grant.claims);
    const { sign } = await this.#key();
    const id = new SignJWT({
      ...grant.claims,
      aud: CLIENT.clientId,
      iss: this.url,
      ...this.idToken,
    });
    return Response.json({
      access_token: token,
      token_type: "Bearer",
      refresh_token: "again",
      expires_in: 3600,
      id_token: await id.setProtectedHeader({ alg: "RS256", kid: "key" }).sign(sign),
    });
  }

  #knows(request: Request, form: URLSearchParams): boolean {
    const { clientId, clientSecret } = CLIENT;
    const pair = btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`);
    const inHeader = request.headers.get("authorization") === `Basic ${pair}`;
    const inForm = form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
    return this.secretIn === "header" ? inHeader : inForm;
  }

  async #key() {
    if (!this.#keys) {
      const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
      const jwk = { ...(await exportJWK(publicKey)), kid: "key", alg: "RS256" };
      this.#keys = { sign: privateKey, jwk };
    }
    return this.#keys;
  }
}

const UNAUTHORIZED = { status: 401 };
