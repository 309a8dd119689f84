/**
 * Stands in for what Cornerstone imports and this viewer never calls (see `without` in vite.config.ts): `dcmjs` (files are
 * read by the server) but for its logger, readers of surface files (they need Node's `events`, which no browser has), and
 * WebGPU. With src/viewer/metadata.ts it halves the script.
 */
import log from "loglevel";

export { log };
export const constants = {};
export default {};
