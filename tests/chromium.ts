// The Chromium that tests of the package and of the page open, and how many of them at a time.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const quiet = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** An adapter for a machine without a GPU. It would fill the memory that threads of a workgroup share with
 * zeros, in unrolled code, whose making takes four fifths of the time of all tests on it. */
const webgpuFlags = ["--enable-unsafe-webgpu", "--enable-dawn-features=disable_workgroup_init"];

/** A tab computes on one core most of the time. */
export const WORKERS = Math.min(4, availableParallelism());

/** A browser with (software) WebGPU or without an adapter; on a machine without a Chromium of its
 * own, the one that `npx playwright install chromium` fetched. */
export const browser = (webgpu: boolean, flags: readonly string[] = []) => ({
  launchOptions: {
    args: [...quiet, ...flags, ...(webgpu ? webgpuFlags : [])],
    ...(existsSync(chromium) ? { executablePath: chromium } : {}),
  },
});
