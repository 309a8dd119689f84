/** The longest length of the kind 1, 2 or 5 × 10ⁿ millimetres that takes no more than `most` of the screen's pixels. */
export function scaleLength(millimetrePerPixel: number, most: number): number | null {
  const room = millimetrePerPixel * most;
  if (!(room > 0) || !Number.isFinite(room)) return null;
  const decade = 10 ** Math.floor(Math.log10(room));
  const step = [5, 2, 1].find((factor) => factor * decade <= room * (1 + 1e-9)) ?? 1;
  return step * decade;
}
