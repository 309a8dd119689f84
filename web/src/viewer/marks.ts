import type { Description } from "./description";
import { scaleLength } from "./measure";
import type { Point, Stage } from "./stage";
import type { Window } from "./window";

const SIDES = ["left", "right", "top", "bottom"] as const;

function mark(kind: string, text = ""): HTMLElement {
  const element = document.createElement("span");
  element.className = `mark ${kind}`;
  element.textContent = text;
  return element;
}

function number(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 2;
  return new Intl.NumberFormat(document.documentElement.lang || undefined, { maximumFractionDigits: digits }).format(value);
}

/** What is written over the picture: letters, scale, window, frame, value, loss. All of it goes with one key. */
export class Marks {
  readonly element = document.createElement("div");
  readonly #window = mark("window");
  readonly #value = mark("value");
  readonly #frame = mark("frame");
  readonly #scale = document.createElement("div");

  constructor(
    readonly description: Description,
    readonly words: Record<string, string>,
  ) {
    this.#scale.className = "scale";
    this.#scale.hidden = true;
    this.element.append(this.#window, this.#value, this.#frame, this.#scale);
    if (description.lossy) this.element.append(mark("lossy", words["lossy"] ?? ""));
    for (const [index, side] of SIDES.entries()) {
      const letter = description.orientation?.[index];
      if (!letter) continue;
      const element = mark("side", letter);
      element.dataset["side"] = side;
      this.element.append(element);
    }
  }

  window(window: Window): void {
    // C and W, L and R, HU: the field's signs, the same in every language.
    this.#window.textContent = this.description.samples === 1 ? `C ${number(window.center)}  W ${number(window.width)}` : "";
  }

  frame(frame: number): void {
    const { frames } = this.description;
    this.#frame.textContent = frames > 1 ? `${frame + 1} / ${frames}` : "";
  }

  value(stage: Stage, at: Point | null): void {
    const pixel = at && stage.pixelAt(at);
    const values = pixel && stage.valueAt(pixel);
    this.#value.textContent =
      pixel && values
        ? `(${Math.floor(pixel[0])}, ${Math.floor(pixel[1])})  ${values.map(number).join(" ")} ${this.description.unit ?? ""}`
        : "";
  }

  scale(stage: Stage): void {
    const spacing = this.description.spacing;
    if (!spacing) return;
    const [left] = stage.placeOf([0, 0]);
    const [right] = stage.placeOf([1, 0]);
    const length = scaleLength(spacing[1] / (right - left), stage.element.clientWidth / 5);
    this.#scale.hidden = length === null;
    if (length === null) return;
    const unit = length >= 10 ? "centimeter" : "millimeter";
    const format = new Intl.NumberFormat(document.documentElement.lang || undefined, { style: "unit", unit });
    this.#scale.textContent = format.format(length >= 10 ? length / 10 : length);
    this.#scale.style.width = `${(length / spacing[1]) * (right - left)}px`;
  }
}
