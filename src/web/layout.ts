/** How large tiles of one shape can be in an area. */

export interface Area {
  readonly width: number;
  readonly height: number;
}

/**
 * The width of the largest tile, in pixels, so that `count` of them fit into the area with `gap`
 * between them; `ratio` is width by height. 0 when nothing fits.
 */
export function tileWidth(
  count: number,
  area: Area,
  shape: { gap: number; ratio: number },
): number {
  const { gap, ratio } = shape;
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (area.width - gap * (columns - 1)) / columns;
    const byHeight = ((area.height - gap * (rows - 1)) / rows) * ratio;
    best = Math.max(best, Math.floor(Math.min(byWidth, byHeight)));
  }
  return best;
}
