/** Checkpoint: which network is looked through, what is known of it, and what can be taken along. */
import { checkpointCache, type EncoderInfo } from "kith-web";
import { remember } from "../address.js";
import { addressOf, type Desk } from "../desk.js";
import { button, el, megabytes, percent } from "../element.js";
import { nameOfObjective } from "../learn/objectives.js";
import { loading } from "../loading.js";
import { asked, csv, npy, save } from "../saving.js";
import type { BriefInfo, Sight } from "../sight.js";
import { snippets } from "../snippet.js";
import { shownWork } from "../work.js";
import { openWorkspace, workspaceOf } from "../workspace.js";

export function checkpoint(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  const card = el("section", { class: "card", "aria-label": "Card" });
  const shelf = el("section", {});
  const draw = (): void => {
    drawCard(card, desk);
    void drawShelf(shelf);
  };
  desk.on("sight", draw, left);
  root.replaceChildren(
    choices(desk),
    card,
    loading(desk, "The network itself knows more about itself.", left),
    el("section", {}, el("h2", {}, "Take it along"), exports(desk), snippets()),
    shelf,
  );
  draw();
}

/** From the list, a file, or an address on this site. */
function choices(desk: Desk): HTMLElement {
  const work = el("div", {});
  const open = (name: string, source: string | URL | File): void =>
    void shownWork(work, `Opening ${name}`, async (call) => {
      await desk.openCheckpoint(name, source, call);
      const shared = source instanceof File ? undefined : name === "trained" ? undefined : name;
      remember({ checkpoint: shared });
    });
  const listed = [desk.trained, desk.random].map((sight) => {
    const name = sight === desk.trained ? "trained" : "random";
    return button(`${sight.title} (${megabytes(sight.facts!.bytes)})`, () =>
      open(name, addressOf(sight)),
    );
  });
  const file = button("From a file", () => asked(".safetensors", (own) => open(own.name, own)));
  const address = el("input", {
    type: "url",
    placeholder: "./run/checkpoint.safetensors",
    "aria-label": "Address of a checkpoint",
  });
  const go = (): void => {
    if (address.value.trim()) openAddress(address.value.trim(), { open, work });
  };
  address.addEventListener("keydown", ({ key }) => key === "Enter" && go());
  return el(
    "div",
    {},
    el(
      "p",
      { class: "lead" },
      "A checkpoint is one file that this page, the native program, numpy and PyTorch read.",
    ),
    el("p", { class: "row" }, ...listed, file),
    el("div", { class: "row address" }, address, button("Open the address", go)),
    work,
  );
}

interface Opening {
  readonly open: (name: string, source: URL) => void;
  readonly work: HTMLElement;
}

/** The page's policy lets it speak to its own server alone; of others one brings the file. */
function openAddress(words: string, { open, work }: Opening): void {
  const url = URL.parse(words, document.baseURI);
  if (url?.origin === location.origin) return open(words, url);
  const notice = url
    ? el(
        "p",
        {},
        "This page speaks to no other server. Download ",
        el("a", { href: url.href, target: "_blank", rel: "noreferrer" }, "the file"),
        " and open it from there.",
      )
    : el("p", {}, `“${words}” is no address.`);
  work.replaceChildren(el("div", { class: "trouble" }, notice));
}

function drawCard(card: HTMLElement, desk: Desk): void {
  const { sight, encoder } = desk;
  const facts = sight.facts;
  const info = encoder?.info ?? facts?.info;
  const lines = Object.entries({ ...(info && linesOf(info)), ...factsOf(sight) });
  const terms = lines.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value)),
  );
  card.replaceChildren(
    el("h2", {}, sight.title),
    el("dl", {}, ...terms),
    ...(facts?.note ? [el("p", { class: "aside" }, facts.note)] : []),
    ...(encoder ? [recipe(encoder.info)] : []),
  );
  const report = facts?.report ? `./sights/${facts.report}` : reportOf(desk);
  if (report) card.append(el("p", {}, el("a", { href: report }, "The report of its run")));
}

function recipe({ recipeToml }: EncoderInfo): HTMLElement {
  const summary = el("summary", {}, "Its recipe, every setting");
  return el("details", {}, summary, el("pre", { tabindex: 0 }, recipeToml));
}

/** A run's folder on this server holds its report beside its checkpoint. */
function reportOf({ checkpoint }: Desk): string | undefined {
  const address = checkpoint.match(/^(.*\/)[^/]+\.safetensors$/)?.[1];
  return address && new URL("report.html", new URL(address, document.baseURI)).href;
}

function factsOf({ facts }: Sight): Record<string, string> {
  if (!facts) return {};
  return {
    Size: `${megabytes(facts.bytes)}, numbers of ${facts.info.dtype === "f16" ? "two bytes" : "four bytes"}`,
    "Finds the other vendor's drawing first": `for ${percent(facts.retrieval)} of emoji that it never saw`,
    Licence: "MIT or Apache 2.0; learnt from Noto Emoji (Apache 2.0) and Twemoji (CC BY 4.0)",
  };
}

/** The network in its papers' words. */
function networkOf({ arch, encoder }: BriefInfo): string {
  const settings: Readonly<Record<string, unknown>> = encoder ?? {};
  const { depth, stem, width, width_multiplier: multiplier } = settings;
  if (arch === "resnet" && depth !== undefined) {
    const begins = stem === "imagenet" ? ", large stem" : "";
    return `ResNet-${String(depth)} of width ${String(width)}${begins}`;
  }
  if (arch === "mobilenet" && multiplier !== undefined) return `MobileNet × ${String(multiplier)}`;
  const known: Readonly<Record<string, string>> = {
    conv4: "four convolutions",
    conv4_pool: "four convolutions with pooling",
    resnet: "ResNet",
    mobilenet: "MobileNet",
  };
  return known[arch] ?? arch;
}

function linesOf(info: BriefInfo): Record<string, string> {
  const { dataset, metrics } = info;
  const best = metrics.best as Partial<Record<string, { accuracy?: number } | null>>;
  const shares = ["test", "validation"].flatMap((split) => {
    const share = best[split]?.accuracy;
    return share === undefined ? [] : [`${percent(share)} of ${split} pictures`];
  });
  const many = (count: number): string => count.toLocaleString("en");
  return {
    Method: `${nameOfObjective(info.method)}, ${info.stage}`,
    Network: `${networkOf(info)}, ${many(info.parameters)} parameters, ${info.dim} numbers a picture`,
    Recipe: `${info.recipe}, seed ${info.seed}, ${many(info.steps)} steps`,
    Pictures: `${dataset.name}: ${many(dataset.unlabelled)} without labels, ${many(dataset.labelled)} with, ${many(dataset.test)} to test; ${info.imageSize} pixels wide`,
    ...(info.supportSet > 0 && { "Support set": `${many(info.supportSet)} rows` }),
    ...(shares.length > 0 && { "Probe on the side, best epoch": shares.join(", ") }),
    "Written by": `kith ${info.software}`,
    Fingerprint: info.fingerprint,
  };
}

/** Everything that can be saved, and the way back in. */
function exports(desk: Desk): HTMLElement {
  const work = el("div", {});
  const known = () => desk.all.filter((picture) => desk.sight.knows(picture));
  const rows = (): void => {
    const { data, count, dim } = desk.sight.rows(known());
    save("embeddings.npy", npy(data, [count, dim]));
  };
  const table = (): void => {
    const seen = desk.sight.rows(known());
    const head = ["id", "name", "class", ...Array.from({ length: seen.dim }, (_, i) => `x${i}`)];
    const lines = known().map(({ id, name, label }, i) => [
      id,
      name,
      label ?? "",
      ...[...seen.row(i)].map((x) => x.toFixed(5)),
    ]);
    save("embeddings.csv", csv([head, ...lines]));
  };
  const probe = (): void => {
    if (desk.probe) save("probe.safetensors", desk.probe.save());
    else
      work.replaceChildren(
        el("p", { class: "aside" }, "There is no probe yet: the panel Probe trains one."),
      );
  };
  const own = (): void =>
    void shownWork(work, "Writing your work", async () =>
      save("kith-project.safetensors", await workspaceOf(desk)),
    );
  const back = (): void =>
    asked(".safetensors", (file) => {
      void shownWork(work, "Opening your work", async (call) => {
        await openWorkspace(desk, file);
        await desk.look(call);
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
      button("All of your work, with your pictures", own),
      button("Open saved work", back),
    ),
    work,
  );
}

/** Checkpoints that earlier visits left in this browser. */
async function drawShelf(shelf: HTMLElement): Promise<void> {
  const list = await checkpointCache.list();
  if (list.length === 0) return shelf.replaceChildren();
  const lines = list.map(({ url, bytes, savedAt }) => {
    const forget = (): void => void checkpointCache.delete(url).then(() => drawShelf(shelf));
    const words = `${new URL(url).pathname.split("/").at(-1)}, ${megabytes(bytes)}, ${savedAt.toLocaleDateString()}`;
    return el(
      "li",
      { class: "row" },
      words,
      button("Forget it", forget, { class: "quiet", "aria-label": `Forget ${words}` }),
    );
  });
  shelf.replaceChildren(
    el("h2", {}, "Kept in this browser"),
    el("ul", { class: "plain" }, ...lines),
  );
}
