// Times all contenders on all workloads, taking turns, and checks that they compute the same.
import { WORKLOADS, nameOf } from "./workloads.mjs";

const LIBRARIES = {
  kith: "./kith.mjs",
  "onnxruntime-web": "./onnxruntime.mjs",
  tfjs: "./tfjs.mjs",
  "jax-js": "./jax.mjs",
};
const DEVICES = ["webgpu", "cpu"];
/** One timing repeats its work until it has lasted so long, in ms. */
const LASTING = 100;

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Rows `{ device, workload, library, ms, off }`, each told as it is measured. */
export async function bench({ rounds = 5, only = "", devices = DEVICES, libraries }, told) {
  const known = Object.keys(LIBRARIES);
  const names = libraries ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`no library is called ${unknown}: expected ${known.join(", ")}`);
  }
  for (const device of devices) {
    for (const workload of WORKLOADS) {
      const line = `${device}, ${nameOf(workload)}`;
      if (!line.includes(only)) continue;
      for (const row of await timed(names, device, workload, rounds)) told({ line, ...row });
    }
  }
}

async function timed(names, device, workload, rounds) {
  const entries = [];
  for (const library of names) {
    const { contenders } = await import(LIBRARIES[library]);
    const open = contenders(device)[workload.task];
    if (!open) continue;
    try {
      const contender = await open(workload);
      const first = await contender.run();
      await contender.run();
      entries.push({ library, contender, first, times: [] });
    } catch (error) {
      entries.push({ library, failed: String(error).slice(0, 200) });
    }
  }
  const running = entries.filter(({ failed }) => !failed);
  for (let round = 0; round < rounds; round += 1) {
    for (const { contender, times } of running) times.push(await once(contender));
  }
  for (const { contender } of running) await contender.end();
  const [{ first: expected } = {}] = running;
  return entries.map(({ library, times, first, contender, failed }) =>
    failed
      ? { library, failed }
      : { library, ms: median(times), off: contender.own ? null : distance(first, expected) },
  );
}

async function once({ run }) {
  const start = performance.now();
  let runs = 0;
  do {
    await run();
    runs += 1;
  } while (performance.now() - start < LASTING);
  return (performance.now() - start) / runs;
}

/** Largest difference, relative to the largest number. */
function distance(got, expected) {
  const size = Math.max(...expected.map(Math.abs));
  return Math.max(...got.map((x, i) => Math.abs(x - expected[i]))) / size;
}

/** The table as rows of texts, first the head. */
export function tableOf(rows) {
  const libraries = Object.keys(LIBRARIES);
  const lines = [...new Set(rows.map(({ line }) => line))];
  const cell = (line, library) => {
    const of = (name) => rows.find((row) => row.line === line && row.library === name);
    const [own, theirs] = [of("kith"), of(library)];
    if (!theirs) return "–";
    if (theirs.failed) return "fails";
    const ms = theirs.ms.toPrecision(3);
    return library === "kith" || !own?.ms ? ms : `${ms} (${(own.ms / theirs.ms).toFixed(2)})`;
  };
  return [
    ["", ...libraries],
    ...lines.map((line) => [line, ...libraries.map((name) => cell(line, name))]),
  ];
}

const button = document.querySelector("button");
button.onclick = async () => {
  button.disabled = true;
  const rows = [];
  await bench({}, (row) => {
    rows.push(row);
    const html = tableOf(rows).map((cells, place) => {
      const tag = place === 0 ? "th" : "td";
      return `<tr>${cells.map((text) => `<${tag}>${text}</${tag}>`).join("")}</tr>`;
    });
    document.querySelector("table").innerHTML = html.join("");
    document.querySelector("output").textContent = row.line;
  });
  document.querySelector("output").textContent = "done";
};
