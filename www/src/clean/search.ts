/** Looks through pictures with the open network. */
import { cleanUp, type CallOptions, type CleanUp, type ImageInput } from "kith-web";
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";

/** Pairs of classes that are named. */
const BLENDS = 3;

/** What was found, by kind; each finding has a picture, a reason, and often one to compare it with. */
export interface Finding {
  readonly kind: Kind;
  readonly picture: Picture;
  readonly beside: Picture | undefined;
  readonly reason: string;
  /** A label that may fit better. */
  readonly suggested?: string;
}

export type Kind = "near-duplicate" | "doubtful label" | "outlier" | "unsure label";

export interface Found {
  readonly findings: readonly Finding[];
  /** What a reader should know, a sentence each. */
  readonly notes: readonly string[];
}

export async function search(
  app: AppState,
  pictures: readonly Picture[],
  call: Required<CallOptions>,
): Promise<Found> {
  if (!app.encoder) await app.load(call);
  const images: ImageInput[] = [];
  for (const picture of pictures) images.push(await pixelsOf(picture));
  const labels = pictures.map(({ label }) => label);
  const found = await cleanUp(app.encoder!, images, { ...call, labels });
  return { findings: findingsOf(found, pictures), notes: notesOf(found, pictures) };
}

/** All findings: near-duplicates, doubtful labels, outliers, labels of pictures between classes. */
function findingsOf(found: CleanUp, pictures: readonly Picture[]): Finding[] {
  const copies = found.nearDuplicates.groups.flatMap(({ kept, others }) =>
    others.map(({ picture, cosine }): Finding => {
      const [own, other] = [pictures[picture]!, pictures[kept]!];
      const differ = own.label !== null && other.label !== null && own.label !== other.label;
      const labels = differ ? `; it is labelled ${own.label} here and ${other.label} there` : "";
      const reason = `looks like ${other.name}, which is kept (cosine ${cosine.toFixed(4)})${labels}`;
      return { kind: "near-duplicate", picture: own, beside: other, reason };
    }),
  );
  const doubts = (found.labels?.doubts ?? []).map((doubt): Finding => {
    const { label, suggested, probability, likely, strong, beside } = doubt;
    return {
      kind: strong ? "doubtful label" : "unsure label",
      picture: pictures[doubt.picture]!,
      beside: beside === null ? undefined : pictures[beside],
      reason: `labelled ${label}, looks like ${suggested} (probabilities ${share(probability)} and ${share(likely)})`,
      suggested,
    };
  });
  const outliers = found.outliers.map(({ picture, times }): Finding => {
    const own = pictures[picture]!;
    const others = own.label === null ? "the pictures" : `pictures of ${own.label}`;
    const reason = `lies ${times.toFixed(1)} times as far from its nearest pictures as ${others} usually do`;
    return { kind: "outlier", picture: own, beside: undefined, reason };
  });
  const is = (kind: Kind) => (finding: Finding) => finding.kind === kind;
  return [
    ...copies,
    ...doubts.filter(is("doubtful label")),
    ...outliers,
    ...doubts.filter(is("unsure label")),
  ];
}

const share = (value: number): string => `${Math.round(100 * value)}\u00a0%`;

function notesOf({ labels, nearDuplicates }: CleanUp, pictures: readonly Picture[]): string[] {
  const notes: string[] = [];
  const labelled = pictures.filter(({ label }) => label !== null).length;
  if (labels === null && labelled > 0)
    notes.push(
      "Labels are not judged: that takes two classes of at least 5 different pictures each.",
    );
  if (labels && labels.small.length > 0)
    notes.push(
      `Labels of these classes are not judged, which have fewer than 5 different pictures: ${labels.small.join(", ")}.`,
    );
  const blends = labels?.blends ?? [];
  const named = blends
    .slice(0, BLENDS)
    .map(({ labels: [one, other], share: of }) => `${one} and ${other} (${share(of)} of both)`);
  const more = blends.length > BLENDS ? `; ${blends.length - BLENDS} other pairs less` : "";
  if (named.length > 0) notes.push(`Classes that blend: ${named.join(", ")}${more}.`);
  if (nearDuplicates.threshold === null)
    notes.push("Only pictures that the network cannot tell apart count as near-duplicates here.");
  return notes;
}
