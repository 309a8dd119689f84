import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// WCAG 2.2, 1.4.3 and 1.4.11: relative luminance and contrast of the pairs that the pages use, read from the token sheet.
const sheet = readFileSync(new URL("../src/css/tokens.css", import.meta.url), "utf8");
const pattern = /--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g;
const colours = new Map([...sheet.matchAll(pattern)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(first: string, second: string): number {
  const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const texts: [string, string[]][] = [
  ["ink", ["page", "surface", "sunken", "accent-soft", "unsure-soft", "unknown-soft", "fault-soft"]],
  ["muted", ["page", "surface", "sunken"]],
  ["accent", ["page", "surface", "accent-soft"]],
  ["accent-strong", ["page", "surface"]],
  ["accent-ink", ["accent", "accent-strong"]],
  ["unsure", ["surface", "unsure-soft"]],
  ["unknown", ["surface", "unknown-soft"]],
  ["fault", ["page", "surface", "fault-soft"]],
  ...[1, 2, 3, 4, 5, 6].map((index): [string, string[]] => [`series-${index}`, ["page", "surface"]]),
];
const edges: [string, string[]][] = [
  ["edge", ["page", "surface"]],
  ["accent", ["page", "surface"]],
  ["unsure-edge", ["page", "surface", "unsure-soft"]],
  ["unknown-edge", ["page", "surface", "unknown-soft"]],
  ["fault-edge", ["page", "surface", "fault-soft"]],
];

describe.each(["light", "dark"] as const)("contrast, %s", (look) => {
  const of = (name: string): string => {
    const colour = colours.get(name)?.[look];
    if (!colour) throw new Error(`no colour ${name} in tokens.css`);
    return colour;
  };
  it.each(texts.flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    "text %s on %s reaches 4.5",
    (text, ground) => expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5),
  );
  it.each(edges.flatMap(([edge, grounds]) => grounds.map((ground) => [edge, ground] as const)))(
    "edge %s on %s reaches 3",
    (edge, ground) => expect(contrast(of(edge), of(ground))).toBeGreaterThanOrEqual(3),
  );
});
