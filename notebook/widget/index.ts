/** The widget: an element of kith-web, whose pictures come from Python and whose results go there. */
import { Embeddings } from "kith-web";
import "kith-web/elements";
import type { ElementPicture, KithNeighbours, KithProbe } from "kith-web/elements";
import { elementOptions } from "./engine.js";
import { ask, matrix, type Model } from "./kernel.js";

type Element = KithNeighbours | KithProbe;

/** Every widget runs a copy of this script, of which the first has defined the tags: no `instanceof`. */
const isProbe = (element: Element): element is KithProbe => element.localName === "kith-probe";

interface Said {
  readonly name: string;
  readonly label: string | null;
}

/** Pictures that are asked for at a time. */
const AT_ONCE = 64;

interface View {
  readonly model: Model;
  readonly element: Element;
}

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> {
  const element = document.createElement(model.get("_tag") as "kith-neighbours" | "kith-probe");
  const view = { model, element };
  const stops = [listenToPython(view)];
  listenToElement(view);
  // JupyterLab's own keys, by which 1 makes a heading, end where the widget begins.
  el.dataset["lmSuppressShortcuts"] = "true";
  el.append(element);
  try {
    await open(view);
    await showPictures(view);
  } catch (error) {
    element.replaceWith(`kith-widget: ${String(error)}`);
    push(view, { state: "error", errors: [String(error)] });
  }
  return () => {
    stops.forEach((stop) => stop());
    element.remove();
  };
}

/** Names the checkpoint; `k`, `labels` and the like are as Python has them. */
async function open({ model, element }: View): Promise<void> {
  element.options = await elementOptions(model);
  element.setAttribute("device", model.get("device") as string);
  if (isProbe(element)) element.setAttribute("labels", (model.get("names") as string[]).join(","));
  else element.k = model.get("k") as number;
  const name = encodeURIComponent(model.get("_checkpoint_name") as string);
  element.setAttribute("src", `${name}#checkpoint`);
}

async function showPictures({ model, element }: View): Promise<void> {
  const said = model.get("_pictures") as readonly Said[];
  const labels = isProbe(element) ? (model.get("labels") as (string | null)[]) : [];
  const blobs: Blob[] = [];
  for (let from = 0; from < said.length; from += AT_ONCE) {
    const to = Math.min(from + AT_ONCE, said.length);
    const buffers = await ask(model, { what: "pictures", from, to });
    blobs.push(...buffers.map((bytes) => new Blob([bytes])));
  }
  element.images = said.map(({ name }, place) => {
    return { source: blobs[place]!, name, label: labels[place] ?? null };
  });
}

function push({ model }: View, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/** The places of pictures among Python's. */
function placesOf({ element }: View, pictures: readonly ElementPicture[]): number[] {
  const places = new Map(element.images.map(({ id }, place) => [id, place]));
  return pictures.map(({ id }) => places.get(id)!);
}

function listenToElement(view: View): void {
  const { element, model } = view;
  element.addEventListener("kith-state", ({ detail: { state } }) => {
    const begins = state === "loading" || state === "embedding";
    push(view, { state, ...(begins && { errors: [] }) });
  });
  element.addEventListener("kith-error", ({ detail: { error } }) => {
    const said = `${error.code}: ${error.message} – ${error.hint}`;
    push(view, { errors: [...(model.get("errors") as string[]), said] });
  });
  element.addEventListener("kith-embeddings", ({ detail }) => {
    push(view, { embeddings: allRows(view, detail.embeddings, detail.pictures) });
  });
  if (isProbe(element)) listenToProbe(view, element);
  else listenToNeighbours(view, element);
}

/** A row for each of Python's pictures. */
function allRows(view: View, given: Embeddings, pictures: readonly ElementPicture[]) {
  const rows: (Float32Array | undefined)[] = view.element.images.map(() => undefined);
  placesOf(view, pictures).forEach((to, from) => (rows[to] = given.row(from)));
  return matrix(rows, given.dim);
}

function listenToNeighbours(view: View, element: KithNeighbours): void {
  element.addEventListener("kith-neighbours", ({ detail: { picture, neighbours } }) => {
    const places = placesOf(view, [picture, ...neighbours.map((one) => one.picture)]);
    const found = neighbours.map(({ cosine }, i) => ({ place: places[i + 1]!, cosine }));
    push(view, { selected: places[0]!, neighbours: found });
  });
}

function listenToProbe(view: View, element: KithProbe): void {
  let latest: { embeddings: Embeddings; pictures: readonly ElementPicture[] } | undefined;
  element.addEventListener("kith-embeddings", ({ detail }) => (latest = detail));
  element.addEventListener("kith-label", () => {
    push(view, { labels: element.images.map(({ label }) => label) });
  });
  element.addEventListener("kith-probe", async ({ detail: { probe, report } }) => {
    if (!latest) return;
    const shares = new Embeddings(probe.probabilities(latest.embeddings), probe.labels.length);
    push(view, {
      classes: [...probe.labels],
      probabilities: allRows(view, shares, latest.pictures),
      accuracy: report.accuracy,
      measured_on: report.measuredOn,
      probe: new DataView(await probe.save().arrayBuffer()),
    });
  });
}

/** What Python changes; returns what ends it. */
function listenToPython(view: View): () => void {
  const { element, model } = view;
  const heard: Record<string, () => void> = {
    "change:k": () => void ((element as KithNeighbours).k = model.get("k") as number),
    "change:selected": () => {
      element.selected = element.images[model.get("selected") as number] ?? null;
    },
    "change:labels": () => {
      const labels = model.get("labels") as (string | null)[];
      element.images.forEach((picture, place) =>
        (element as KithProbe).label(picture, labels[place] ?? null),
      );
    },
    "change:_pictures": () => void showPictures(view),
    "change:_checkpoint_hash": () => void open(view),
    "change:device": () => void open(view),
  };
  for (const [event, listener] of Object.entries(heard)) model.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(heard)) model.off(event, listener);
  };
}

export default { render };
