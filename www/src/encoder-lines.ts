/** What a card says about an encoder: its architecture, its source and licence, what was taken of a file. */
import type { ImportReport } from "kith-web";
import { megabytes, percent } from "./element.js";
import { methodName } from "./methods.js";
import type { EncoderSummary, Network } from "./network.js";

/** Lines by their names. */
type Lines = Readonly<Record<string, string>>;

const count = (count: number): string => count.toLocaleString("en");

/** Lines about an encoder that was trained here, by kith. */
export function encoderLines(info: EncoderSummary): Lines {
  const own = info.stage === "imported" ? importedLines(info) : trainedLines(info);
  const network = `${architectureName(info)}, ${count(info.parameters)} parameters, embeddings of ${info.dim} numbers`;
  return { Network: network, ...own, ...originLines(info), Fingerprint: info.fingerprint };
}

/** What came with the page besides the encoder. */
export function metadataLines({ metadata }: Network): Lines {
  if (!metadata) return {};
  const { info, bytes, retrieval, agreement } = metadata;
  const licence = "MIT or Apache 2.0; trained on Noto Emoji (Apache 2.0) and Twemoji (CC BY 4.0)";
  const which = info.origin ? "the emoji kept aside for tests" : "the emoji not in training";
  return {
    Size: `${megabytes(bytes)}, ${info.dtype === "f16" ? "16" : "32"}-bit floats`,
    Retrieval: `for ${percent(retrieval)} of ${which}, the other vendor's drawing is nearest`,
    "Before it is loaded": `embeddings of 4 bits a number; for ${percent(agreement)} of pictures they give the same nearest neighbour as exact ones`,
    ...(!info.origin && { Licence: licence }),
  };
}

function trainedLines(info: EncoderSummary): Lines {
  const { dataset, metrics } = info;
  const best = metrics.best as Partial<Record<string, { accuracy?: number } | null>>;
  const shares = ["test", "validation"].flatMap((split) => {
    const share = best[split]?.accuracy;
    return share === undefined ? [] : [`${percent(share)} of ${split} pictures`];
  });
  return {
    Method: `${methodName(info.method)}, ${info.stage}`,
    Recipe: `${info.recipe}, seed ${info.seed}, ${count(info.steps)} steps`,
    Pictures: `${dataset.name}: ${count(dataset.unlabelled)} unlabelled, ${count(dataset.labelled)} labelled, ${count(dataset.test)} for testing; ${info.imageSize} pixels wide`,
    ...(info.supportSet > 0 && { "Support set": `${count(info.supportSet)} rows` }),
    ...(shares.length > 0 && { "Online probe, best epoch": shares.join(", ") }),
    "Written by": `kith ${info.software}`,
  };
}

function importedLines({ imageSize, preprocessing, classNames, imported }: EncoderSummary): Lines {
  const cut = preprocessing
    ? `the shorter side becomes ${preprocessing.resize} pixels (${preprocessing.filter}), then the middle is cut out`
    : "the largest square in the middle, resized";
  return {
    Pictures: `${imageSize} pixels wide: ${cut}`,
    ...(classNames.length > 0 && { Classifier: `${count(classNames.length)} classes` }),
    ...(imported && takenLines(imported)),
  };
}

/** What was taken of the file, and what was left. */
function takenLines({ taken, left, prefix, otherPrefixes, assumed }: ImportReport): Lines {
  const below = prefix && ` below “${prefix}”`;
  const others = otherPrefixes.length > 0 && {
    "Other encoders in the file": otherPrefixes.map((other) => `“${other}”`).join(", "),
  };
  return {
    Taken: `${count(taken)} tensors${below}; ${count(left)} were left`,
    ...others,
    ...(assumed.length > 0 && { Assumed: assumed.join("; ") }),
  };
}

function originLines({ origin }: EncoderSummary): Lines {
  if (!origin) return {};
  const { network, source, licence } = origin;
  return {
    Origin: `${network}, ${source}`,
    Licence: licence ?? "not stated: ask the authors of the weights",
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
  if (arch === "efficientnet_lite") {
    return typeof settings["size"] === "string"
      ? `EfficientNet-${settings["size"].replace("lite", "Lite")}`
      : "EfficientNet-Lite of other numbers";
  }
  if (arch === "vit" && settings["patch"] !== undefined) {
    return `${transformerName(settings["size"])}, patches of ${String(settings["patch"])} pixels`;
  }
  const known: Readonly<Record<string, string>> = {
    conv4: "four convolutions",
    conv4_pool: "four convolutions with pooling",
    resnet: "ResNet",
    mobilenet: "MobileNet",
    mobilenet_v3: "MobileNetV3-small",
    vit: "vision transformer",
  };
  return known[arch] ?? arch;
}

/** The size of a vision transformer: a name, or numbers. */
function transformerName(size: unknown): string {
  const named: Readonly<Record<string, string>> = { tiny: "ViT-Ti", small: "ViT-S", base: "ViT-B" };
  if (typeof size === "string") return named[size] ?? `ViT ${size}`;
  if (typeof size !== "object" || size === null) return "ViT";
  const { dim, depth, heads } = size as Readonly<Record<string, unknown>>;
  return `ViT of ${String(depth)} blocks, ${String(dim)} numbers a token, ${String(heads)} heads`;
}
