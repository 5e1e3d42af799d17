import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a running stack.
const API_ORIGIN = "http://127.0.0.1:8080";

export default defineConfig({
  build: {
    target: "es2022",
    // data: URIs would need a wider Content-Security-Policy than the pages are served with.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/v1": API_ORIGIN, "/a": API_ORIGIN, "/demo": API_ORIGIN },
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    // A year of clock changes takes a while on a busy machine.
    testTimeout: 60_000,
  },
});
