import {
  cache,
  Enums,
  getShouldUseCPURendering,
  imageLoader,
  init,
  RenderingEngine,
  type Types,
} from "@cornerstonejs/core";
import type { Description, Samples } from "./description";
import { register, start } from "./images";
import { storedRange, type Window } from "./window";

let engine: RenderingEngine | null = null;
let made = 0;

function theEngine(): RenderingEngine {
  if (engine) return engine;
  init();
  start();
  cache.setMaxCacheSize(1024 ** 3);
  engine = new RenderingEngine("semio");
  return engine;
}

export type Point = [number, number];

/** A picture on the screen: Cornerstone's stack viewport, in the picture's own terms (values, pixels, frames). */
export class Stage {
  readonly #id = `stage-${(made += 1)}`;
  readonly #ids: string[];
  readonly #viewport: Types.IStackViewport;
  readonly #samples: (frame: number) => Samples | undefined;
  readonly cpu: boolean;
  frame = 0;
  /** Whether the picture fills the stage, and is to go on doing so when the stage's size changes. */
  #fitted = true;

  constructor(
    readonly element: HTMLDivElement,
    readonly description: Description,
  ) {
    const engine = theEngine();
    ({ ids: this.#ids, samples: this.#samples } = register(description));
    engine.enableElement({ viewportId: this.#id, type: Enums.ViewportType.STACK, element });
    this.#viewport = engine.getViewport(this.#id) as Types.IStackViewport;
    this.cpu = getShouldUseCPURendering();
    new ResizeObserver(() => {
      if (element.clientWidth === 0 || element.clientHeight === 0) return;
      theEngine().resize(true, true);
      if (this.#fitted) this.fit();
    }).observe(element);
  }

  /** Loads the first frame. */
  async open(): Promise<void> {
    await this.#viewport.setStack(this.#ids, 0);
    this.#ahead();
  }

  /** Shows a frame, counted from 0. */
  async show(frame: number): Promise<void> {
    this.frame = Math.max(0, Math.min(this.#ids.length - 1, frame));
    await this.#viewport.setImageIdIndex(this.frame);
    this.#ahead();
  }

  #ahead(): void {
    for (const id of this.#ids.slice(this.frame + 1, this.frame + 4)) {
      // What fails here is asked for again, and reported, when it is to be shown.
      imageLoader.loadAndCacheImage(id).catch(() => undefined);
    }
  }

  /** Sets window and direction; `inverted` is the reader's wish, on top of the picture's own. */
  look(window: Window, inverted: boolean): void {
    const { slope, intercept, inverted: own, samples } = this.description;
    const shape = this.description.function;
    const flipped = slope < 0 && samples === 1;
    const sigmoid = shape === "sigmoid" && !this.cpu;
    this.#viewport.setProperties({
      ...(this.cpu
        ? {}
        : { VOILUTFunction: sigmoid ? Enums.VOILUTFunctionType.SAMPLED_SIGMOID : Enums.VOILUTFunctionType.LINEAR }),
      voiRange: storedRange(window, sigmoid || shape !== "sigmoid" ? shape : "linear_exact", slope, intercept),
      invert: (own !== inverted) !== flipped,
    });
    this.#viewport.render();
  }

  /** The picture as large as the stage allows, in its middle. */
  fit(): void {
    this.#fitted = true;
    this.#viewport.resetCamera();
    this.#viewport.render();
  }

  /** How much larger than fitted. (Cornerstone's own zoom and pan mean one thing with WebGL and another without.) */
  get zoom(): number {
    const { rows, columns, spacing } = this.description;
    const [row, column] = spacing ?? [1, 1];
    const { clientWidth, clientHeight } = this.element;
    const fitted = Math.min(clientWidth / (columns * column), clientHeight / (rows * row));
    return (this.placeOf([1, 0])[0] - this.placeOf([0, 0])[0]) / column / fitted;
  }

  /** How far the picture's middle is from the stage's, in the screen's pixels. */
  get pan(): Point {
    const [x, y] = this.placeOf([this.description.columns / 2, this.description.rows / 2]);
    return [x - this.element.clientWidth / 2, y - this.element.clientHeight / 2];
  }

  /** Enlarges about a place of the stage, which stays where it is. */
  enlarge(factor: number, at: Point): void {
    const now = this.zoom;
    const zoom = Math.min(64, Math.max(0.1, now * factor));
    const fixed = this.pixelAt(at);
    this.#viewport.setZoom((this.#viewport.getZoom() * zoom) / now);
    const moved = this.placeOf(fixed);
    this.#shift([at[0] - moved[0], at[1] - moved[1]]);
  }

  /** Moves the picture's middle to this distance from the stage's, in the screen's pixels. */
  move(pan: Point): void {
    const [x, y] = this.pan;
    this.#shift([pan[0] - x, pan[1] - y]);
  }

  #shift(by: Point): void {
    this.#fitted = false;
    const from = this.#viewport.canvasToWorld([0, 0]);
    const to = this.#viewport.canvasToWorld(by);
    const moved = (point: Types.Point3 | undefined) =>
      (point ?? [0, 0, 0]).map((at, axis) => at - ((to[axis] ?? 0) - (from[axis] ?? 0))) as Types.Point3;
    const { focalPoint, position } = this.#viewport.getCamera();
    this.#viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
    this.#viewport.render();
  }

  /** Where a place of the stage lies in the picture: the first pixel reaches from 0 to 1. */
  pixelAt(place: Point): Point {
    const [x, y] = this.#viewport.canvasToWorld(place);
    const [row, column] = this.description.spacing ?? [1, 1];
    // With WebGL a pixel's number names its middle, without it its edge.
    const half = this.cpu ? 0 : 0.5;
    return [x / column + half, y / row + half];
  }

  /** Where a place of the picture lies on the stage. */
  placeOf([x, y]: Point): Point {
    const [row, column] = this.description.spacing ?? [1, 1];
    const half = this.cpu ? 0 : 0.5;
    return this.#viewport.worldToCanvas([(x - half) * column, (y - half) * row, this.frame]) as Point;
  }

  /** The value (for colours the three samples) of the pixel at a place of the picture; nothing outside or for padding. */
  valueAt([x, y]: Point): number[] | null {
    const { rows, columns, samples, slope, intercept, padding } = this.description;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const stored = this.#samples(this.frame);
    if (!stored || column < 0 || row < 0 || column >= columns || row >= rows) return null;
    const at = (row * columns + column) * samples;
    if (samples === 3) return [...stored.subarray(at, at + 3)];
    const value = stored[at];
    return value === undefined || value === padding ? null : [value * slope + intercept];
  }

  /** The stored samples of the frame that is shown. */
  get samples(): Samples | undefined {
    return this.#samples(this.frame);
  }

  /** Calls after each drawing. */
  drawn(listener: () => void): void {
    this.element.addEventListener(Enums.Events.IMAGE_RENDERED, listener);
  }
}
