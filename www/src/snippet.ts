/** Code that loads the exported files, in JavaScript and in Python. */
import { button, el } from "./element.js";

const JAVASCRIPT = `import { LinearProbe, loadEncoder } from "kith-web";

const encoder = await loadEncoder("checkpoint.safetensors");
const probe = await LinearProbe.load("probe.safetensors", { encoder });
const seen = await encoder.embed(document.querySelector("img"));
console.log(probe.predict(seen, { topK: 3 })[0]);`;

const PYTHON = `import json
import numpy as np
from safetensors import safe_open

rows = np.load("embeddings.npy")           # [pictures, numbers], each row of length one
with safe_open("probe.safetensors", "np") as file:
    note = json.loads(file.metadata()["kith"])
    logits = rows @ file.get_tensor("probe.weight").T + file.get_tensor("probe.bias")
labels = note["settings"]["labels"]
print([labels[best] for best in logits.argmax(1)[:10]])`;

/** Both snippets, each with a copy button. */
export function snippets(): HTMLElement {
  return el(
    "div",
    { class: "snippets" },
    snippet("JavaScript", JAVASCRIPT),
    snippet("Python", PYTHON),
  );
}

function snippet(language: string, code: string): HTMLElement {
  const copy = button(`Copy the ${language}`, () => {
    navigator.clipboard.writeText(code).then(
      () => (copy.textContent = "Copied"),
      () => (copy.textContent = "Select the text above"),
    );
  });
  return el("div", {}, el("h3", {}, language), el("pre", { tabindex: 0 }, code), copy);
}
