import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a running stack, and what of it: all but the pages. The Host stays the browser's own, so
// that the stack's sign-in leads back here.
const STACK_ORIGIN = "http://127.0.0.1:8080";
const STACK_PATHS = ["/config.json", "/v1", "/a/", "/pictures", "/oauth2", "/login", "/logout", "/demo"];

export default defineConfig({
  build: {
    target: "es2022",
    // data: URIs would need a wider Content-Security-Policy than the pages are served with.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // All that the first view needs is one script: what other views share with it would else be a file each.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "index", tags: ["$initial"] }] } } },
  },
  server: {
    proxy: Object.fromEntries(STACK_PATHS.map((path) => [path, { target: STACK_ORIGIN, changeOrigin: false }])),
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    // A year of clock changes takes a while on a busy machine.
    testTimeout: 60_000,
  },
});
