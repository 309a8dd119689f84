/**
 * One key does one thing. An element says which: `data-key="a"` clicks it (a field is focused instead), `?` opens the
 * page's `<dialog id="keys">` and lists them there. Keys are off while something is typed, while a dialog is open, and
 * when the reader has switched them off (the checkbox `data-setting="keys"` in that dialog).
 */

const STORE = "semio.keys";
const TYPED = /^(?:text|search|email|password|tel|url|number|date|datetime-local|month|week|time|range|color|file)$/;

/** Whether a key pressed in this element belongs to it. */
export function isTyping(element: { tagName: string; type?: string; isContentEditable?: boolean } | null): boolean {
  if (!element) return false;
  const tag = element.tagName.toUpperCase();
  if (tag === "TEXTAREA" || tag === "SELECT" || element.isContentEditable === true) return true;
  return tag === "INPUT" && TYPED.test(element.type ?? "text");
}

/** The name of the key that `data-key` is compared with; nothing where the key is one of the browser's own. */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey" | "isComposing">): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return null;
  return event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : null;
}

function on(): boolean {
  return localStorage.getItem(STORE) !== "off";
}

function usable(element: HTMLElement): boolean {
  return !element.matches(":disabled, [aria-disabled='true']") && element.checkVisibility();
}

function label(element: HTMLElement): string {
  const field = element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? element.labels?.[0] : null;
  const copy = (field ?? element).cloneNode(true) as HTMLElement;
  // The key itself, drawn beside the words, is told in the list's other column.
  for (const cap of copy.querySelectorAll("kbd")) cap.remove();
  const named = element.dataset["keyLabel"] ?? element.getAttribute("aria-label") ?? copy.textContent;
  return (named ?? "").trim().replace(/\s+/g, " ");
}

function showList(): void {
  const dialog = document.querySelector<HTMLDialogElement>("dialog#keys");
  const list = dialog?.querySelector("dl");
  if (!dialog || !list) return;
  const rows = new Map<string, string>();
  for (const element of document.querySelectorAll<HTMLElement>("[data-key]")) {
    const key = element.dataset["key"] ?? "";
    if (usable(element) && !rows.has(key)) rows.set(key, label(element));
  }
  // The viewer's gestures, which no key stands for: `data-gesture="left drag" data-key-label="window and level"`.
  for (const element of document.querySelectorAll<HTMLElement>("[data-gesture]")) {
    rows.set(element.dataset["gesture"] ?? "", label(element));
  }
  list.replaceChildren(
    ...[...rows].map(([key, text]) => {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const cap = document.createElement("kbd");
      cap.textContent = key.length === 1 ? key.toUpperCase() : key;
      term.append(cap);
      const what = document.createElement("dd");
      what.textContent = text;
      row.append(term, what);
      return row;
    }),
  );
  for (const box of dialog.querySelectorAll<HTMLInputElement>('[data-setting="keys"]')) box.checked = on();
  dialog.showModal();
}

/** Listens on the whole page. */
export function start(): void {
  document.addEventListener("keydown", (event) => {
    const key = keyName(event);
    if (!key || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target as HTMLElement | null)) return;
    if (key === "?") {
      event.preventDefault();
      showList();
      return;
    }
    if (!on()) return;
    const all = document.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    const element = [...all].find(usable);
    if (!element) return;
    event.preventDefault();
    if (element.matches("input:not([type=checkbox], [type=radio]), textarea, select")) element.focus();
    else element.click();
  });
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest?.("[data-open='keys']")) showList();
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.dataset["setting"] !== "keys") return;
    if (box.checked) localStorage.removeItem(STORE);
    else localStorage.setItem(STORE, "off");
  });
}
