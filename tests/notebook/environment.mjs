// A virtual environment with JupyterLab of an exact version, and the widget as it is now.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const work = join(root, "tests/notebook/work");
const bin = join(work, "venv", process.platform === "win32" ? "Scripts" : "bin");
const NEEDED = ["jupyterlab==4.6.6", "anywidget==0.11.0", "numpy==2.4.6", "pillow==13.0.0"];

/** Runs a program; its output is shown if it fails. */
function run(program, words, options = {}) {
  try {
    return execFileSync(program, words, { encoding: "utf8", stdio: "pipe", ...options });
  } catch (error) {
    throw new Error(`${program} ${words.join(" ")} failed\n${error.stdout}${error.stderr}`, {
      cause: error,
    });
  }
}

/** A python that can make virtual environments; undefined where there is none. */
function python() {
  return [process.env.KITH_PYTHON, "python3", "python"].filter(Boolean).find((name) => {
    try {
      const what = "import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 10))";
      execFileSync(name, ["-c", what], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

/** Makes the environment where it is missing, and installs the widget; gives the path of `jupyter`. */
export function jupyter() {
  const own = python();
  if (!own) return undefined;
  mkdirSync(work, { recursive: true });
  const pip = join(bin, "python");
  const list = join(work, "installed.txt");
  const wanted = NEEDED.join("\n");
  if (!existsSync(list) || readFileSync(list, "utf8") !== wanted) {
    run(own, ["-m", "venv", "--clear", join(work, "venv")]);
    run(pip, ["-m", "pip", "install", "--quiet", ...NEEDED]);
    writeFileSync(list, wanted);
  }
  run(process.execPath, [join(root, "notebook/build.mjs")]);
  const widget = ["--quiet", "--no-deps", "--force-reinstall", join(root, "notebook")];
  run(pip, ["-m", "pip", "install", ...widget]);
  return join(bin, "jupyter");
}
