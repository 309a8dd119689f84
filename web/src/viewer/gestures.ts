/**
 * What a hand does on the stage, as actions. Mouse buttons can be given other actions; one finger does what the left
 * button does, two fingers zoom and pan. (Cornerstone's own tools hold every press for 400 ms to await a second one and
 * bring the whole of its annotation engine.)
 */

export type Action = "window" | "zoom" | "pan" | "frames";
export type Button = "left" | "right" | "middle";
export type Bindings = Record<Button, Action>;

export const ACTIONS: Action[] = ["window", "zoom", "pan", "frames"];
export const BUTTONS: Button[] = ["left", "right", "middle"];
const USUAL: Bindings = { left: "window", right: "zoom", middle: "pan" };
const STORE = "semio.mouse";

/** Reads stored bindings; what is not understood is as usual. */
export function bindingsOf(stored: string | null): Bindings {
  const found = { ...USUAL };
  try {
    const given: unknown = JSON.parse(stored ?? "{}");
    for (const button of BUTTONS) {
      const action = (given as Record<string, unknown> | null)?.[button];
      if (ACTIONS.includes(action as Action)) found[button] = action as Action;
    }
  } catch {
    return found;
  }
  return found;
}

export function storedBindings(): Bindings {
  return bindingsOf(localStorage.getItem(STORE));
}

export function storeBindings(bindings: Bindings): void {
  localStorage.setItem(STORE, JSON.stringify(bindings));
}

export interface Hand {
  /** A drag begins at a place of the stage. */
  begin(action: Action, at: [number, number]): void;
  /** It has come so far from where it began. */
  drag(action: Action, by: [number, number], at: [number, number]): void;
  /** Two fingers: enlarged by this factor about a place, and moved. */
  pinch(factor: number, at: [number, number], by: [number, number]): void;
  /** The wheel turned by one step. False leaves the turn to the page. */
  wheel(step: 1 | -1): boolean;
  hover(at: [number, number] | null): void;
  double(): void;
}

/** Listens on the stage. */
export function listen(stage: HTMLElement, hand: Hand): void {
  const pointers = new Map<number, [number, number]>();
  let action: Action | null = null;
  let start: [number, number] = [0, 0];
  let space = false;
  let inside = false;

  const place = (event: MouseEvent): [number, number] => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const middle = (): [number, number] => {
    const all = [...pointers.values()];
    return [all.reduce((sum, [x]) => sum + x, 0) / all.length, all.reduce((sum, [, y]) => sum + y, 0) / all.length];
  };
  const distance = (): number => {
    const [a, b] = [...pointers.values()];
    return a && b ? Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1])) : 1;
  };
  const actionOf = (event: PointerEvent): Action | null => {
    if (event.pointerType === "touch") return "window";
    const button = (["left", "middle", "right"] as const)[event.button];
    if (!button) return null;
    return button === "left" && space ? "pan" : storedBindings()[button];
  };

  stage.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, place(event));
    if (pointers.size > 1) {
      action = null;
      return;
    }
    action = actionOf(event);
    if (!action) return;
    // The middle button would start the browser's own scrolling.
    if (event.button === 1) event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    start = place(event);
    hand.begin(action, start);
  });
  stage.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (pointers.size === 2 && pointers.has(event.pointerId)) {
      const [before, apart] = [middle(), distance()];
      pointers.set(event.pointerId, at);
      const after = middle();
      hand.pinch(distance() / apart, after, [after[0] - before[0], after[1] - before[1]]);
      return;
    }
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, at);
    if (action) hand.drag(action, [at[0] - start[0], at[1] - start[1]], at);
    if (event.pointerType !== "touch") hand.hover(at);
  });
  const end = (event: PointerEvent) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) action = null;
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerenter", () => (inside = true));
  stage.addEventListener("pointerleave", () => {
    inside = false;
    hand.hover(null);
  });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("auxclick", (event) => event.preventDefault());
  stage.addEventListener("dblclick", () => hand.double());

  let turned = 0;
  stage.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) return;
      // A wheel's notch is a step; a touch pad's many small turns are added up to one.
      turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 100 : Math.sign(event.deltaY);
      const whole = Math.abs(turned) >= 0.5;
      const step = turned < 0 ? -1 : 1;
      if (whole) turned = 0;
      if (!whole || hand.wheel(step)) event.preventDefault();
    },
    { passive: false },
  );

  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !(inside || document.activeElement === stage)) return;
    if ((event.target as Element).closest("input, textarea, select, button, a")) return;
    space = true;
    event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") space = false;
  });
}
