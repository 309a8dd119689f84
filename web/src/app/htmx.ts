import htmx from "htmx.org";
import { forgeryHeaders, message, words } from "./page";

// The page's policy forbids evaluated code: filters in hx-trigger, `js:` values and hx-on do not work, by intent.
htmx.config.history = "reload";
htmx.config.includeIndicatorCSS = false;
// A target named on a parent serves its children, as in htmx 2.
htmx.config.implicitInheritance = true;
// A fault of the server must not land in a small corner of the page; the message below tells of it instead.
htmx.config.noSwap = [204, 304, "5xx" as unknown as number];

document.addEventListener("htmx:config:request", (event) => {
  Object.assign(event.detail.ctx.request.headers, forgeryHeaders());
});

document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx.response?.status ?? 0;
  // Signed out meanwhile: the page, asked again, leads to the sign-in and back.
  if (status === 401) location.reload();
  else if (status >= 500) message(words("error-words")["server"]);
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) message(words("error-words")["network"]);
});

export default htmx;
