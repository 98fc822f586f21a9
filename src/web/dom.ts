/** The few words this page needs to speak with its document. */

type ElementClass<T extends Element> = abstract new () => T;

/** The element with the id. Error: there is none, or it is of another class. */
export function byId<T extends Element>(id: string, type: ElementClass<T>): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${type.name} with the id ${id}.`);
}

/** The first element in `parent` that fits the selector. Error: as `byId`. */
export function find<T extends Element>(
  parent: ParentNode,
  selector: string,
  type: ElementClass<T>,
): T {
  const element = parent.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`There is no ${type.name} at ${selector}.`);
}

/** A new element with a class and text. Text is never read as HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

const VIEWS = ["view-welcome", "view-rooms", "view-lobby", "view-call"] as const;

/** Shows one view and hides the others. */
export function showView(view: (typeof VIEWS)[number]): void {
  for (const id of VIEWS) byId(id, HTMLElement).hidden = id !== view;
  document.body.dataset.view = view;
}

/** What went wrong in words for a reader. */
export function messageOf(error: unknown): string {
  return error instanceof Error && error.message ? error.message : "Something went wrong.";
}
