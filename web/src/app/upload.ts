/**
 * `form.upload`: every file is a request of its own and a row in `ul.uploads` with its own state. The server answers a
 * file with its row, `<li class="upload" data-state="reading|done|decide|failed">…</li>`; a row that is still being read
 * asks again by itself (htmx attributes in the fragment). Without scripts the form sends all files at once.
 */

import { dropped } from "./files";
import htmx from "./htmx";
import { fill, number, size, words } from "./page";
import { Queue } from "./queue";
import { send, type Answer } from "./send";

const queue = new Queue(3);

class Row {
  readonly element = document.createElement("li");
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
  ) {
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
    this.#button.addEventListener("click", () => (this.element.dataset["state"] === "failed" ? this.start() : this.cancel()));
    this.element.append(name, bytes, this.#state, this.#bar, this.#button);
  }

  start(): void {
    this.#abort = new AbortController();
    this.#show("waiting", this.text["waiting"]);
    const drop = queue.add(() => this.#run());
    this.#abort.signal.addEventListener("abort", drop, { once: true });
  }

  cancel(): void {
    this.#abort.abort();
    this.element.remove();
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
      case "fragment": {
        const holder = document.createElement("template");
        holder.innerHTML = answer.html;
        const row = holder.content.firstElementChild;
        if (!row) return this.#fail(fill(this.text["status"], { status: answer.status }));
        this.element.replaceWith(row);
        htmx.process(row);
        return;
      }
      case "status":
        return this.#fail(
          answer.status === 413 ? this.text["toolarge"] : fill(this.text["status"], { status: answer.status }),
        );
      case "signed-out":
        return this.#fail(this.text["signedout"]);
      case "network":
        return this.#fail(this.text["network"]);
    }
  }

  #fail(text: string | undefined): void {
    this.#show("failed", [this.text["failed"], text].filter(Boolean).join(" "));
  }

  #show(state: string, text: string | undefined): void {
    const failed = state === "failed";
    this.element.dataset["state"] = state;
    this.#state.textContent = text ?? "";
    this.#bar.hidden = state !== "sending" && state !== "waiting" && state !== "reading";
    // While the server reads, nothing is known of how far it is: a bar without a value says so.
    if (state !== "sending") this.#bar.removeAttribute("value");
    // Once the server has the file, taking the row away would not take the file back.
    this.#button.hidden = state === "reading";
    this.#button.textContent = (failed ? this.text["retry"] : this.text["cancel"]) ?? "";
    this.#button.setAttribute("aria-label", `${this.#button.textContent} ${this.file.name}`);
  }
}

function list(form: HTMLFormElement): HTMLElement {
  const named = form.dataset["rows"] ? document.getElementById(form.dataset["rows"]) : null;
  const near = named ?? form.parentElement?.querySelector<HTMLElement>("ul.uploads");
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
  const summary = document.createElement("p");
  summary.className = "uploads-summary";
  summary.setAttribute("role", "status");
  rows.before(summary);

  const changed = () => {
    const all = rows.querySelectorAll("li.upload");
    const done = [...all].filter((row) => !/^(waiting|sending|reading)$/.test((row as HTMLElement).dataset["state"] ?? ""));
    summary.textContent = all.length ? fill(text["count"], { done: number(done.length), total: number(all.length) }) : "";
  };
  rows.addEventListener("htmx:after:swap", changed);
  const add = (files: File[]) => {
    // Other fields of the form (job, patient) may be required: a file sent without them would only come back.
    field.required = false;
    if (!form.reportValidity()) return;
    for (const file of files) {
      const row = new Row(form, field, file, text, changed);
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
  for (const button of form.querySelectorAll<HTMLElement>("[data-without-script]")) button.hidden = true;
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
