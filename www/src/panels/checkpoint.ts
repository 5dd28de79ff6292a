/** Checkpoint: the open network, what is known about it, and what can be exported. */
import { checkpointCache, type EncoderInfo } from "kith-web";
import { remember } from "../address.js";
import { checkpointUrl, type AppState } from "../app-state.js";
import { button, el, megabytes, percent } from "../element.js";
import { methodName } from "../methods.js";
import { loadOffer } from "../load-offer.js";
import { chooseFile, csv, npy, download } from "../files.js";
import type { EncoderSummary, Network } from "../network.js";
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
    choices(app),
    card,
    loadOffer(app, "Load the network to see its recipe.", closed),
    el("section", {}, el("h2", {}, "Export"), exportButtons(app), snippets()),
    cachedCheckpoints,
  );
  draw();
}

/** Opens a checkpoint from the list, a file, or an address on this site. */
function choices(app: AppState): HTMLElement {
  const status = el("div", {});
  const open = (name: string, source: string | URL | File): void =>
    void withProgress(status, `Opening ${name}`, async (call) => {
      await app.openCheckpoint(name, source, call);
      const shared = source instanceof File ? undefined : name === "trained" ? undefined : name;
      remember({ checkpoint: shared });
    });
  const supportList = [app.trained, app.random].map((network) => {
    const name = network === app.trained ? "trained" : "random";
    return button(`${network.title} (${megabytes(network.metadata!.bytes)})`, () =>
      open(name, checkpointUrl(network)),
    );
  });
  const file = button("From a file", () =>
    chooseFile(".safetensors", (file) => open(file.name, file)),
  );
  const address = el("input", {
    type: "url",
    placeholder: "./run/checkpoint.safetensors",
    "aria-label": "Address of a checkpoint",
  });
  const go = (): void => {
    if (address.value.trim()) openAddress(address.value.trim(), { open, status });
  };
  address.addEventListener("keydown", ({ key }) => key === "Enter" && go());
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      "A checkpoint is one file that this page, the native program, numpy and PyTorch can read.",
    ),
    el("p", { class: "row" }, ...supportList, file),
    el("div", { class: "row address" }, address, button("Open the address", go)),
    status,
  );
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
  const lines = Object.entries({ ...(info && infoLines(info)), ...metadataLines(network) });
  const terms = lines.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value)),
  );
  card.replaceChildren(
    el("h2", {}, network.title),
    el("dl", {}, ...terms),
    ...(metadata?.note ? [el("p", { class: "aside" }, metadata.note)] : []),
    ...(encoder ? [recipe(encoder.info)] : []),
  );
  const report = metadata?.report ? `./networks/${metadata.report}` : reportUrl(app);
  if (report) card.append(el("p", {}, el("a", { href: report }, "The report of its run")));
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

function metadataLines({ metadata }: Network): Record<string, string> {
  if (!metadata) return {};
  return {
    Size: `${megabytes(metadata.bytes)}, ${metadata.info.dtype === "f16" ? "16" : "32"}-bit floats`,
    Retrieval: `for ${percent(metadata.retrieval)} of the emoji not in training, the other vendor's drawing is nearest`,
    Licence: "MIT or Apache 2.0; trained on Noto Emoji (Apache 2.0) and Twemoji (CC BY 4.0)",
  };
}

/** The architecture as papers describe it. */
function architectureName({ arch, encoder }: EncoderSummary): string {
  const settings: Readonly<Record<string, unknown>> = encoder ?? {};
  const { depth, stem, width, width_multiplier: multiplier } = settings;
  if (arch === "resnet" && depth !== undefined) {
    const begins = stem === "imagenet" ? ", large stem" : "";
    return `ResNet-${String(depth)} of width ${String(width)}${begins}`;
  }
  if (arch === "mobilenet" && multiplier !== undefined) return `MobileNet × ${String(multiplier)}`;
  if (arch === "vit" && settings["patch"] !== undefined) {
    return `${transformerName(settings["size"])}, patches of ${String(settings["patch"])} pixels`;
  }
  const known: Readonly<Record<string, string>> = {
    conv4: "four convolutions",
    conv4_pool: "four convolutions with pooling",
    resnet: "ResNet",
    mobilenet: "MobileNet",
    vit: "vision transformer",
  };
  return known[arch] ?? arch;
}

/** The size of a vision transformer: a name, or numbers. */
function transformerName(size: unknown): string {
  if (size === "tiny") return "ViT-Ti";
  if (size === "small") return "ViT-S";
  if (typeof size !== "object" || size === null) return "ViT";
  const { dim, depth, heads } = size as Readonly<Record<string, unknown>>;
  return `ViT of ${String(depth)} blocks, ${String(dim)} numbers a token, ${String(heads)} heads`;
}

function infoLines(info: EncoderSummary): Record<string, string> {
  const { dataset, metrics } = info;
  const best = metrics.best as Partial<Record<string, { accuracy?: number } | null>>;
  const shares = ["test", "validation"].flatMap((split) => {
    const share = best[split]?.accuracy;
    return share === undefined ? [] : [`${percent(share)} of ${split} pictures`];
  });
  const count = (count: number): string => count.toLocaleString("en");
  return {
    Method: `${methodName(info.method)}, ${info.stage}`,
    Network: `${architectureName(info)}, ${count(info.parameters)} parameters, embeddings of ${info.dim} numbers`,
    Recipe: `${info.recipe}, seed ${info.seed}, ${count(info.steps)} steps`,
    Pictures: `${dataset.name}: ${count(dataset.unlabelled)} unlabelled, ${count(dataset.labelled)} labelled, ${count(dataset.test)} for testing; ${info.imageSize} pixels wide`,
    ...(info.supportSet > 0 && { "Support set": `${count(info.supportSet)} rows` }),
    ...(shares.length > 0 && { "Online probe, best epoch": shares.join(", ") }),
    "Written by": `kith ${info.software}`,
    Fingerprint: info.fingerprint,
  };
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
