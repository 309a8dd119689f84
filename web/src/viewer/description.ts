import type { Shape, Window } from "./window";

/** What the server says of a picture (`GET data-description`). Lengths in millimetres, places in picture pixels. */
export interface Description {
  frames: number;
  rows: number;
  columns: number;
  samples: 1 | 3;
  bits: 8 | 16;
  signed: boolean;
  /** Address of a frame's samples, `{frame}` counting from 0: raw, little-endian, interleaved for three samples. */
  pixels: string;
  /** Modality transform: value = slope × stored + intercept. */
  slope: number;
  intercept: number;
  /** The file's own windows, in values. */
  windows: (Window & { name: string | null })[];
  function: Shape;
  /** High values are dark (MONOCHROME1). */
  inverted: boolean;
  /** Stored value that is no measurement. */
  padding: number | null;
  unit: string | null;
  modality: string | null;
  /** Distance between rows, then between columns. */
  spacing: [number, number] | null;
  /** Where left, right, top and bottom of the picture point to. */
  orientation: [string, string, string, string] | null;
  lossy: boolean;
  overlay: { map: string; classes: string[] } | null;
}

/** Where a model looked (`GET overlay.map`). */
export interface HeatMap {
  rows: number;
  columns: number;
  /** From 0 to 1, row after row. */
  values: number[];
  /** x, y, width and height of the part of the picture that the map covers. */
  region: [number, number, number, number];
  class: string;
  method: string;
}

/** A description that could not be shown safely is refused here, before any memory is asked for. */
export function checked(description: Description): Description {
  const { frames, rows, columns, samples, bits, slope } = description;
  const whole = [frames, rows, columns].every((count) => Number.isInteger(count) && count > 0);
  if (!whole || rows * columns > 2 ** 28) throw new Error("the picture's size is not usable");
  if (![1, 3].includes(samples) || ![8, 16].includes(bits)) throw new Error("the samples' layout is unknown");
  if (!Number.isFinite(slope) || slope === 0) throw new Error("the modality transform is not usable");
  return description;
}

/** The address of one frame. */
export function frameAddress(description: Description, frame: number): string {
  return description.pixels.replace("{frame}", String(frame));
}

export type Samples = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** Reads a frame's bytes as samples. */
export function samplesOf(description: Description, bytes: ArrayBuffer): Samples {
  const count = description.rows * description.columns * description.samples;
  if (bytes.byteLength !== (count * description.bits) / 8) throw new Error("the frame's length does not fit its description");
  if (description.bits === 8) return description.signed ? new Int8Array(bytes) : new Uint8Array(bytes);
  // Typed arrays take the machine's order of bytes, which is the file's everywhere that browsers run.
  return description.signed ? new Int16Array(bytes) : new Uint16Array(bytes);
}
