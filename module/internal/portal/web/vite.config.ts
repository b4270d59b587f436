import { defineConfig } from "vite";

// Everything is built into files beside the page: it loads nothing from elsewhere, and has nothing inline.
export default defineConfig({
  base: "/",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
