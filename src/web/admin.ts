/**
 * The page at `/_/`: makes the first superuser from the link that the server prints, and takes the
 * links of accounts' mails.
 */

import { ApiClient, ApiError, memoryTokens } from "../client/index.ts";
import { showAccountLink } from "./account-links.ts";
import { byId, find, messageOf } from "./dom.ts";

const SECTIONS = ["about", "install", "expired", "done", "auth-form", "auth-result"] as const;
const FIELDS = ["email", "password", "passwordConfirm"] as const;

function show(section: (typeof SECTIONS)[number]): void {
  for (const id of SECTIONS) byId(id, HTMLElement).hidden = id !== section;
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return find(form, `input[name=${name}]`, HTMLInputElement);
}

/** Superusers are made by superusers; the token belongs to one that is there for this only. */
async function install(form: HTMLFormElement, token: string): Promise<void> {
  const api = new ApiClient(location.origin, memoryTokens(token));
  const body = Object.fromEntries(FIELDS.map((name) => [name, field(form, name).value]));
  await api.request("POST", "/api/collections/_superusers/records", { body });
  // The token is used up: it must not stay in the address or in the history.
  history.replaceState(null, "", "/_/");
  byId("done-email", HTMLElement).textContent = body.email ?? "";
  show("done");
  byId("done", HTMLElement).focus();
}

function showFaults(form: HTMLFormElement, faults: Readonly<Record<string, string>>): boolean {
  let placed = false;
  for (const name of FIELDS) {
    const message = faults[name] ?? "";
    find(form, `[data-fault=${name}]`, HTMLElement).textContent = message;
    field(form, name).ariaInvalid = message ? "true" : null;
    if (message && !placed) field(form, name).focus();
    placed ||= message !== "";
  }
  return placed;
}

function showFailure(form: HTMLFormElement, error: unknown): void {
  if (error instanceof ApiError && [401, 403, 404].includes(error.status)) {
    show("expired");
    return;
  }
  const placed = showFaults(form, error instanceof ApiError ? error.fields : {});
  byId("install-error", HTMLElement).textContent = placed ? "" : messageOf(error);
}

/** The link's token, undefined when the address has none. */
function tokenInAddress(): string | undefined {
  return /^#\/pbinstal\/(.+)$/.exec(location.hash)?.[1];
}

/** A token says itself when it ends (RFC 7519, `exp`); only the server can say that it is good. */
function isExpired(token: string): boolean {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const known = typeof claims === "object" && claims !== null && "exp" in claims;
    return !known || typeof claims.exp !== "number" || claims.exp * 1_000 < Date.now();
  } catch {
    return true;
  }
}

function start(): void {
  if (showAccountLink(show)) return;
  const token = tokenInAddress();
  if (token === undefined) {
    show("about");
    return;
  }
  if (isExpired(token)) {
    show("expired");
    return;
  }
  const form = byId("install", HTMLFormElement);
  show("install");
  field(form, "email").focus();
  form.onsubmit = async (event) => {
    event.preventDefault();
    showFaults(form, {});
    byId("install-error", HTMLElement).textContent = "";
    if (field(form, "password").value !== field(form, "passwordConfirm").value) {
      showFaults(form, { passwordConfirm: "The two passwords differ." });
      return;
    }
    const button = find(form, "button", HTMLButtonElement);
    button.disabled = true;
    await install(form, token).catch((error: unknown) => showFailure(form, error));
    button.disabled = false;
  };
}

addEventListener("hashchange", start);
start();
