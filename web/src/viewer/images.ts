import { getShouldUseCPURendering, imageLoader, metaData, Enums, utilities, type Types } from "@cornerstonejs/core";
import { frameAddress, samplesOf, type Description, type Samples } from "./description";

const SCHEME = "semio";

interface Source {
  description: Description;
  frames: Map<number, Samples>;
}

const sources: Source[] = [];

/** Makes a picture known to Cornerstone; gives the names of its frames. */
export function register(description: Description): { ids: string[]; samples: (frame: number) => Samples | undefined } {
  const source: Source = { description, frames: new Map() };
  const index = sources.push(source) - 1;
  return {
    ids: Array.from({ length: description.frames }, (_, frame) => `${SCHEME}:${index}/${frame}`),
    samples: (frame) => source.frames.get(frame),
  };
}

function find(id: string): { source: Source; frame: number } | null {
  const [, index, frame] = /^semio:(\d+)\/(\d+)$/.exec(id) ?? [];
  const source = sources[Number(index)];
  return source && frame !== undefined ? { source, frame: Number(frame) } : null;
}

async function load(id: string): Promise<Types.IImage> {
  const found = find(id);
  if (!found) throw new Error(`no picture ${id}`);
  const { source, frame } = found;
  const response = await fetch(frameAddress(source.description, frame));
  if (!response.ok) throw new Error(`frame ${frame}: status ${response.status}`);
  const samples = samplesOf(source.description, await response.arrayBuffer());
  source.frames.set(frame, samples);
  return image(id, source.description, samples);
}

// Padding is no measurement: it is shown as dark as the darkest value, whatever way round the picture is.
function withoutPadding({ padding, inverted }: Description, samples: Samples): Samples {
  if (padding === null || !samples.includes(padding)) return samples;
  let dark = inverted ? -Infinity : Infinity;
  for (const value of samples) if (value !== padding) dark = inverted ? Math.max(dark, value) : Math.min(dark, value);
  return Number.isFinite(dark) ? samples.map((value) => (value === padding ? dark : value)) : samples;
}

// Cornerstone's drawing without WebGL takes four bytes a coloured pixel, the one with it three.
function withAlpha(samples: Samples): Uint8Array {
  const pixels = new Uint8Array((samples.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < samples.length; from += 3, to += 4) pixels.set(samples.subarray(from, from + 3), to);
  return pixels;
}

function image(id: string, description: Description, samples: Samples): Types.IImage {
  const { rows, columns, spacing } = description;
  const color = description.samples === 3;
  const rgba = color && getShouldUseCPURendering();
  const shown = rgba ? withAlpha(samples) : color ? samples : withoutPadding(description, samples);
  const numberOfComponents = rgba ? 4 : description.samples;
  let low = Infinity;
  let high = -Infinity;
  for (const value of shown) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const data = shown as Types.PixelDataTypedArray;
  return {
    imageId: id,
    rows,
    columns,
    height: rows,
    width: columns,
    color,
    rgba,
    numberOfComponents,
    minPixelValue: low,
    maxPixelValue: high,
    slope: 1,
    intercept: 0,
    windowCenter: color ? 128 : (low + high + 1) / 2,
    // Cornerstone's first transfer function is made of this window; one without breadth could never be widened again.
    windowWidth: color ? 256 : Math.max(2, high - low + 1),
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    invert: false,
    photometricInterpretation: color ? "RGB" : "MONOCHROME2",
    rowPixelSpacing: spacing?.[0] ?? 1,
    columnPixelSpacing: spacing?.[1] ?? 1,
    sizeInBytes: data.byteLength,
    dataType: data.constructor.name as Types.PixelDataTypedArrayString,
    getPixelData: () => data,
    getCanvas: () => null as unknown as HTMLCanvasElement,
    voxelManager: utilities.VoxelManager.createImageVoxelManager({
      width: columns,
      height: rows,
      scalarData: data,
      numberOfComponents,
    }) as NonNullable<Types.IImage["voxelManager"]>,
  };
}

function provide(type: string, id: unknown): unknown {
  const found = typeof id === "string" ? find(id) : null;
  if (!found) return undefined;
  const { rows, columns, bits, signed, samples, spacing, modality } = found.source.description;
  const { MetadataModules } = Enums;
  switch (type) {
    case MetadataModules.IMAGE_PIXEL:
      return {
        bitsAllocated: bits,
        bitsStored: bits,
        highBit: bits - 1,
        samplesPerPixel: samples,
        pixelRepresentation: signed ? 1 : 0,
        photometricInterpretation: samples === 3 ? "RGB" : "MONOCHROME2",
      };
    case MetadataModules.IMAGE_PLANE:
      // A picture's own plane; where it lies in the body is the server's matter, which gives the letters.
      return {
        rows,
        columns,
        imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        imagePositionPatient: [0, 0, found.frame],
        rowPixelSpacing: spacing?.[0] ?? 1,
        columnPixelSpacing: spacing?.[1] ?? 1,
        frameOfReferenceUID: id,
      };
    case MetadataModules.GENERAL_SERIES:
      return { modality: modality ?? "OT" };
    default:
      return undefined;
  }
}

/** To be called once, before the first picture. */
export function start(): void {
  imageLoader.registerImageLoader(SCHEME, (id: string) => ({ promise: load(id) }));
  metaData.addProvider(provide, 1000);
}
