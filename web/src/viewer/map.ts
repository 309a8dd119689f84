import { cividis, pixelsOf } from "./cividis";
import type { HeatMap } from "./description";
import type { Stage } from "./stage";

/** Where the model looked, drawn over the picture on a canvas of its own. */
export class MapLayer {
  readonly canvas = document.createElement("canvas");
  readonly bar = document.createElement("div");
  #picture: HTMLCanvasElement | null = null;
  #map: HeatMap | null = null;
  #address = "";
  #opacity = 0.6;

  constructor(
    readonly stage: Stage,
    readonly note: string,
  ) {
    this.canvas.className = "map";
    this.canvas.hidden = true;
    this.bar.className = "colours";
    this.bar.hidden = true;
    stage.drawn(() => this.draw());
  }

  get on(): boolean {
    return !this.canvas.hidden;
  }

  get opacity(): number {
    return this.#opacity;
  }

  set opacity(share: number) {
    this.#opacity = Math.min(1, Math.max(0, share));
    this.draw();
  }

  /** Shows or hides the map, which is fetched when it is first wanted. */
  async toggle(address: string): Promise<void> {
    if (this.#address !== address) {
      this.#map = null;
      this.#address = address;
    }
    if (!this.#map) this.#take(await fetched(address));
    this.canvas.hidden = !this.canvas.hidden;
    this.bar.hidden = this.canvas.hidden;
    this.draw();
  }

  #take(map: HeatMap): void {
    this.#map = map;
    this.#picture = document.createElement("canvas");
    this.#picture.width = map.columns;
    this.#picture.height = map.rows;
    this.#picture
      .getContext("2d")
      ?.putImageData(new ImageData(pixelsOf(map.values), map.columns, map.rows), 0, 0);
    this.bar.replaceChildren(...legend(map, this.note));
  }

  draw(): void {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const context = this.canvas.getContext("2d");
    if (!this.#map || !this.#picture || !context || this.canvas.hidden || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const [x, y, w, h] = this.#map.region;
    const [left, top] = this.stage.placeOf([x, y]);
    const [right, bottom] = this.stage.placeOf([x + w, y + h]);
    context.scale(ratio, ratio);
    context.globalAlpha = this.#opacity;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#picture, left, top, right - left, bottom - top);
  }
}

async function fetched(address: string): Promise<HeatMap> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`map: status ${response.status}`);
  const map = (await response.json()) as HeatMap;
  if (!(map.rows > 0 && map.columns > 0) || map.values.length !== map.rows * map.columns) {
    throw new Error("the map's length does not fit its size");
  }
  return map;
}

function legend(map: HeatMap, note: string): Node[] {
  const ramp = document.createElement("canvas");
  ramp.width = 1;
  ramp.height = 120;
  const context = ramp.getContext("2d");
  for (let y = 0; context && y < ramp.height; y++) {
    const share = 1 - y / (ramp.height - 1);
    context.fillStyle = `rgb(${cividis(share).join(" ")} / ${share})`;
    context.fillRect(0, y, 1, 1);
  }
  const line = (text: string) => {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  };
  return [line(`${map.class} · ${map.method}`), line("1"), ramp, line("0"), ...(note ? [line(note)] : [])];
}
