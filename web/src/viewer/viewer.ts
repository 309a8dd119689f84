import { isTyping, keyName } from "../app/keyboard";
import { checked, type Description } from "./description";
import { listen, type Action } from "./gestures";
import { MapLayer } from "./map";
import { Marks } from "./marks";
import { Stage, type Point } from "./stage";
import { Toolbar } from "./toolbar";
import { dragged, presets, spread, valid, type Preset, type Window } from "./window";

/** What tests and the page may ask of a viewer. */
export interface State {
  window: Window;
  inverted: boolean;
  frame: number;
  zoom: number;
  pan: Point;
  overlay: boolean;
  opacity: number;
  preset: number | null;
  cpu: boolean;
}

const START: Window = { center: 128, width: 256 };

async function described(element: HTMLElement): Promise<Description> {
  const response = await fetch(element.dataset["description"] ?? "");
  if (!response.ok) throw new Error(`description: status ${response.status}`);
  return checked((await response.json()) as Description);
}

/** The place for the prior picture that `data-prior` names, beside the viewer; both come into one frame. */
function beside(element: HTMLElement): HTMLElement | null {
  const address = element.dataset["prior"];
  if (!address) return null;
  const frame = document.createElement("div");
  frame.className = "pictures";
  const prior = document.createElement("div");
  prior.className = "viewer prior";
  prior.dataset["description"] = address;
  prior.hidden = true;
  element.before(frame);
  frame.append(element, prior);
  return prior;
}

/** One picture with its buttons, in a `<div class="viewer" data-description data-words data-prior>`. */
export class Viewer {
  readonly #toolbar: Toolbar;
  readonly #marks: Marks;
  readonly #map: MapLayer;
  readonly #linked = new Set<Viewer>();
  #window: Window = START;
  #inverted = false;
  #preset: number | null = null;
  #from: { window: Window; pan: Point; frame: number; done: number } = { window: START, pan: [0, 0], frame: 0, done: 0 };
  #prior: Viewer | null = null;
  #overlay: string | null;

  private constructor(
    readonly element: HTMLElement,
    readonly description: Description,
    readonly stage: Stage,
    readonly presets: Preset[],
    readonly words: Record<string, string>,
    readonly other: HTMLElement | null,
    keys: boolean,
  ) {
    this.#overlay = description.overlay?.map ?? null;
    this.#marks = new Marks(description, words);
    this.#map = new MapLayer(stage, words["mapNote"] ?? "");
    this.#toolbar = new Toolbar(
      words,
      {
        preset: (index) => this.choose(index),
        invert: () => this.invert(),
        reset: () => this.reset(),
        fit: () => this.stage.fit(),
        zoom: (factor) => this.stage.enlarge(factor, this.#middle()),
        overlay: () => void this.overlay(),
        opacity: (share) => (this.#map.opacity = share),
        prior: () => void this.prior(),
        marks: () => this.marks(),
        frame: (frame) => void this.show(frame),
      },
      {
        color: description.samples === 3,
        overlay: description.overlay !== null,
        prior: other !== null,
        frames: description.frames,
        keys,
        presets,
      },
    );
    this.#toolbar.pressed("marks", true);
    stage.element.after(this.#map.canvas, this.#marks.element, this.#map.bar);
    element.prepend(this.#toolbar.element);
    element.append(this.#toolbar.mouse);
    stage.drawn(() => this.#marks.scale(stage));
    this.#listen(keys);
  }

  /** Puts a viewer into an element; the picture that the server drew stays where this fails. */
  static async mount(element: HTMLElement, keys: boolean, given?: Record<string, string>): Promise<Viewer> {
    const words = { ...given, ...(JSON.parse(element.dataset["words"] ?? "{}") as Record<string, string>) };
    const drawn = element.querySelector<HTMLElement>("img");
    const box = document.createElement("div");
    try {
      const description = await described(element);
      const other = keys ? beside(element) : null;
      box.className = "stage";
      box.tabIndex = 0;
      box.setAttribute("role", "application");
      box.setAttribute("aria-label", drawn?.getAttribute("alt") ?? words["picture"] ?? "");
      const canvas = document.createElement("div");
      canvas.className = "canvas";
      box.append(canvas);
      element.append(box);
      // Beside the drawn picture the stage has no height; it takes its place at once and gives it back on failure.
      if (drawn) drawn.hidden = true;
      const stage = new Stage(canvas, description);
      await stage.open();
      const values = spread(stage.samples ?? [], description.padding);
      const value = (stored: number) => stored * description.slope + description.intercept;
      const ends = [value(values.low), value(values.high)] as const;
      const most = [value(values.p1), value(values.p99)] as const;
      const all = presets(
        description.windows,
        description.modality,
        description.unit,
        { low: Math.min(...ends), high: Math.max(...ends), p1: Math.min(...most), p99: Math.max(...most) },
        description.function,
      );
      const viewer = new Viewer(element, description, stage, all, words, other, keys);
      viewer.reset();
      element.dataset["ready"] = "";
      return viewer;
    } catch (error) {
      box.remove();
      if (drawn) drawn.hidden = false;
      const line = document.createElement("p");
      line.className = "message fault";
      line.setAttribute("role", "alert");
      line.textContent = words["failed"] ?? "";
      element.append(line);
      element.dataset["failed"] = "";
      throw error;
    }
  }

  get state(): State {
    return {
      window: { ...this.#window },
      inverted: this.#inverted,
      frame: this.stage.frame,
      zoom: this.stage.zoom,
      pan: this.stage.pan,
      overlay: this.#map.on,
      opacity: this.#map.opacity,
      preset: this.#preset,
      cpu: this.stage.cpu,
    };
  }

  /** Sets the window, of the linked picture too. */
  setWindow(window: Window, preset: number | null = null, alone = false): void {
    this.#window = valid(window, this.description.function);
    this.#preset = preset;
    this.#draw();
    if (!alone) for (const viewer of this.#linked) viewer.setWindow(window, null, true);
  }

  #draw(): void {
    this.stage.look(this.#window, this.#inverted);
    this.#marks.window(this.#window);
    this.#toolbar.preset(this.#preset);
    this.#toolbar.pressed("invert", this.#inverted);
  }

  choose(index: number): void {
    const preset = this.presets[index];
    if (preset && this.description.samples === 1) this.setWindow(preset, index);
  }

  invert(): void {
    this.#inverted = !this.#inverted;
    this.#draw();
  }

  /** Everything about the look as it was; the frame stays. */
  reset(): void {
    this.#inverted = false;
    this.stage.fit();
    const eight = this.description.bits === 8 && this.description.windows.length === 0;
    if (this.description.samples === 3 || eight) this.setWindow(START, null);
    else this.setWindow(this.presets[0] ?? START, 0);
    this.#marks.frame(this.stage.frame);
  }

  async show(frame: number): Promise<void> {
    await this.stage.show(frame);
    this.#draw();
    this.#marks.frame(this.stage.frame);
    this.#toolbar.frame(this.stage.frame);
  }

  async overlay(): Promise<void> {
    if (!this.#overlay) return;
    await this.#map.toggle(this.#overlay);
    this.#toolbar.pressed("overlay", this.#map.on);
    this.#toolbar.opacity(this.#map.opacity, this.#map.on);
  }

  /** Asks again whether there is a map: a result may have come since. */
  async refresh(): Promise<void> {
    const { overlay } = await described(this.element);
    this.#overlay = overlay?.map ?? null;
    this.#toolbar.overlay(this.#overlay !== null);
  }

  marks(): void {
    this.#marks.element.hidden = !this.#marks.element.hidden;
    this.#toolbar.pressed("marks", !this.#marks.element.hidden);
  }

  /** Shows or hides the prior picture beside this one. */
  async prior(): Promise<void> {
    if (!this.other) return;
    this.other.hidden = !this.other.hidden;
    this.#toolbar.pressed("prior", !this.other.hidden);
    if (this.other.hidden || this.#prior) return;
    this.#prior = await Viewer.mount(this.other, false, this.words);
    this.#linked.add(this.#prior);
    this.#prior.#linked.add(this);
    this.#prior.setWindow(this.#window, null, true);
    (this.other as HTMLElement & { viewer?: Viewer }).viewer = this.#prior;
  }

  #middle(): Point {
    return [this.stage.element.clientWidth / 2, this.stage.element.clientHeight / 2];
  }

  #begin(): void {
    this.#from = { window: this.#window, pan: this.stage.pan, frame: this.stage.frame, done: 0 };
    this.element.querySelector<HTMLElement>(".stage")?.focus({ preventScroll: true });
  }

  #drag(action: Action, by: Point, start: Point): void {
    const { clientWidth, clientHeight } = this.stage.element;
    switch (action) {
      case "window":
        if (this.description.samples === 3) return;
        this.setWindow(dragged(this.#from.window, [by[0] / clientWidth, by[1] / clientHeight], this.description.function));
        return;
      case "zoom":
        // The step since the last event, about the place where the drag began.
        this.stage.enlarge(2 ** ((-4 * (by[1] - this.#from.done)) / clientHeight), start);
        this.#from.done = by[1];
        return;
      case "pan":
        this.stage.move([this.#from.pan[0] + by[0], this.#from.pan[1] + by[1]]);
        return;
      case "frames": {
        const each = Math.max(4, clientHeight / this.description.frames);
        const frame = this.#from.frame + Math.round(by[1] / each);
        if (frame !== this.stage.frame && this.description.frames > 1) void this.show(frame);
      }
    }
  }

  #listen(keys: boolean): void {
    const box = this.element.querySelector<HTMLElement>(".stage");
    if (!box) return;
    let start: Point = [0, 0];
    listen(box, {
      begin: (_action, at) => {
        start = at;
        this.#begin();
      },
      drag: (action, by) => this.#drag(action, by, start),
      pinch: (factor, at, by) => {
        this.stage.enlarge(factor, at);
        const [x, y] = this.stage.pan;
        this.stage.move([x + by[0], y + by[1]]);
      },
      wheel: (step) => {
        if (this.description.frames < 2) return false;
        void this.show(this.stage.frame + step);
        return true;
      },
      hover: (at) => this.#marks.value(this.stage, at),
      double: () => this.stage.fit(),
    });
    box.addEventListener("keydown", (event) => this.#arrows(event));
    if (keys) document.addEventListener("keydown", (event) => this.#digit(event));
  }

  #arrows(event: KeyboardEvent): void {
    const side = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const page = { PageUp: -1, PageDown: 1 }[event.key];
    if (page && this.description.frames > 1) void this.show(this.stage.frame + page);
    else if (side && event.shiftKey && this.description.samples === 1) {
      this.setWindow(dragged(this.#window, [(side[0] ?? 0) / 40, (side[1] ?? 0) / 40], this.description.function));
    } else if (side && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const [x, y] = this.stage.pan;
      this.stage.move([x - 40 * (side[0] ?? 0), y - 40 * (side[1] ?? 0)]);
    } else return;
    event.preventDefault();
  }

  #digit(event: KeyboardEvent): void {
    const key = keyName(event);
    if (!key || !/^[1-9]$/.test(key) || isTyping(event.target as HTMLElement | null)) return;
    if (localStorage.getItem("semio.keys") === "off" || document.querySelector("dialog[open]")) return;
    this.choose(Number(key) - 1);
  }
}
