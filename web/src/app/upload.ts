/**
 * `form.upload`: every file is a request of its own and a row with its own state. The server answers with what is to stand
 * in the row: an element with `data-state` (reading, done, decide, failed). What is still being read asks again by itself
 * (htmx attributes in the answer). Without scripts the form sends all files at once.
 */

import { dropped } from "./files";
import htmx from "./htmx";
import { fill, number, size, words } from "./page";
import { Queue } from "./queue";
import { send, type Answer } from "./send";

const queue = new Queue(3);

class Row {
  readonly element: HTMLElement;
  readonly #state = document.createElement("span");
  readonly #bar = document.createElement("progress");
  readonly #button = document.createElement("button");
  #abort = new AbortController();

  constructor(
    readonly form: HTMLFormElement,
    readonly field: HTMLInputElement,
    readonly file: File,
    readonly text: Record<string, string>,
    readonly changed: () => void,
    tag: "li" | "div",
  ) {
    this.element = document.createElement(tag);
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = file.name;
    const bytes = document.createElement("span");
    bytes.className = "size";
    bytes.textContent = size(file.size);
    this.element.className = "upload";
    this.#state.className = "state";
    this.#bar.setAttribute("aria-label", file.name);
    this.#bar.max = 1;
    this.#button.type = "button";
    this.#button.className = "secondary outline";
    this.#button.addEventListener("click", () => {
      if (this.#button.dataset["again"] === undefined) this.cancel();
      else this.start();
    });
    this.element.append(name, bytes, this.#state, this.#bar, this.#button);
  }

  start(): void {
    this.#abort = new AbortController();
    this.#show("waiting", this.text["waiting"]);
    const drop = queue.add(() => this.#run());
    this.#abort.signal.addEventListener("abort", drop, { once: true });
    this.changed();
  }

  cancel(): void {
    this.#abort.abort();
    this.#show("cancelled", this.text["cancelled"]);
    this.changed();
  }

  async #run(): Promise<void> {
    this.#progress(0);
    const answer = await send(this.form, this.field, this.file, this.#abort.signal, (share) => this.#progress(share));
    this.#finish(answer);
    this.changed();
  }

  #progress(share: number): void {
    this.#bar.value = share;
    if (share < 1) this.#show("sending", fill(this.text["sending"], { percent: number(Math.floor(share * 100)) }));
    else this.#show("reading", this.text["reading"]);
  }

  #finish(answer: Answer): void {
    switch (answer.kind) {
      case "cancelled":
        return;
      case "fragment":
        this.#bar.remove();
        this.#button.remove();
        this.#state.replaceChildren(answer.part);
        follow(this.element);
        htmx.process(answer.part);
        return;
      case "refused":
        return this.#fail(answer.reason || this.#said(answer.status));
      case "signed-out":
        return this.#fail(this.text["signedout"]);
      case "network":
        return this.#fail(this.text["network"]);
    }
  }

  #said(status: number): string | undefined {
    return status === 413 ? this.text["toolarge"] : fill(this.text["status"], { status });
  }

  #fail(text: string | undefined): void {
    this.#show("failed", [this.text["failed"], text].filter(Boolean).join(" "));
  }

  #show(state: string, text: string | undefined): void {
    const again = state === "failed" || state === "cancelled";
    this.element.dataset["state"] = state;
    this.#state.textContent = text ?? "";
    this.#bar.hidden = again;
    // While the server reads, nothing is known of how far it is: a bar without a value says so.
    if (state !== "sending") this.#bar.removeAttribute("value");
    // Once the server has the file, taking the row back would not take the file back.
    const word = again ? this.text["retry"] : this.text["cancel"];
    this.#button.hidden = state === "reading" || !word;
    this.#button.toggleAttribute("data-again", again);
    this.#button.textContent = word ?? "";
    this.#button.setAttribute("aria-label", `${word ?? ""} ${this.file.name}`);
  }
}

/** A row takes the state of what the server put into it. */
function follow(row: HTMLElement): void {
  const state = row.querySelector<HTMLElement>("[data-state]")?.dataset["state"];
  if (state) row.dataset["state"] = state;
}

function list(form: HTMLFormElement): HTMLElement {
  const near = document.querySelector<HTMLElement>("#upload-rows, ul.uploads");
  if (near) return near;
  const made = document.createElement("ul");
  made.className = "uploads";
  form.after(made);
  return made;
}

function prepare(form: HTMLFormElement): (files: File[]) => void {
  const field = form.querySelector<HTMLInputElement>("input[type=file]");
  if (!field) return () => undefined;
  const text = words("upload-words");
  const rows = list(form);
  // Each percent would be read aloud; the summary tells what is done.
  rows.removeAttribute("aria-live");
  const summary = document.createElement("p");
  summary.className = "uploads-summary";
  summary.setAttribute("role", "status");
  rows.before(summary);

  const changed = () => {
    const all = [...rows.querySelectorAll<HTMLElement>(".upload")];
    const done = all.filter((row) => !/^(waiting|sending|reading)$/.test(row.dataset["state"] ?? ""));
    summary.textContent = all.length ? fill(text["count"], { done: number(done.length), total: number(all.length) }) : "";
  };
  document.addEventListener("htmx:after:swap", () => {
    for (const row of rows.querySelectorAll<HTMLElement>(".upload")) follow(row);
    changed();
  });
  const add = (files: File[]) => {
    // Other fields of the form (job, patient) may be required: a file sent without them would only come back.
    field.required = false;
    if (!form.reportValidity()) return;
    for (const file of files) {
      const row = new Row(form, field, file, text, changed, rows.matches("ul, ol") ? "li" : "div");
      rows.append(row.element);
      row.start();
    }
    changed();
  };
  const take = () => {
    const files = [...(field.files ?? [])];
    if (files.length === 0) return;
    add(files);
    field.value = "";
  };
  field.addEventListener("change", take);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  // Choosing files sends them; the button is for pages without scripts.
  for (const button of form.querySelectorAll<HTMLElement>("button:not([type=button])")) button.hidden = true;
  return add;
}

/** Takes over the page's upload form; files may be dropped anywhere on the page. */
export function start(): void {
  const form = document.querySelector<HTMLFormElement>("form.upload");
  if (!form) return;
  const add = prepare(form);
  let depth = 0;
  const mark = (change: number) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
  document.addEventListener("dragenter", (event) => files(event) && mark(1));
  document.addEventListener("dragleave", (event) => files(event) && mark(-1));
  document.addEventListener("dragover", (event) => {
    if (!files(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!files(event) || !event.dataTransfer) return;
    event.preventDefault();
    mark(-depth);
    void dropped(event.dataTransfer).then(add);
  });
  window.addEventListener("beforeunload", (event) => {
    if (queue.size > 0) event.preventDefault();
  });
}
