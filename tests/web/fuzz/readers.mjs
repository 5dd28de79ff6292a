// The readers of files: what is written, how it is read, and which errors a damaged file may give.
import fc from "fast-check";

import { bytesOf } from "../made.mjs";
import { link, plainJson, rowsOf, safetensors } from "./forms.mjs";
import { inside } from "./inside.mjs";
import { losses, marks, rows, texts, weights } from "./values.mjs";

const { File, LossHistory, PageIndex, csv, headed, lossesIn, runFile, sameSource, withNote } =
  inside;

const json = (value) => JSON.parse(JSON.stringify(value ?? null));
const text = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const encoded = (words) => new TextEncoder().encode(words);
/** JSON has no -0. */
const unsigned = (numbers) => numbers.map((x) => x + 0);

/** What WebAssembly reads: a file of `bytes`, which `open` opens and lets go. */
const wasm = (bytes, codes, open) => ({
  values: fc.constant(bytes),
  write: (bytes) => bytes,
  read: async (bytes) => {
    await (await open(bytes)).dispose();
    return bytes;
  },
  seen: () => "it opens",
  sound: () => true,
  codes: ["CHECKPOINT_FORMAT", "CHECKPOINT_ARCH", ...codes],
  form: safetensors,
  // Pictures that a run is given.
  beside: 1 << 20,
  // There is one value.
  runs: 1,
});

/** Those, for a checkpoint and a state of `made`. */
export const wasmReadersOf = ({ kith, file, state, resumed }) => ({
  "a checkpoint": wasm(file, ["NO_ENCODER", "UNTOLD"], (bytes) =>
    kith.loadEncoder(bytes, { device: "cpu" }),
  ),
  "a state": wasm(state, ["OTHER_RUN"], resumed),
});

/** Every reader by its name: `values` are written, read, and are then seen as the same. */
export function readersOf(kith) {
  const { KnnIndex, LinearProbe, loadProject, saveProject, encodeRecord, decodeRecord } = kith;
  const indices = rows.map(({ dim, metric, numbers, ids, labels, fingerprint }) => {
    const index = new KnnIndex(dim, { metric });
    index.add(
      numbers,
      ids.map((id, place) => ({ id, label: labels[place] })),
    );
    index.encoderFingerprint = fingerprint;
    return index;
  });
  const probes = weights.map(
    ({ labels, report, fingerprint, ...own }) => new LinearProbe(labels, own, report, fingerprint),
  );
  const index = {
    values: indices,
    write: (index) => bytesOf(index.save()),
    read: (bytes) => KnnIndex.load(bytes),
    seen: async (index) => [
      await bytesOf(index.save()),
      index.query(new Float32Array(index.dim), { k: 3 }),
    ],
    sound: (index) => index.labels.every((label) => typeof label === "string"),
    codes: ["FILE_FORMAT"],
    form: safetensors,
  };
  const probe = {
    ...index,
    values: probes,
    write: (probe) => bytesOf(probe.save()),
    read: (bytes) => LinearProbe.load(bytes),
    seen: ({ labels, weight, bias, report, encoderFingerprint }) => [
      ...[labels, report, encoderFingerprint, unsigned(weight), unsigned(bias)],
    ],
    sound: ({ report }) => {
      const { accuracy, measuredOn, perClass, confusion, misclassified, validation } = report;
      const all = [...perClass, { label: measuredOn, accuracy, count: 0 }];
      const places = [...misclassified, ...validation, ...perClass.map(({ count }) => count)];
      return (
        all.every((one) => typeof one.accuracy === "number" && typeof one.label === "string") &&
        places.every((place) => Number.isSafeInteger(place) && place >= 0) &&
        confusion.labels.every((label) => typeof label === "string") &&
        confusion.counts.length === confusion.labels.length ** 2
      );
    },
  };
  const probeJson = {
    ...probe,
    write: (probe) => bytesOf(probe.save("json")),
    form: plainJson,
  };
  const picture = fc
    .tuple(fc.uint8Array(), fc.constantFrom("", "image/png", "image/webp"))
    .map(([bytes, type]) => new Blob([bytes], { type }));
  const absent = { nil: undefined };
  const project = {
    ...index,
    values: fc.record({
      index: fc.option(indices, absent),
      probe: fc.option(probes, absent),
      pictures: fc.dictionary(texts, picture, { maxKeys: 3 }),
      settings: fc.jsonValue(),
    }),
    write: async (project) => bytesOf(await saveProject(project)),
    read: (bytes) => loadProject(bytes),
    sound: ({ probe: own }) => !own || probe.sound(own),
    seen: async (project) => [
      project.index && (await index.seen(project.index)),
      project.probe && probe.seen(project.probe),
      json(project.settings),
      await Promise.all(
        Object.entries(project.pictures).map(async ([id, blob]) => [
          ...[id, blob.type, await bytesOf(blob)],
        ]),
      ),
    ],
  };
  /** What the page has of the user's work, as far as a file holds it. */
  const pageWith = (userPictures) => ({
    ...{ userPictures, checkpoint: "", network: { index: () => new PageIndex(2) } },
    picture: () => undefined,
    adoptPictures: (pictures) => userPictures.push(...pictures),
  });
  const ofPage = {
    ...project,
    values: fc
      .dictionary(texts, fc.tuple(marks, picture), { maxKeys: 3 })
      .map((all) =>
        Object.entries(all).map(([id, [mark, blob]]) => ({ id, ...mark, file: { blob } })),
      )
      .map(pageWith),
    write: async (page) => bytesOf(await inside.projectFile(page)),
    read: async (bytes) => {
      const page = pageWith([]);
      await inside.openProjectFile(page, bytes);
      return page;
    },
    seen: ({ userPictures }) =>
      Promise.all(
        userPictures.map(async ({ id, name, label, unknown, aside, file }) => [
          ...[id, name, label, unknown, aside, await bytesOf(file.blob)],
        ]),
      ),
    sound: ({ userPictures }) =>
      userPictures.every(
        ({ name, label, unknown, aside }) =>
          typeof name === "string" &&
          (label === null || typeof label === "string") &&
          [unknown, aside].every((flag) => typeof flag === "boolean"),
      ),
  };
  const arrays = {
    ...index,
    values: fc
      .tuple(fc.jsonValue(), fc.dictionary(texts, fc.uint8Array(), { maxKeys: 4 }))
      .map(([settings, all]) => {
        const stored = Object.entries(all).map(([name, values]) => [
          `a/${name}`,
          { shape: [values.length], values },
        ]);
        return new File("probe", settings, Object.fromEntries(stored));
      }),
    write: (file) => file.toBytes(),
    read: (bytes) => File.fromBytes(bytes, "probe"),
    seen: ({ settings, arrays }) => [json(settings), arrays],
    sound: () => true,
  };
  const runLink = {
    values: fc.oneof(texts, fc.json()),
    write: async (record) => encoded(await encodeRecord(record)),
    read: (bytes) => decodeRecord(text(bytes)),
    seen: (record) => record,
    // It is deflated, and a record has 64 KiB at most: its parts, the whole, and some of what follows.
    beside: 4 << 16,
    sound: (record) => typeof record === "string",
    codes: ["RECORD"],
    form: link,
  };
  const labels = ["a"];
  const hashes = { labelsHash: "12ab34cd", domainsHash: "none" };
  const data = { count: 7, labels: new Uint16Array(4), ...hashes, classNames: labels };
  const note = {
    values: losses.map((all) => {
      const history = new LossHistory();
      all.forEach((loss, step) => history.add(step + 1, loss, 8));
      return history;
    }),
    write: (history) => {
      const core = headed({ __metadata__: { kith: "{}" } }, 8);
      return withNote(core, data, history.saved());
    },
    read: (state) => {
      sameSource(state, data, labels.length);
      return new LossHistory(lossesIn(state));
    },
    seen: (history) => json(history.saved()),
    sound: (history) => {
      const { first, epochs, sum, counted } = history.saved();
      return [...first, ...epochs, sum, counted].every(Number.isFinite);
    },
    codes: ["CHECKPOINT_FORMAT", "OTHER_RUN"],
    form: safetensors,
  };
  const classNames = ["a", "b"];
  const placesOf = (run) =>
    Array.isArray(run) ? run : run.labels.map((label) => classNames.indexOf(label));
  const domainsOf = (run) =>
    Array.isArray(run) ? run.map((place) => (place < 0 ? "far" : "near")) : (run.domains ?? []);
  const run = {
    values: fc.array(fc.constantFrom(-1, 0, 1), { minLength: 1, maxLength: 6 }),
    write: (given) => {
      const places = placesOf(given);
      const told = { plan: { side: 2, steps: 3, epochs: 2 }, counters: { steps: 1 } };
      const kith = JSON.stringify({ stage: "pretrained", ...told });
      const weights = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
      const state = headed({ __metadata__: { kith }, weights }, 8);
      const batches = [{ pixels: new Uint8Array(12 * places.length).fill(7) }];
      const known = new Uint16Array(places.filter((place) => place >= 0).length);
      const said = domainsOf(given);
      const names = [...new Set(said)].sort();
      const domains = { names, places: said.map((name) => names.indexOf(name)) };
      const own = { batches, count: places.length, places, classNames, domains, labels: known };
      const more = { dataset: "noise", losses: new LossHistory().saved() };
      return runFile(state, { ...own, ...hashes }, more);
    },
    read: (bytes) => kith.readRunFile(bytes),
    seen: (given) => [placesOf(given), domainsOf(given)],
    sound: ({ state, images, labels, domains = [], dataset, step, total }) =>
      state instanceof Uint8Array &&
      images.length === labels.length &&
      images.every(({ data, width }) => data.length === 3 * width * width) &&
      labels.every((label) => label === null || typeof label === "string") &&
      domains.every((domain) => typeof domain === "string") &&
      typeof dataset === "string" &&
      [step, total].every(Number.isFinite),
    codes: ["FILE_FORMAT"],
    form: safetensors,
  };
  /** The page writes it; the program, which reads it, has its own tests of damage. */
  const table = {
    values: fc.array(fc.tuple(texts, texts, texts), { minLength: 1 }),
    write: (lines) => encoded(csv(lines)),
    read: (bytes) => rowsOf(text(bytes)),
    seen: (lines) => lines,
  };
  return {
    "an index": index,
    "a probe": probe,
    "a probe in JSON": probeJson,
    "a project": project,
    "a project of the page": ofPage,
    "arrays with settings": arrays,
    "a run's link": runLink,
    "a state's note": note,
    "a run file": run,
    "a table of labels": table,
  };
}
