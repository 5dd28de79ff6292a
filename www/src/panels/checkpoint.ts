/** Checkpoint: the open network, what is known about it, and what can be exported. */
import { checkpointCache, KithError, type CallOptions, type EncoderInfo } from "kith-web";
import { remember, visit } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, el, megabytes } from "../element.js";
import { encoderLines, metadataLines } from "../encoder-lines.js";
import { ENCODER_FILES, partsOf } from "../encoder-files.js";
import { importForm } from "../import-form.js";
import { loadOffer } from "../load-offer.js";
import { chooseFile, chooseFiles, csv, npy, download } from "../files.js";
import type { Network } from "../network.js";
import { snippets } from "../snippet.js";
import { withProgress } from "../progress.js";
import { openProjectFile, projectFile } from "../project-file.js";

export function checkpoint(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const card = el("section", { class: "card", "aria-label": "Card" });
  const cachedCheckpoints = el("section", {});
  const draw = (): void => {
    drawCard(card, app);
    void drawCachedCheckpoints(cachedCheckpoints);
  };
  app.on("network", draw, closed);
  root.replaceChildren(
    choices(app, closed),
    card,
    loadOffer(app, "Load the network to compute with it.", closed),
    el("section", {}, el("h2", {}, "Export"), exportButtons(app), snippets()),
    cachedCheckpoints,
  );
  draw();
}

/** Opens a network from the list, from files that are chosen or dropped, or at an address of this site. */
function choices(app: AppState, closed: AbortSignal): HTMLElement {
  const status = el("div", {});
  const form = importForm();
  const open = (name: string, work: (call: Required<CallOptions>) => Promise<void>): void =>
    void withProgress(status, `Opening ${name}`, async (call) => {
      await work(call);
      remember({ checkpoint: name === "trained" ? undefined : name });
    });
  const openFiles = (files: readonly File[]): void =>
    void withProgress(status, `Opening ${files[0]!.name}`, async (call) => {
      await openPicked(app, files, { form, call });
      remember({ checkpoint: undefined });
    });
  const builtIn = offers(app).map(({ name, title, bytes }) =>
    button(`${title} (${megabytes(bytes)})`, () =>
      open(name, (call) => app.openBuiltIn(name, call)),
    ),
  );
  const files = button("From a file", () => chooseFiles(ENCODER_FILES, openFiles));
  const address = el("input", {
    type: "url",
    placeholder: "./run/checkpoint.safetensors",
    "aria-label": "Address of a checkpoint",
  });
  const openUrl = (name: string, url: URL): void =>
    open(name, (call) => app.openEncoder(name, url, call));
  const go = (): void => {
    if (address.value.trim()) openAddress(address.value.trim(), { open: openUrl, status });
  };
  address.addEventListener("keydown", ({ key }) => key === "Enter" && go());
  const takeDropped = (): void => {
    const dropped = app.takeDroppedFiles();
    if (dropped.length > 0) openFiles(dropped);
  };
  app.on("encoder files", takeDropped, closed);
  takeDropped();
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      "A checkpoint is one file that this page, the native program, numpy and PyTorch can read. Weights that torchvision, timm, Meta or transformers saved as .safetensors open too: choose the file, or drop it anywhere on this page.",
    ),
    el("p", { class: "row" }, ...builtIn, files),
    status,
    form.element,
    el("div", { class: "row address" }, address, button("Open the address", go)),
  );
}

interface Picked {
  readonly form: ReturnType<typeof importForm>;
  readonly call: Required<CallOptions>;
}

/** Opens a file of weights, with the files beside it and what the form says. */
async function openPicked(
  app: AppState,
  files: readonly File[],
  { form, call }: Picked,
): Promise<void> {
  try {
    const { weights, beside } = await partsOf(files);
    const said = { ...beside, ...form.said() };
    const told = Object.keys(said).length > 0 ? said : undefined;
    await app.openEncoder(weights.name, weights, { ...call, told });
  } catch (error) {
    if (error instanceof KithError && error.code === "UNTOLD") form.show();
    throw error;
  }
}

/** The networks that came with the page, and what their buttons say. */
function offers({ trained, random }: AppState): typeof ENCODERS {
  const own = (name: string, { title, metadata }: Network) => ({
    name,
    title,
    bytes: metadata!.bytes,
  });
  return [own("trained", trained), own("random", random), ...ENCODERS];
}

interface Opening {
  readonly open: (name: string, source: URL) => void;
  readonly status: HTMLElement;
}

/**
 * The content security policy allows requests to this server only; files of others have to be
 * downloaded first.
 */
function openAddress(text: string, { open, status }: Opening): void {
  const url = URL.parse(text, document.baseURI);
  if (url?.origin === location.origin) return open(text, url);
  const notice = url
    ? el(
        "p",
        {},
        "This page cannot load from other servers. Download ",
        el("a", { href: url.href, target: "_blank", rel: "noreferrer" }, "the file"),
        " and open it from there.",
      )
    : el("p", {}, `“${text}” is not an address.`);
  status.replaceChildren(el("div", { class: "error-box" }, notice));
}

function drawCard(card: HTMLElement, app: AppState): void {
  const { network, encoder } = app;
  const metadata = network.metadata;
  const info = encoder?.info ?? metadata?.info;
  const lines = Object.entries({ ...(info && encoderLines(info)), ...metadataLines(network) });
  const terms = lines.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value)),
  );
  card.replaceChildren(
    el("h2", {}, network.title),
    el("dl", {}, ...terms),
    ...(metadata?.note ? [el("p", { class: "aside" }, metadata.note)] : []),
    ...(encoder && encoder.info.stage !== "imported" ? [recipe(encoder.info)] : []),
    galleryShare(app),
    ...(network === app.random ? [] : [trainFurther()]),
  );
  const report = metadata?.report ? `./networks/${metadata.report}` : reportUrl(app);
  if (report) card.append(el("p", {}, el("a", { href: report }, "The report of its run")));
}

function trainFurther(): HTMLElement {
  const train = (): void => visit("learn", { begin: "open" });
  return el("p", { class: "row" }, button("Train it further", train));
}

/** How much of the gallery the network has embeddings of, where it is not all: large ones take long. */
function galleryShare(app: AppState): HTMLElement {
  const { gallery, network } = app;
  const known = gallery.filter((picture) => network.hasEmbedding(picture)).length;
  const status = el("div", {});
  if (known === gallery.length) return status;
  const embed = (): void =>
    void withProgress(status, "Computing embeddings", (call) => app.embedGallery(call));
  status.append(
    el(
      "p",
      { class: "row" },
      `It has embeddings of ${known} of the ${gallery.length} emoji: all of them take it longer.`,
      button("Embed the others", embed),
    ),
  );
  return status;
}

function recipe({ recipeToml }: EncoderInfo): HTMLElement {
  const summary = el("summary", {}, "Its recipe");
  return el("details", {}, summary, el("pre", { tabindex: 0 }, recipeToml));
}

/** The folder of a run on this server has a report beside the checkpoint. */
function reportUrl({ checkpoint }: AppState): string | undefined {
  const address = checkpoint.match(/^(.*\/)[^/]+\.safetensors$/)?.[1];
  return address && new URL("report.html", new URL(address, document.baseURI)).href;
}

/** Buttons that save everything, and one that opens saved work. */
function exportButtons(app: AppState): HTMLElement {
  const status = el("div", {});
  const known = () => app.all.filter((picture) => app.network.hasEmbedding(picture));
  const rows = (): void => {
    const { data, count, dim } = app.network.embeddings(known());
    download("embeddings.npy", npy(data, [count, dim]));
  };
  const table = (): void => {
    const seen = app.network.embeddings(known());
    const head = ["id", "name", "class", ...Array.from({ length: seen.dim }, (_, i) => `x${i}`)];
    const lines = known().map(({ id, name, label }, i) => [
      id,
      name,
      label ?? "",
      ...[...seen.row(i)].map((x) => x.toFixed(5)),
    ]);
    download("embeddings.csv", csv([head, ...lines]));
  };
  const probe = (): void => {
    if (app.probe) download("probe.safetensors", app.probe.save());
    else
      status.replaceChildren(
        el("p", { class: "aside" }, "There is no probe yet: train one in the panel Probe."),
      );
  };
  const saveProject = (): void =>
    void withProgress(status, "Saving your work", async () =>
      download("kith-project.safetensors", await projectFile(app)),
    );
  const openProject = (): void =>
    chooseFile(".safetensors", (file) => {
      void withProgress(status, "Opening your work", async (call) => {
        await openProjectFile(app, file);
        await app.embedUserPictures(call);
      });
    });
  return el(
    "div",
    {},
    el(
      "p",
      { class: "row" },
      button("Embeddings as .npy", rows),
      button("Embeddings as .csv", table),
      button("The probe", probe),
    ),
    el(
      "p",
      { class: "row" },
      button("All of your work, with your pictures", saveProject),
      button("Open saved work", openProject),
    ),
    status,
  );
}

/** Checkpoints in this browser's cache. */
async function drawCachedCheckpoints(cachedCheckpoints: HTMLElement): Promise<void> {
  const list = await checkpointCache.list();
  if (list.length === 0) return cachedCheckpoints.replaceChildren();
  const lines = list.map(({ url, bytes, savedAt }) => {
    const remove = (): void =>
      void checkpointCache.delete(url).then(() => drawCachedCheckpoints(cachedCheckpoints));
    const text = `${new URL(url).pathname.split("/").at(-1)}, ${megabytes(bytes)}, ${savedAt.toLocaleDateString()}`;
    return el(
      "li",
      { class: "row" },
      text,
      button("Delete", remove, { class: "quiet", "aria-label": `Delete ${text}` }),
    );
  });
  cachedCheckpoints.replaceChildren(
    el("h2", {}, "Cached in this browser"),
    el("ul", { class: "plain" }, ...lines),
  );
}
