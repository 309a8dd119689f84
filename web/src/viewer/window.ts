/** Windows: which values are black and which are white. Centre and width are values (after the modality transform). */

export interface Window {
  center: number;
  width: number;
}

/** DICOM's VOI LUT function (0028,1056). */
export type Shape = "linear" | "linear_exact" | "sigmoid";

export interface Preset extends Window {
  /** The file's own name, or a key of the page's words. */
  name: string | null;
  key?: string;
}

export interface Range {
  lower: number;
  upper: number;
}

/** The smallest width that DICOM PS3.3 C.11.2.1 allows, and above none. */
export function valid(window: Window, shape: Shape): Window {
  const least = shape === "linear" ? 1 : 1e-6;
  return { center: window.center, width: Math.max(window.width, least) };
}

/** Values of black and white, DICOM PS3.3 C.11.2.1.2 (linear) and C.11.2.1.3.2 (exact). */
export function rangeOf(window: Window, shape: Shape): Range {
  const { center, width } = valid(window, shape);
  if (shape === "linear_exact") return { lower: center - width / 2, upper: center + width / 2 };
  return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 };
}

/** The share of white (0…1) that a value is shown with; the rendering is tested against it. */
export function shade(value: number, window: Window, shape: Shape): number {
  const { center, width } = valid(window, shape);
  if (shape === "sigmoid") return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  const { lower, upper } = rangeOf({ center, width }, shape);
  if (value <= lower) return 0;
  if (value > upper) return 1;
  return upper > lower ? (value - lower) / (upper - lower) : 1;
}

/**
 * The range that Cornerstone is given, in stored values. Its sigmoid reads centre and width back out of a range made by
 * the linear rule, so that a sigmoid's window is carried over as a window and a line's as its two ends.
 */
export function storedRange(window: Window, shape: Shape, slope: number, intercept: number): Range {
  if (shape === "sigmoid") {
    const stored = { center: (window.center - intercept) / slope, width: window.width / Math.abs(slope) };
    return { lower: stored.center - stored.width / 2, upper: stored.center + stored.width / 2 - 1 };
  }
  const { lower, upper } = rangeOf(window, shape);
  const ends = [(lower - intercept) / slope, (upper - intercept) / slope];
  const low = Math.min(...ends);
  return { lower: low, upper: Math.max(...ends, low + 1e-3) };
}

/** Window after a drag: a whole picture's breadth across changes the width by the window's own size, and so the centre. */
export function dragged(start: Window, shares: [number, number], shape: Shape): Window {
  const step = Math.max(Math.abs(start.width), 1);
  return valid({ center: start.center + 2 * shares[1] * step, width: start.width + 2 * shares[0] * step }, shape);
}

/** The window that spans these values. */
export function spanning(low: number, high: number, shape: Shape): Window {
  return shape === "linear"
    ? { center: (low + high) / 2 + 0.5, width: high - low + 1 }
    : { center: (low + high) / 2, width: Math.max(high - low, 1e-6) };
}

// Hounsfield units; usual settings of CT reading rooms (radiopaedia.org, "Windowing (CT)").
const CT: Preset[] = [
  { key: "lung", name: null, center: -600, width: 1500 },
  { key: "mediastinum", name: null, center: 50, width: 350 },
  { key: "abdomen", name: null, center: 50, width: 400 },
  { key: "liver", name: null, center: 30, width: 150 },
  { key: "brain", name: null, center: 40, width: 80 },
  { key: "bone", name: null, center: 400, width: 1800 },
];

/** The file's own windows, then the modality's, then what the values themselves give; nine at most, one for each digit. */
export function presets(
  own: (Window & { name: string | null })[],
  modality: string | null,
  unit: string | null,
  values: { low: number; high: number; p1: number; p99: number },
  shape: Shape,
): Preset[] {
  const known = modality === "CT" && unit === "HU" ? CT : [];
  const made: Preset[] = [
    { key: "full", name: null, ...spanning(values.low, values.high, shape) },
    { key: "auto", name: null, ...spanning(values.p1, values.p99, shape) },
  ];
  return [...own.map((window) => ({ ...window })), ...known, ...made].slice(0, 9);
}

/** Least, greatest and first and last percentile of the samples that are measurements; the percentiles from a part. */
export function spread(samples: ArrayLike<number>, padding: number | null) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] as number;
    if (value === padding) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { low: 0, high: 1, p1: 0, p99: 1 };
  const step = Math.max(1, Math.floor(samples.length / 65_536));
  const some: number[] = [];
  for (let i = 0; i < samples.length; i += step) if (samples[i] !== padding) some.push(samples[i] as number);
  some.sort((a, b) => a - b);
  const at = (share: number) => some[Math.round(share * (some.length - 1))] ?? low;
  return { low, high, p1: at(0.01), p99: at(0.99) };
}
