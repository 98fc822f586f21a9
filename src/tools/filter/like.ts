/** Patterns of the operators `~` and `!~`. The escape sign is the backslash. */

/**
 * `text` as a pattern of LIKE: verbatim when it has a `%` that is not escaped (then `_` is a
 * wildcard too), else found anywhere, its own wildcards taken literally.
 */
export function likePattern(text: string): string {
  let escaped = "";
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    const next = text.charAt(at + 1);
    if (sign === "%") return text;
    if (sign === "\\" && (next === "\\" || next === "%" || next === "_")) {
      escaped += sign + next;
      at++;
    } else escaped += sign === "\\" || sign === "_" ? `\\${sign}` : sign;
  }
  return `%${escaped}%`;
}
