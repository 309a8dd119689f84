import { ACTIONS, BUTTONS, storeBindings, storedBindings, type Action } from "./gestures";
import type { Preset } from "./window";

/** What the buttons do; the viewer's own methods. */
export interface Commands {
  preset(index: number): void;
  invert(): void;
  reset(): void;
  fit(): void;
  zoom(factor: number): void;
  overlay(): void;
  opacity(share: number): void;
  prior(): void;
  marks(): void;
  frame(frame: number): void;
}

// Drawn in 24 × 24, lines only.
const ICONS: Record<string, string> = {
  invert: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  reset: "M4 5v5h5M4.6 10a8 8 0 1 1-.6 4",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  larger: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20M10.5 8v5M8 10.5h5",
  smaller: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20M8 10.5h5",
  overlay: "M12 4 3 9l9 5 9-5zM3 14l9 5 9-5",
  prior: "M4 5h7v14H4zM13 5h7v14h-7z",
  marks: "M5 6V4h14v2M12 4v16M9 20h6",
  bindings: "M7 9a5 5 0 0 1 10 0v6a5 5 0 0 1-10 0zM12 4v6",
};

function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/** Every deed of the viewer as a button, with the words of the page. */
export class Toolbar {
  readonly element = document.createElement("div");
  readonly mouse = document.createElement("dialog");
  readonly #presets = document.createElement("select");
  readonly #buttons = new Map<string, HTMLButtonElement>();
  readonly #slider = document.createElement("input");
  readonly #frames = document.createElement("input");

  constructor(
    readonly words: Record<string, string>,
    readonly commands: Commands,
    has: { color: boolean; overlay: boolean; prior: boolean; frames: number; keys: boolean; presets: Preset[] },
  ) {
    this.element.className = "tools";
    this.element.setAttribute("role", "toolbar");
    this.element.setAttribute("aria-label", this.#word("tools"));
    const key = (letter: string) => (has.keys ? letter : undefined);

    if (!has.color) {
      this.#presets.setAttribute("aria-label", this.#word("presets"));
      for (const [index, preset] of has.presets.entries()) {
        const name = preset.name ?? (preset.key ? this.#word(preset.key) : `${preset.center} / ${preset.width}`);
        this.#presets.add(new Option(`${index + 1}  ${name}`, String(index)));
      }
      // Shown when a drag has left every preset.
      this.#presets.add(new Option("–", ""));
      this.#presets.addEventListener("change", () => {
        if (this.#presets.value !== "") commands.preset(Number(this.#presets.value));
      });
      if (has.keys) this.#gesture(this.#presets, "1–9", "presets");
      this.element.append(this.#presets);
      this.#button("invert", key("i"), () => commands.invert(), true);
    }
    this.#button("reset", key("r"), () => commands.reset());
    this.#button("fit", key("f"), () => commands.fit());
    this.#button("larger", key("+"), () => commands.zoom(1.25));
    this.#button("smaller", key("-"), () => commands.zoom(0.8));
    if (has.frames > 1) this.element.append(this.#range(this.#frames, "frame", has.frames - 1, 1, (at) => commands.frame(at)));
    // The map may come later than the picture: its button waits for it.
    this.#button("overlay", key("o"), () => commands.overlay(), true);
    this.overlay(has.overlay);
    const label = this.#range(this.#slider, "opacity", 1, 0.05, (share) => commands.opacity(share));
    label.hidden = true;
    this.element.append(label);
    if (has.prior) this.#button("prior", key("p"), () => commands.prior(), true);
    this.#button("marks", key("t"), () => commands.marks(), true);
    this.#button("bindings", undefined, () => this.mouse.showModal());
    this.#settings();
    if (has.keys) this.#hints();
  }

  #word(key: string): string {
    return this.words[key] ?? key;
  }

  #button(name: string, key: string | undefined, act: () => void, toggles = false): void {
    const button = document.createElement("button");
    const word = this.#word(name);
    button.type = "button";
    button.setAttribute("aria-label", word);
    button.title = key ? `${word} (${key.toUpperCase()})` : word;
    if (key) button.dataset["key"] = key;
    if (toggles) button.setAttribute("aria-pressed", "false");
    button.append(icon(name));
    button.addEventListener("click", act);
    this.#buttons.set(name, button);
    this.element.append(button);
  }

  #range(input: HTMLInputElement, name: string, max: number, step: number, act: (value: number) => void): HTMLElement {
    const label = document.createElement("label");
    label.textContent = this.#word(name);
    Object.assign(input, { type: "range", min: "0", max: String(max), step: String(step), value: "0" });
    input.addEventListener("input", () => act(Number(input.value)));
    label.append(input);
    return label;
  }

  #gesture(element: HTMLElement, gesture: string, label: string): void {
    element.dataset["gesture"] = gesture;
    element.dataset["keyLabel"] = this.#word(label);
  }

  // Gestures have no button; the list of keys takes them from these hidden lines.
  #hints(): void {
    for (const [gesture, label] of [
      ["spaceDrag", "pan"],
      ["wheel", "frames"],
      ["doubleClick", "fit"],
      ["arrows", "pan"],
      ["shiftArrows", "window"],
    ] as const) {
      const line = document.createElement("span");
      line.hidden = true;
      this.#gesture(line, this.#word(gesture), label);
      this.element.append(line);
    }
    for (const button of BUTTONS) {
      const line = document.createElement("span");
      line.hidden = true;
      this.#gesture(line, this.#word(button), storedBindings()[button]);
      this.element.append(line);
    }
  }

  #settings(): void {
    const title = document.createElement("h2");
    title.textContent = this.#word("bindings");
    this.mouse.setAttribute("aria-label", this.#word("bindings"));
    const form = document.createElement("form");
    form.method = "dialog";
    form.className = "stack";
    for (const button of BUTTONS) {
      const label = document.createElement("label");
      const name = document.createElement("span");
      name.textContent = this.#word(button);
      const select = document.createElement("select");
      for (const action of ACTIONS) select.add(new Option(this.#word(action), action));
      select.value = storedBindings()[button];
      select.addEventListener("change", () => storeBindings({ ...storedBindings(), [button]: select.value as Action }));
      label.append(name, select);
      form.append(label);
    }
    const close = document.createElement("button");
    close.textContent = this.#word("close");
    form.append(close);
    this.mouse.append(title, form);
  }

  pressed(name: string, on: boolean): void {
    this.#buttons.get(name)?.setAttribute("aria-pressed", String(on));
  }

  overlay(there: boolean): void {
    const button = this.#buttons.get("overlay");
    if (button) button.hidden = !there;
  }

  preset(index: number | null): void {
    this.#presets.value = index === null ? "" : String(index);
  }

  frame(frame: number): void {
    this.#frames.value = String(frame);
  }

  opacity(share: number, shown: boolean): void {
    this.#slider.value = String(share);
    const label = this.#slider.parentElement;
    if (label) label.hidden = !shown;
  }
}
