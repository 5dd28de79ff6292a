// Projects are named after the browser that a user has.
import { existsSync } from "node:fs";
import { defineConfig, devices } from "@playwright/test";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const quiet = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** A browser with (software) WebGPU or without an adapter; on a machine without a Chromium of its
 * own, the one that `npx playwright install chromium` fetched. */
const browser = (webgpu: boolean) => ({
  launchOptions: {
    args: webgpu ? [...quiet, "--enable-unsafe-webgpu"] : quiet,
    ...(existsSync(chromium) ? { executablePath: chromium } : {}),
  },
});

const PORT = Number(process.env.KITH_PAGE_PORT ?? 8218);
const { viewport, userAgent, deviceScaleFactor, isMobile, hasTouch } = devices["Pixel 7"];
const phone = { viewport, userAgent, deviceScaleFactor, isMobile, hasTouch };

export default defineConfig({
  testDir: ".",
  outputDir: "../test-results/www/left",
  workers: 1,
  timeout: 60_000,
  reporter: [["list"]],
  use: { baseURL: `http://127.0.0.1:${PORT}/some/folder/`, serviceWorkers: "block" },
  webServer: { command: `node serve.mjs ${PORT}`, port: PORT, reuseExistingServer: false },
  projects: [
    { name: "no-adapter", testIgnore: "webgpu.spec.ts", use: browser(false) },
    {
      name: "phone",
      testMatch: ["panels.spec.ts", "looks.spec.ts"],
      use: { ...browser(false), ...phone },
    },
    { name: "webgpu", testMatch: "webgpu.spec.ts", use: browser(true) },
  ],
});
