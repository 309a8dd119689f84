// The program under test: `semio serve` on a free port with a fresh folder, and what it is fed with.
import { execFile, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, mkdir, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const candidates = [process.env.SEMIO, join(target, "release/semio"), join(target, "debug/semio")];
export const program = candidates.find((path) => path && existsSync(path));
export const PASSWORD = "correct horse battery staple";

/** Runs the program; answers with its output. */
export async function semio(args, input) {
  const running = promisify(execFile)(program, args, { maxBuffer: 1 << 24 });
  running.child.stdin.end(input ?? "");
  return (await running).stdout;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The folder of models: SEMIO_MODELS, or one trained now on synthetic pictures, so well that some are answered. */
async function models() {
  if (process.env.SEMIO_MODELS) return process.env.SEMIO_MODELS;
  const work = await mkdtemp(join(tmpdir(), "semio-e2e-models-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const folder = join(work, "models");
  for (const job of ["brain-tumor", "pneumonia"]) {
    const data = join(work, `train-${job}`);
    await semio(["data", "synth", "--job", job, "--count", "480", "--size", "64", "-q", "-o", data]);
    const run = join(folder, job, "v1");
    await mkdir(join(folder, job), { recursive: true });
    const csv = join(data, "labels.csv");
    await semio(["train", "--data", csv, "-o", run, "--image-size", "64", "--epochs", "6", "-q"]);
  }
  return folder;
}

/** Synthetic pictures of a job, drawn now: their paths, the first of each class first. */
export async function pictures(work, job, count, format = "png", seed = 7) {
  const folder = join(work, `${job}-${format}-${seed}`);
  const size = ["--count", `${count}`, "--seed", `${seed}`, "--format", format];
  await semio(["data", "synth", "--job", job, ...size, "-q", "-o", folder]);
  const classes = await readdir(join(folder, "images"));
  const lists = await Promise.all(classes.map(async (c) => (await readdir(join(folder, "images", c))).sort().map((f) => join(folder, "images", c, f))));
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, n) => lists.flatMap((list) => list.slice(n, n + 1))).flat();
}

// One folder for all servers of a run.
let folder;

/** A running server. */
export async function serve() {
  if (!program) throw new Error("no program: set SEMIO to the built `semio`, or run `cargo build -p semio`");
  const work = await mkdtemp(join(tmpdir(), "semio-e2e-"));
  const data = join(work, "data");
  folder ??= await models();
  const add = (role, email, given, family, number = "") =>
    semio(
      ["user", "add", "--data", data, "--role", role, "--email", email, "--given-name", given, "--family-name", family]
        .concat(number ? ["--register-number", number] : []),
      `${PASSWORD}\n`,
    );
  await add("administrator", "admin@example.org", "Ada", "Keeper");
  const port = await freePort();
  const child = spawn(program, ["serve", "--data", data, "--models", folder, "--listen", `127.0.0.1:${port}`]);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (log += bytes));
  const address = `http://127.0.0.1:${port}`;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let dead = false;
  void ended.then(() => (dead = true));
  for (let tries = 0; ; tries += 1) {
    const ready = await fetch(`${address}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (dead || tries > 300) throw new Error(`the server did not start\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    address,
    work,
    add,
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(work, { recursive: true, force: true });
    },
  };
}
