/** Where links in mails and redirects of identity providers lead: `/_/#/auth/…`. */

import { ApiClient, ApiError, memoryTokens } from "../client/index.ts";
import { byId, find, messageOf } from "./dom.ts";

const LINK =
  /^#\/auth\/(oauth2-redirect-success|oauth2-redirect-failure|confirm-[a-z-]+)(?:\/(.+))?$/;

interface Link {
  readonly action: string;
  readonly token: string;
  /** Of the account that the token is about. */
  readonly collection: string;
}

/** Shows what the address asks for; false where it is no such address. `show` shows one section. */
export function showAccountLink(show: (section: "auth-form" | "auth-result") => void): boolean {
  const [, action, token = ""] = LINK.exec(location.hash) ?? [];
  if (action === undefined) return false;
  // The token must not stay in the address or in the history.
  if (token !== "") history.replaceState(null, "", "/_/");
  const tell = (heading: string, text: string) => {
    byId("auth-heading", HTMLElement).textContent = heading;
    byId("auth-text", HTMLElement).textContent = text;
    show("auth-result");
  };
  const link = { action, token, collection: collectionOf(token) };
  switch (action) {
    case "oauth2-redirect-success":
      tell("You are signed in", "You can close this window and go back to the app.");
      // Works where the app opened this window; elsewhere the words stay.
      window.close();
      break;
    case "oauth2-redirect-failure":
      tell("The sign-in failed", "Close this window, go back to the app and try again.");
      break;
    case "confirm-verification":
      void confirm(link, {}).then(
        () => tell("Your address is confirmed", "You can close this window."),
        (error: unknown) => tell("The address could not be confirmed", reasonOf(error)),
      );
      break;
    case "confirm-password-reset":
      ask(link, { heading: "Choose a new password", twice: true, tell });
      show("auth-form");
      break;
    case "confirm-email-change":
      ask(link, { heading: "Confirm your new address", twice: false, tell });
      show("auth-form");
      break;
    default:
      tell("This link is not known", "Ask for a new one in the app.");
  }
  return true;
}

function ask(
  link: Link,
  options: {
    readonly heading: string;
    readonly twice: boolean;
    readonly tell: (heading: string, text: string) => void;
  },
): void {
  const form = byId("auth-form", HTMLFormElement);
  const value = (name: string) => find(form, `input[name=${name}]`, HTMLInputElement).value;
  const complain = (text: string) => {
    byId("auth-error", HTMLElement).textContent = text;
  };
  byId("auth-form-heading", HTMLElement).textContent = options.heading;
  byId("auth-again", HTMLElement).hidden = !options.twice;
  form.onsubmit = async (event) => {
    event.preventDefault();
    complain("");
    const [password, passwordConfirm] = [value("password"), value("passwordConfirm")];
    if (options.twice && password !== passwordConfirm) {
      complain("The two passwords differ.");
      return;
    }
    const button = find(form, "button", HTMLButtonElement);
    button.disabled = true;
    try {
      await confirm(link, options.twice ? { password, passwordConfirm } : { password });
      options.tell("Done", "You can close this window and sign in.");
    } catch (error) {
      complain(reasonOf(error));
    }
    button.disabled = false;
  };
}

async function confirm(link: Link, body: Readonly<Record<string, string>>): Promise<void> {
  const api = new ApiClient(location.origin, memoryTokens());
  const path = `/api/collections/${encodeURIComponent(link.collection)}/${link.action}`;
  await api.request("POST", path, { body: { token: link.token, ...body } });
}

/** The token says whose it is (RFC 7519); only the server can say that it is good. */
function collectionOf(token: string): string {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const named = typeof claims === "object" && claims !== null && "collectionId" in claims;
    return named && typeof claims.collectionId === "string" ? claims.collectionId : "users";
  } catch {
    return "users";
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.fields.token) return "The link is no longer valid: ask for a new one.";
  return Object.values(error.fields)[0] ?? messageOf(error);
}
