// Synthetic pictures for the viewer's tests: every sample is a known function of its place.

const description = (id, more) => ({
  frames: 1, rows: 64, columns: 96, samples: 1, bits: 16, signed: false, pixels: `/images/${id}/frames/{frame}`,
  slope: 1, intercept: 0, windows: [], function: "linear", inverted: false, padding: null, unit: null, modality: null,
  spacing: null, orientation: null, lossy: false, overlay: null, ...more,
});

/** Pictures by name: what the server says of each, and its samples. */
export const pictures = {
  // Stored values on both sides of zero, Hounsfield units after the intercept; a corner of padding.
  ct: {
    about: description("ct", {
      signed: true, slope: 1, intercept: -24, unit: "HU", modality: "CT", spacing: [0.5, 0.5], padding: -2000,
      orientation: ["R", "L", "A", "P"], windows: [{ name: "Soft", center: 40, width: 400 }, { name: null, center: -600, width: 1500 }],
      overlay: { map: "/predictions/ct/map", classes: ["pneumonia"] },
    }),
    type: Int16Array,
    sample: (x, y) => (x < 4 && y < 4 ? -2000 : x * 20 + y * 2 - 1000),
  },
  // Twelve bits, dark where the value is high.
  mono1: {
    about: description("mono1", {
      inverted: true, modality: "CR", rows: 120, columns: 100, lossy: true, spacing: [0.2, 0.2],
      windows: [{ name: null, center: 2048, width: 4096 }],
    }),
    type: Uint16Array,
    sample: (x, y) => Math.min(4095, x * 40 + y),
  },
  rgb: {
    about: description("rgb", { samples: 3, bits: 8, rows: 48, columns: 48 }),
    type: Uint8Array,
    sample: (x, y, c) => [x * 5, y * 5, 128][c],
  },
  frames: {
    about: description("frames", { frames: 5, bits: 8, modality: "US", windows: [{ name: null, center: 128, width: 256 }] }),
    type: Uint8Array,
    sample: (_x, _y, _c, frame) => 20 + frame * 40,
  },
  // A modality transform that runs downwards and is no whole number.
  falling: {
    about: description("falling", { slope: -0.5, intercept: 800, windows: [{ name: null, center: 500, width: 400 }] }),
    type: Uint16Array,
    sample: (x, y) => x * 12 + y,
  },
  // As large as a radiograph.
  large: {
    about: description("large", { rows: 3000, columns: 2500, modality: "DX", windows: [{ name: null, center: 8192, width: 16384 }] }),
    type: Uint16Array,
    sample: (x, y) => (x * 3 + y * 2) & 0x3fff,
  },
  sigmoid: {
    about: description("sigmoid", { function: "sigmoid", windows: [{ name: null, center: 2000, width: 1000 }] }),
    type: Uint16Array,
    sample: (x) => x * 42,
  },
};

/** A frame's samples as the server sends them, little-endian and interleaved. */
export function frame(name, index) {
  const { about, type, sample } = pictures[name];
  const values = new type(about.rows * about.columns * about.samples);
  let at = 0;
  for (let y = 0; y < about.rows; y++)
    for (let x = 0; x < about.columns; x++)
      for (let c = 0; c < about.samples; c++) values[at++] = sample(x, y, c, index);
  return Buffer.from(values.buffer);
}

/** A map over the picture's right half: zero on its left edge, one on its right. */
export const map = {
  rows: 4, columns: 8, values: Array.from({ length: 32 }, (_, i) => (i % 8) / 7), region: [48, 0, 48, 64],
  class: "pneumonia", method: "grad-cam",
};
