import { forgeryHeaders } from "./page";

/** What became of a sent file. */
export type Answer =
  | { kind: "fragment"; part: HTMLElement }
  | { kind: "refused"; status: number; reason: string }
  | { kind: "signed-out" }
  | { kind: "network" }
  | { kind: "cancelled" };

/** A form's fields without its files, then one file: a server that reads in order knows the fields first. */
export function body(form: HTMLFormElement, field: HTMLInputElement, file: File): FormData {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") data.append(name, value);
  data.append(field.name, file, file.name);
  return data;
}

/** Sends one file to the form's address. XMLHttpRequest, because fetch tells nothing of what has been sent. */
export function send(
  form: HTMLFormElement,
  field: HTMLInputElement,
  file: File,
  signal: AbortSignal,
  progress: (share: number) => void,
): Promise<Answer> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: "cancelled" });
    const request = new XMLHttpRequest();
    // The attribute, because a field of the name `action` would hide the property.
    const action = new URL(form.getAttribute("action") ?? "", location.href);
    request.open("POST", action);
    request.setRequestHeader("Accept", "text/html");
    request.setRequestHeader("HX-Request", "true");
    for (const [name, value] of Object.entries(forgeryHeaders())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve(judge(request, action)));
    request.addEventListener("error", () => resolve({ kind: "network" }));
    request.addEventListener("timeout", () => resolve({ kind: "network" }));
    request.addEventListener("abort", () => resolve({ kind: "cancelled" }));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body(form, field, file));
  });
}

function judge(request: XMLHttpRequest, action: URL): Answer {
  const elsewhere = request.responseURL !== "" && new URL(request.responseURL).pathname !== action.pathname;
  if (request.status === 401 || elsewhere || request.getResponseHeader("HX-Redirect")) return { kind: "signed-out" };
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const part = page.querySelector<HTMLElement>("body > [data-state]");
  if (part) return { kind: "fragment", part: document.importNode(part, true) };
  // A page about the problem says in its alert what is wrong.
  const reason = page.querySelector("[role=alert]")?.textContent?.trim() ?? "";
  return { kind: "refused", status: request.status, reason };
}
