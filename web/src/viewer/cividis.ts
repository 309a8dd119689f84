/**
 * Cividis (Nuñez, Anderton, Renslow, PLoS ONE 2018): even steps of lightness, the same to colour-blind eyes. The
 * polynomial is d3-scale-chromatic's fit to it.
 */
export function cividis(share: number): [number, number, number] {
  const t = Math.min(1, Math.max(0, share));
  const byte = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
  return [
    byte(-4.54 - t * (35.34 - t * (2381.73 - t * (6402.7 - t * (7024.72 - t * 2710.57))))),
    byte(32.49 + t * (170.73 + t * (52.82 - t * (131.46 - t * (176.58 - t * 67.37))))),
    byte(81.24 + t * (442.36 - t * (2482.43 - t * (6167.24 - t * (6614.94 - t * 2475.67))))),
  ];
}

/** A map's values as pixels: cividis, and the less opaque the smaller the value; zero is not there. */
export function pixelsOf(values: ArrayLike<number>): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    const share = value > 0 ? Math.min(1, value) : 0;
    pixels.set([...cividis(share), Math.round(255 * share)], i * 4);
  }
  return pixels;
}
