/** A project in one file: pictures, index, probe and settings of the caller's own. */
import { bytesFrom } from "./bytes.js";
import { KnnIndex } from "./knn.js";
import { LinearProbe } from "./probe.js";
import { File, opened, type Stored } from "./safetensors.js";
import type { ByteSource } from "./types.js";

export interface Project {
  readonly index?: KnnIndex;
  readonly probe?: LinearProbe;
  /** Files of pictures by their ids. */
  readonly pictures?: Readonly<Record<string, Blob>>;
  /** Anything that JSON can hold. */
  readonly settings?: unknown;
}

interface Settings {
  readonly index: unknown;
  readonly probe: unknown;
  readonly own: unknown;
  /** Media types of the pictures by id. */
  readonly pictures: Readonly<Record<string, string>>;
}

const INDEX = "index/";
const PROBE = "probe/";
const PICTURE = "picture/";

/** Everything in one file. */
export async function saveProject(project: Project): Promise<Blob> {
  const index = project.index?.toFile();
  const probe = project.probe?.toFile();
  const arrays: Record<string, Stored> = {
    ...below(INDEX, index?.arrays),
    ...below(PROBE, probe?.arrays),
  };
  const pictures = Object.entries(project.pictures ?? {});
  for (const [id, picture] of pictures) {
    const values = new Uint8Array(await picture.arrayBuffer());
    arrays[PICTURE + id] = { shape: [values.length], values };
  }
  const settings: Settings = {
    index: index?.settings ?? null,
    probe: probe?.settings ?? null,
    own: project.settings ?? null,
    pictures: Object.fromEntries(pictures.map(([id, { type }]) => [id, type])),
  };
  return new Blob([new File("project", settings, arrays).toBytes()]);
}

/** Opens what `saveProject` saved. Errors: `FILE_FORMAT`. */
export async function loadProject(source: ByteSource): Promise<Project> {
  const file = File.fromBytes(await bytesFrom(source, { cache: "none" }), "project");
  return opened("project", () => {
    const { index, probe, own, pictures } = file.settings as Settings;
    const part = (kind: "index" | "probe", settings: unknown, prefix: string): File =>
      new File(kind, settings, above(prefix, file.arrays));
    const stored = above(PICTURE, file.arrays);
    const blobs = Object.entries(pictures).map(([id, type]) => {
      const bytes = (stored[id]?.values as Uint8Array<ArrayBuffer> | undefined) ?? new Uint8Array();
      return [id, new Blob([bytes], { type })];
    });
    return {
      ...(index ? { index: KnnIndex.fromFile(part("index", index, INDEX)) } : {}),
      ...(probe ? { probe: LinearProbe.fromFile(part("probe", probe, PROBE)) } : {}),
      pictures: Object.fromEntries(blobs) as Record<string, Blob>,
      settings: own,
    };
  });
}

function below(prefix: string, arrays: Readonly<Record<string, Stored>> = {}) {
  return Object.fromEntries(Object.entries(arrays).map(([name, own]) => [prefix + name, own]));
}

function above(prefix: string, arrays: Readonly<Record<string, Stored>>) {
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, stored]) => [name.slice(prefix.length), stored]));
}
