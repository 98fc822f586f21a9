/** How people are called on the page. */

/** The name, or `Guest` with the end of the participant's id, so that guests can be told apart. */
export function displayName(person: { readonly id: string; readonly name: string }): string {
  return person.name || `Guest ${person.id.slice(-4)}`;
}

/** One or two letters for a picture: of the first and the last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => firstOf(word));
  return letters.join("").toLocaleUpperCase() || "?";
}

/** The first character as a reader sees it: an emoji or a letter with its accents is one. */
function firstOf(word = ""): string {
  const [first] = new Intl.Segmenter().segment(word);
  return first?.segment ?? "";
}

/** A hue of 0 to 359 that stays the same for the same id. */
export function hueOf(id: string): number {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return hash;
}

/** `1 person`, `3 people`. */
export function countPeople(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}
