/** Sign in, create an account, or go on as a guest. */

import { ApiError } from "../client/index.ts";
import { byId, find, messageOf, showView } from "./dom.ts";
import type { Visitor } from "./visitor.ts";

/** Wires the form once; the answer shows the view. */
export function accountView(visitor: Visitor, onDone: () => void): () => void {
  const form = byId("account", HTMLFormElement);
  const tabs = {
    in: byId("tab-sign-in", HTMLButtonElement),
    up: byId("tab-sign-up", HTMLButtonElement),
  };
  const submits = {
    in: byId("submit-sign-in", HTMLButtonElement),
    up: byId("submit-sign-up", HTMLButtonElement),
  };
  let mode: "in" | "up" = "in";

  const select = (next: "in" | "up") => {
    mode = next;
    for (const key of ["in", "up"] as const) {
      tabs[key].ariaPressed = String(key === mode);
      submits[key].hidden = key !== mode;
    }
    byId("name-field", HTMLLabelElement).hidden = mode === "in";
    const password = field(form, "password");
    password.autocomplete = mode === "in" ? "current-password" : "new-password";
    clearFaults(form);
  };
  tabs.in.onclick = () => select("in");
  tabs.up.onclick = () => select("up");
  byId("guest", HTMLButtonElement).onclick = () => {
    visitor.goOnAsGuest();
    onDone();
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    clearFaults(form);
    submits[mode].disabled = true;
    try {
      const [email, password] = [field(form, "email").value.trim(), field(form, "password").value];
      if (mode === "in") await visitor.signIn(email, password);
      else await visitor.signUp({ email, password, name: field(form, "name").value.trim() });
      form.reset();
      onDone();
    } catch (error) {
      showFaults(form, error);
    } finally {
      submits[mode].disabled = false;
    }
  };
  select("in");
  return () => {
    showView("view-welcome");
    clearFaults(form);
  };
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return find(form, `input[name=${name}]`, HTMLInputElement);
}

function clearFaults(form: HTMLFormElement): void {
  for (const fault of form.querySelectorAll<HTMLElement>("[data-fault]")) fault.textContent = "";
  for (const input of form.querySelectorAll("input")) input.ariaInvalid = null;
  byId("account-error", HTMLElement).textContent = "";
}

/** The server says which fields are wrong; the rest is said above the button. */
function showFaults(form: HTMLFormElement, error: unknown): void {
  const faults = error instanceof ApiError ? error.fields : {};
  let placed = false;
  for (const [name, message] of Object.entries(faults)) {
    const place = form.querySelector<HTMLElement>(`[data-fault="${CSS.escape(name)}"]`);
    if (!place) continue;
    place.textContent = message;
    const input = field(form, name);
    input.ariaInvalid = "true";
    if (!placed) input.focus();
    placed = true;
  }
  if (!placed) byId("account-error", HTMLElement).textContent = messageOf(error);
}
