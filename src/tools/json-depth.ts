/** How deeply JSON is nested, asked before it is parsed: parsers recurse. */

/** Whether the text's lists and objects are nested deeper than `depthMax`. */
export function isDeeper(text: string, depthMax: number): boolean {
  return hasMoreBrackets(text, depthMax) && depthOf(text) > depthMax;
}

/**
 * Whether it has more opening brackets than that, those in its strings included. With no more it
 * is not nested deeper either, and this costs a fiftieth of looking at each character.
 */
export function hasMoreBrackets(text: string, count: number): boolean {
  return countUpTo(count, "{", text) + countUpTo(count, "[", text) > count;
}

/** How often it is there, counted no further than past the bound. */
function countUpTo(bound: number, bracket: string, text: string): number {
  let count = 0;
  let at = text.indexOf(bracket);
  while (at !== -1 && count <= bound) {
    count++;
    at = text.indexOf(bracket, at + 1);
  }
  return count;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 92) i++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) deepest = Math.max(deepest, ++depth);
    else if (code === 125 || code === 93) depth--;
  }
  return deepest;
}
