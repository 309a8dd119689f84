import { describe, expect, it } from "vitest";
import { isTyping, keyName } from "../src/app/keyboard";
import { fill } from "../src/app/page";
import { Queue } from "../src/app/queue";
import { themeOf } from "../src/app/settings";

describe("words", () => {
  it("puts values into their places and leaves unknown places", () => {
    expect(fill("{done} of {total} {x}", { done: 1, total: 3 })).toBe("1 of 3 {x}");
    expect(fill(undefined, {})).toBe("");
  });
});

describe("keyboard", () => {
  const press = (key: string, more = {}) =>
    keyName({ key, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, ...more });

  it("names keys without regard to shift or capitals", () => {
    expect(press("A")).toBe("a");
    expect(press("?")).toBe("?");
    expect(press("1")).toBe("1");
  });
  it("leaves the browser's own keys alone", () => {
    expect(press("a", { ctrlKey: true })).toBeNull();
    expect(press("a", { isComposing: true })).toBeNull();
    expect(press("Enter")).toBeNull();
    expect(press(" ")).toBeNull();
  });
  it("knows fields in which something is typed", () => {
    expect(isTyping({ tagName: "INPUT", type: "text" })).toBe(true);
    expect(isTyping({ tagName: "TEXTAREA" })).toBe(true);
    expect(isTyping({ tagName: "SELECT" })).toBe(true);
    expect(isTyping({ tagName: "DIV", isContentEditable: true })).toBe(true);
    expect(isTyping({ tagName: "INPUT", type: "checkbox" })).toBe(false);
    expect(isTyping({ tagName: "BUTTON" })).toBe(false);
    expect(isTyping(null)).toBe(false);
  });
});

describe("queue", () => {
  it("runs three at a time, in order, and goes on after a failure", async () => {
    const queue = new Queue(3);
    const started: number[] = [];
    const finish: (() => void)[] = [];
    let most = 0;
    let running = 0;
    for (let index = 0; index < 7; index++) {
      queue.add(async () => {
        started.push(index);
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => finish.push(resolve));
        running--;
        if (index === 1) throw new Error("one fails");
      });
    }
    expect(started).toEqual([0, 1, 2]);
    while (finish.length) {
      finish.shift()?.();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(most).toBe(3);
    expect(queue.size).toBe(0);
  });
  it("does not start what was dropped", async () => {
    const queue = new Queue(1);
    const started: string[] = [];
    let free = () => {};
    queue.add(() => new Promise<void>((resolve) => (free = resolve)));
    const drop = queue.add(async () => void started.push("dropped"));
    queue.add(async () => void started.push("kept"));
    drop();
    free();
    await new Promise((resolve) => setTimeout(resolve));
    expect(started).toEqual(["kept"]);
  });
});

describe("look", () => {
  it("is read from the cookie line, and only its known values", () => {
    expect(themeOf("a=1; theme=dark; b=2")).toBe("dark");
    expect(themeOf("theme=light")).toBe("light");
    expect(themeOf("mytheme=dark")).toBe("auto");
    expect(themeOf("theme=purple")).toBe("auto");
  });
});
