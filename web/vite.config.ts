import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Modules that Cornerstone imports and the viewer never calls; see the two files.
const own = (file: string) => fileURLToPath(new URL(`src/viewer/${file}.ts`, import.meta.url));
const unused = /^dcmjs$|vtk\.js\/IO\/(?:XML|Geometry|Misc)\/|\/WebGPU\//;
const without = {
  name: "without",
  enforce: "pre" as const,
  resolveId: (source: string) =>
    source === "@cornerstonejs/metadata" ? own("metadata") : unused.test(source) ? own("without") : null,
};

// Two builds write into the same folder: `app` (every page: scripts and styles) and `viewer` (study pages). Each gives one
// self-contained file of a fixed name; the server puts its own version into the address.
export default defineConfig(({ mode }) => {
  const viewer = mode === "viewer";
  return {
    plugins: [without],
    publicDir: viewer ? false : "public",
    build: {
      outDir: "dist",
      emptyOutDir: !viewer,
      target: ["chrome123", "firefox120", "safari17.5"],
      assetsInlineLimit: 100_000,
      modulePreload: false,
      cssCodeSplit: false,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: {
        input: viewer ? "src/viewer.ts" : "src/app.ts",
        output: {
          format: "iife",
          entryFileNames: viewer ? "viewer.js" : "app.js",
          assetFileNames: viewer ? "viewer.[ext]" : "app.[ext]",
        },
      },
    },
    test: { include: ["test/**/*.test.ts"] },
  };
});
