/** A project in one file: pictures, index, probe and settings of the caller's own. */
import { savedBytes } from "./bytes.js";
import { KithError } from "./errors.js";
import { KnnIndex } from "./knn.js";
import { LinearProbe } from "./probe.js";
import { File, MOST, opened, written, type Stored } from "./safetensors.js";
import { instance, optionsOf, text, wrong } from "./checks.js";
import { describe } from "./describe.js";
import type { ByteSource } from "./types.js";

/** What one file holds of a page's work; each part may be absent. */
export interface Project {
  /** An index with its ids and labels. */
  readonly index?: KnnIndex;
  /** A probe with its report. */
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

/**
 * Everything in one file. Errors: `SETTING` for what is no index, probe or picture; `FILE_FORMAT` for
 * a picture that cannot be read and for more than `loadProject` could open.
 */
export async function saveProject(project: Project): Promise<Blob> {
  const given = optionsOf(project);
  if (given.index !== undefined) instance("index", given.index, [KnnIndex, "a KnnIndex"]);
  if (given.probe !== undefined) instance("probe", given.probe, [LinearProbe, "a LinearProbe"]);
  const [index, probe] = [given.index?.toFile(), given.probe?.toFile()];
  const arrays: Record<string, Stored> = {
    ...below(INDEX, index?.arrays),
    ...below(PROBE, probe?.arrays),
  };
  const pictures = Object.entries(optionsOf(given.pictures));
  checkSize(pictures.reduce((sum, [, picture]) => sum + (picture?.size ?? 0), 0));
  for (const [id, picture] of pictures) {
    const values = await bytesOf(id, picture);
    arrays[PICTURE + text("the id of a picture", id)] = { shape: [values.length], values };
  }
  const settings: Settings = {
    index: index?.settings ?? null,
    probe: probe?.settings ?? null,
    own: given.settings ?? null,
    pictures: Object.fromEntries(pictures.map(([id, { type }]) => [id, type])),
  };
  const file = new File("project", settings, arrays);
  return written("project", () => new Blob([file.toBytes()]));
}

/** Before they are read: so much has no room in memory. */
function checkSize(bytes: number): void {
  if (bytes < MOST) return;
  const message = `expected pictures of less than ${MOST} bytes together, got ${bytes}`;
  throw new KithError("FILE_FORMAT", message, { hint: "Save fewer pictures in one file." });
}

async function bytesOf(id: string, picture: Blob): Promise<Uint8Array> {
  if (!(picture instanceof Blob)) throw wrong(`picture ${id}`, picture, "a File or Blob");
  try {
    return new Uint8Array(await picture.arrayBuffer());
  } catch (cause) {
    const hint = "The file changed or is gone since it was chosen: choose it again.";
    const message = `picture ${id} cannot be read: ${describe(cause)}`;
    throw new KithError("FILE_FORMAT", message, { cause, hint });
  }
}

/** Opens what `saveProject` saved. Errors: `FILE_FORMAT`; `CHECKPOINT_HTTP` where it cannot be read. */
export async function loadProject(source: ByteSource): Promise<Project> {
  const file = File.fromBytes(await savedBytes(source), "project");
  return opened("project", () => {
    const { index, probe, own, pictures } = file.settings as Settings;
    const part = (kind: "index" | "probe", settings: unknown, prefix: string): File =>
      new File(kind, settings, above(prefix, file.arrays));
    const stored = above(PICTURE, file.arrays);
    const blobs = Object.entries(pictures).map(([id, type]) => {
      const bytes = stored[id]?.values;
      if (!(bytes instanceof Uint8Array)) throw wrong(`picture ${id}`, bytes, "its bytes");
      return [id, new Blob([bytes as Uint8Array<ArrayBuffer>], { type: text("type", type) })];
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
