import { Viewer } from "./viewer/viewer";

function mountAll(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement & { viewer?: Viewer }>(".viewer[data-description]:not(.prior)")) {
    if (element.dataset["mounted"] !== undefined) continue;
    element.dataset["mounted"] = "";
    Viewer.mount(element, true).then(
      (viewer) => (element.viewer = viewer),
      (error: unknown) => console.error("viewer:", error),
    );
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => mountAll(document));
else mountAll(document);
document.addEventListener("htmx:after:swap", () => {
  mountAll(document);
  for (const element of document.querySelectorAll<HTMLElement & { viewer?: Viewer }>(".viewer[data-ready]")) {
    element.viewer?.refresh().catch((error: unknown) => console.error("viewer:", error));
  }
});
