// Projects are named after what they prove; each opens a browser as that situation has it.
import { defineConfig } from "@playwright/test";
import { browser, WORKERS } from "../../chromium.js";

const project = (name: string, webgpu: boolean) => ({
  name,
  testMatch: `${name}.spec.ts`,
  use: browser(webgpu),
});

const PORT = 8217;

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results/web",
  workers: WORKERS,
  timeout: 600_000,
  // A slow machine that is right in the end is no failure.
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: { baseURL: `http://127.0.0.1:${PORT}/` },
  webServer: { command: `node serve.mjs ${PORT}`, port: PORT, reuseExistingServer: false },
  projects: [
    project("cpu", false),
    project("plain", false),
    // In software it takes the longest by far.
    { ...project("webgpu", true), fullyParallel: true },
    project("counted", true),
    project("no-adapter", false),
    project("no-gpu", false),
    project("device-lost", true),
    project("wasm-404", false),
    project("wasm-html", false),
    project("corrupt-checkpoint", false),
    project("quota", false),
    project("offline", false),
    project("two-tabs", false),
    project("near", false),
    project("crew", false),
    project("abort", false),
    project("input", false),
    project("hostile", false),
    project("codes", true),
    project("changed-file", false),
    project("panic", false),
    project("poisoned-cache", false),
    project("foreign-picture", false),
    project("small-canvas", false),
    project("broken-gpu", true),
    project("onnx", false),
    project("elements", false),
    project("elements-life", false),
    project("elements-probe", false),
    project("elements-webgpu", true),
    project("soak", true),
  ],
});
