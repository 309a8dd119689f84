import { describe, expect, it } from "vitest";
import { cividis, pixelsOf } from "../src/viewer/cividis";
import { checked, frameAddress, samplesOf, type Description } from "../src/viewer/description";
import { bindingsOf } from "../src/viewer/gestures";
import { scaleLength } from "../src/viewer/measure";
import { dragged, presets, rangeOf, shade, spanning, spread, storedRange } from "../src/viewer/window";

const base: Description = {
  frames: 1, rows: 2, columns: 3, samples: 1, bits: 16, signed: true, pixels: "/images/7/frames/{frame}", slope: 1,
  intercept: 0, windows: [], function: "linear", inverted: false, padding: null, unit: null, modality: null,
  spacing: null, orientation: null, lossy: false, overlay: null,
};

describe("windows", () => {
  it("follow DICOM's examples", () => {
    // PS3.3 C.11.2.1.2.1: centre 2048, width 4096 spans 0 to 4095; centre 2048, width 1 is a threshold at 2047.5.
    expect(rangeOf({ center: 2048, width: 4096 }, "linear")).toEqual({ lower: 0, upper: 4095 });
    expect(rangeOf({ center: 2048, width: 1 }, "linear")).toEqual({ lower: 2047.5, upper: 2047.5 });
    expect(shade(2047, { center: 2048, width: 1 }, "linear")).toBe(0);
    expect(shade(2048, { center: 2048, width: 1 }, "linear")).toBe(1);
    // The same standard: centre 0, width 100 spans -50 to 49.
    expect(rangeOf({ center: 0, width: 100 }, "linear")).toEqual({ lower: -50, upper: 49 });
    expect(rangeOf({ center: 0, width: 100 }, "linear_exact")).toEqual({ lower: -50, upper: 50 });
    expect(shade(0, { center: 0, width: 100 }, "sigmoid")).toBe(0.5);
  });
  it("are given to Cornerstone in stored values, whichever way they run", () => {
    expect(storedRange({ center: 0, width: 100 }, "linear", 2, -1024)).toEqual({ lower: 487, upper: 536.5 });
    expect(storedRange({ center: 0, width: 100 }, "linear", -1, 0)).toEqual({ lower: -49, upper: 50 });
    const narrow = storedRange({ center: 10, width: 1 }, "linear", 1, 0);
    expect(narrow.upper).toBeGreaterThan(narrow.lower);
    // Cornerstone reads centre and width back as (lower + upper + 1) / 2 and upper - lower + 1.
    const { lower, upper } = storedRange({ center: 500, width: 200 }, "sigmoid", 2, 100);
    expect([(lower + upper + 1) / 2, upper - lower + 1]).toEqual([200, 100]);
  });
  it("change by a drag in proportion to themselves and stay valid", () => {
    expect(dragged({ center: 40, width: 400 }, [0.25, -0.25], "linear")).toEqual({ center: -160, width: 600 });
    expect(dragged({ center: 40, width: 400 }, [-1, 0], "linear").width).toBe(1);
    expect(dragged({ center: 0.5, width: 0.1 }, [-1, 0], "linear_exact").width).toBeGreaterThan(0);
  });
  it("span values exactly", () => {
    expect(rangeOf(spanning(3, 90, "linear"), "linear")).toEqual({ lower: 3, upper: 90 });
    expect(rangeOf(spanning(3, 90, "linear_exact"), "linear_exact")).toEqual({ lower: 3, upper: 90 });
  });
  it("come the file's own first, then the modality's, nine at most", () => {
    const values = { low: 0, high: 100, p1: 1, p99: 99 };
    const own = [{ name: "A", center: 1, width: 2 }];
    const ct = presets(own, "CT", "HU", values, "linear");
    expect(ct.map((preset) => preset.name ?? preset.key)).toEqual([
      "A", "lung", "mediastinum", "abdomen", "liver", "brain", "bone", "full", "auto",
    ]);
    expect(presets([...own, ...own, ...own], "CT", "HU", values, "linear")).toHaveLength(9);
    expect(presets([], "CR", null, values, "linear").map((preset) => preset.key)).toEqual(["full", "auto"]);
    // A CT whose values are no Hounsfield units has no lung window.
    expect(presets([], "CT", null, values, "linear").map((preset) => preset.key)).toEqual(["full", "auto"]);
  });
  it("take no padding for a value", () => {
    const samples = Int16Array.from({ length: 1000 }, (_, i) => (i < 100 ? -2000 : i));
    expect(spread(samples, -2000)).toEqual({ low: 100, high: 999, p1: 109, p99: 990 });
    expect(spread(new Uint8Array([7, 7]), 7)).toEqual({ low: 0, high: 1, p1: 0, p99: 1 });
  });
});

describe("descriptions", () => {
  it("are refused where they cannot be true", () => {
    expect(checked(base)).toBe(base);
    for (const wrong of [{ rows: 0 }, { columns: 2 ** 20, rows: 2 ** 20 }, { bits: 12 }, { samples: 2 }, { slope: 0 }, { frames: 1.5 }])
      expect(() => checked({ ...base, ...wrong } as Description)).toThrow();
  });
  it("name frames and read their samples", () => {
    expect(frameAddress(base, 4)).toBe("/images/7/frames/4");
    const bytes = new Uint8Array([0xff, 0xff, 2, 0, 3, 0, 4, 0, 5, 0, 0, 0x80]).buffer;
    expect([...samplesOf(base, bytes)]).toEqual([-1, 2, 3, 4, 5, -32768]);
    expect(() => samplesOf(base, new ArrayBuffer(10))).toThrow(/length/);
  });
});

describe("maps", () => {
  it("run from dark blue to yellow, ever lighter, zero transparent", () => {
    // The ends of matplotlib's cividis: (0, 34, 78) and (254, 232, 56); the fit to it stays near.
    const near = (a: number[], b: number[]) => a.every((value, at) => Math.abs(value - (b[at] ?? 0)) <= 16);
    expect(near(cividis(0), [0, 34, 78])).toBe(true);
    expect(near(cividis(1), [254, 232, 56])).toBe(true);
    const light = (share: number) => cividis(share).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at]!, 0);
    for (let step = 1; step <= 20; step++) expect(light(step / 20)).toBeGreaterThan(light((step - 1) / 20));
    const pixels = pixelsOf([0, 1, NaN, -1, 2]);
    expect([3, 7, 11, 15, 19].map((at) => pixels[at])).toEqual([0, 255, 0, 0, 255]);
  });
});

describe("scale", () => {
  it("is a round length that fits", () => {
    expect(scaleLength(0.1, 260)).toBe(20);
    expect(scaleLength(0.1, 200)).toBe(20);
    expect(scaleLength(0.1, 199)).toBe(10);
    expect(scaleLength(1, 70)).toBe(50);
    expect(scaleLength(0.001, 100)).toBe(0.1);
    expect(scaleLength(0, 100)).toBeNull();
    expect(scaleLength(Infinity, 100)).toBeNull();
  });
});

describe("mouse", () => {
  it("keeps what is understood of stored bindings", () => {
    expect(bindingsOf(null)).toEqual({ left: "window", right: "zoom", middle: "pan" });
    expect(bindingsOf('{"left":"pan","right":"explode"}')).toEqual({ left: "pan", right: "zoom", middle: "pan" });
    expect(bindingsOf("no json")).toEqual({ left: "window", right: "zoom", middle: "pan" });
    expect(bindingsOf("null")).toEqual({ left: "window", right: "zoom", middle: "pan" });
  });
});
