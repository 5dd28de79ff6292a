// Projects are named after the browser that a user has.
import { defineConfig, devices } from "@playwright/test";
import { browser, WORKERS } from "../chromium.js";

const camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const PORT = Number(process.env.KITH_PAGE_PORT ?? 8218);
const { viewport, userAgent, deviceScaleFactor, isMobile, hasTouch } = devices["Pixel 7"];
const phone = { viewport, userAgent, deviceScaleFactor, isMobile, hasTouch };

export default defineConfig({
  testDir: ".",
  outputDir: "../test-results/www/left",
  workers: WORKERS,
  timeout: 300_000,
  // A slow machine that is right in the end is no failure.
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: { baseURL: `http://127.0.0.1:${PORT}/some/folder/`, serviceWorkers: "block" },
  webServer: { command: `node serve.mjs ${PORT}`, port: PORT, reuseExistingServer: false },
  projects: [
    { name: "no-adapter", testIgnore: "webgpu.spec.ts", use: browser(false, camera) },
    {
      name: "phone",
      testMatch: ["panels.spec.ts", "looks.spec.ts"],
      use: { ...browser(false, camera), ...phone },
    },
    { name: "webgpu", testMatch: "webgpu.spec.ts", use: browser(true, camera) },
  ],
});
