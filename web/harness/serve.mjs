// A small server for the harness pages: the built files, synthetic pictures and an upload that answers as Semio does,
// all under the policy that Semio's server sends. `node harness/serve.mjs [port]`.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { frame, map, pictures } from "./pixels.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const policy =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; worker-src 'self' blob:; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const types = { html: "text/html; charset=utf-8", css: "text/css", svg: "image/svg+xml", js: "text/javascript", json: "application/json" };

function upload(request, response) {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString("latin1");
    const name = /filename="([^"]*)"/.exec(body)?.[1] ?? "";
    const html = (state, text, more = "") => `<p class="message" data-state="${state}"${more}>${text}</p>`;
    response.setHeader("content-type", types.html);
    if (request.headers["x-csrf"] !== "harness-token") return response.writeHead(403).end("no token");
    if (!/name="patient"[^]*name="file"/.test(body)) return response.writeHead(422).end(html("failed", "fields come first"));
    if (name === "fail.txt") return response.writeHead(422).end(html("failed", "Not a picture."));
    if (name === "old.dcm")
      return response.writeHead(403).end('<!doctype html><main><p role="alert">The form is too old.</p></main>');
    if (name === "break.bin") return response.writeHead(500).end("broken");
    if (name === "other.dcm") return response.end(html("decide", '<a href="/decide">Another birth date</a>'));
    setTimeout(
      () => response.end(html("reading", "Reading", ' hx-get="/uploads/1" hx-trigger="load delay:300ms" hx-swap="outerHTML"')),
      300,
    );
  });
}

/** Starts the server; a port of 0 takes a free one. */
export function serve(port = 0) {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://harness");
    response.setHeader("content-security-policy", policy);
    response.setHeader("cache-control", "no-store");
    const send = (type, body) => response.setHeader("content-type", type).end(body);
    try {
      const image = /^\/images\/(\w+)\/(?:view|frames\/(\d+))$/.exec(pathname);
      if (request.method === "POST" && pathname === "/upload") return upload(request, response);
      if (pathname === "/uploads/1")
        return send(types.html, '<p class="message" role="status" data-state="done"><a href="/studies/1">Read</a></p>');
      if (image && pictures[image[1]])
        return image[2] === undefined
          ? send(types.json, JSON.stringify(pictures[image[1]].about))
          : send("application/octet-stream", frame(image[1], Number(image[2])));
      if (pathname === "/picture.svg")
        return send(types.svg, '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"><rect width="96" height="64" fill="#555"/></svg>');
      if (pathname === "/predictions/ct/map") return send(types.json, JSON.stringify(map));
      const file = pathname.startsWith("/assets/") ? `../dist/${pathname.slice(8)}` : pathname.slice(1) || "looks.html";
      if (!/^(\.\.\/dist\/)?[\w.-]+\.(html|css|js|svg)$/.test(file)) throw new Error("no such file");
      const content = await readFile(here + file);
      // viewer.html?picture=rgb shows another of the pictures.
      const picture = searchParams.get("picture") ?? "ct";
      send(types[file.split(".").pop()], file === "viewer.html" ? String(content).replace("PICTURE", picture) : content);
    } catch {
      response.writeHead(404).end("not found");
    }
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.argv[2] ?? 5180));
  console.log(`harness at http://127.0.0.1:${server.address().port}/looks.html and /viewer.html`);
}
