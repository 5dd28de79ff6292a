/** A folder of this machine, which `kith label` serves beside the page. */
import { KithError, type CallOptions } from "kith-web";
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";
import { setMark, type Mark } from "./mark.js";
import { asked, notAnswered, ServerError } from "./server-error.js";
import type { LabelSource } from "./sources.js";

interface Folder {
  readonly name: string;
  /** The file that the labels are written to. */
  readonly labels: string;
  readonly classes: readonly string[];
  readonly images: readonly ({ readonly file: string } & Mark)[];
}

export interface FolderSource extends LabelSource {
  /** The file that the labels are written to. */
  readonly labelsFile: string;
  /** Images that this browser could not read, and that were left out. */
  readonly unreadable: readonly string[];
}

/** Images that are looked at when one of them cannot be read: not fewer than are embedded at a time. */
const LOOKED_AT = 64;

const at = (path: string): URL => new URL(`./label/${path}`, document.baseURI);

/** Opens the folder: its images and what was said of them, and the network that the server names. */
export async function openFolder(app: AppState, call: CallOptions): Promise<FolderSource> {
  const folder = await description(call);
  const pictures = folder.images.map((image, number) => pictureOf(image, number));
  const numbers = new Map(pictures.map(({ id }, number) => [id, number]));
  const unreadable: string[] = [];
  await useNetworkOfServer(app, call);
  return {
    kind: "folder",
    name: `folder ${folder.name}`,
    labelsFile: folder.labels,
    pictures,
    classes: folder.classes,
    unreadable,
    mark: async (picture, mark) => {
      await put(numbers.get(picture.id)!, mark);
      setMark(picture, mark);
    },
    embed: async (options) => {
      if (pictures.every((picture) => app.network.hasEmbedding(picture))) return;
      if (!app.encoder) await app.load(options);
      await embedReadable(app, pictures, unreadable, options);
    },
  };
}

/** Embeds pictures; those that this browser cannot read are taken from them and named. */
async function embedReadable(
  app: AppState,
  pictures: Picture[],
  unreadable: string[],
  options: CallOptions,
): Promise<void> {
  try {
    await app.network.embed(pictures, options);
  } catch (error) {
    if (!(error instanceof KithError && error.code === "IMAGE_DECODE")) throw error;
    const missing = pictures.filter((picture) => !app.network.hasEmbedding(picture));
    const found = await unreadableOf(missing.slice(0, LOOKED_AT));
    if (found.length === 0) throw error;
    for (const picture of found) pictures.splice(pictures.indexOf(picture), 1);
    unreadable.push(...found.map(({ name }) => name));
    await embedReadable(app, pictures, unreadable, options);
  }
}

async function unreadableOf(pictures: readonly Picture[]): Promise<Picture[]> {
  const found: Picture[] = [];
  for (const picture of pictures) {
    const response = await fetch(picture.address!, { cache: "no-store" }).catch(notAnswered);
    const readable =
      response.ok &&
      (await createImageBitmap(await response.blob()).then(
        (bitmap) => (bitmap.close(), true),
        () => false,
      ));
    if (!readable) found.push(picture);
  }
  return found;
}

async function description({ signal }: CallOptions): Promise<Folder> {
  const response = await asked(at("folder.json"), signal ? { signal } : {}).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      return notServed(error);
    },
  );
  return (await response.json().catch(notServed)) as Folder;
}

/** A server of files answers that there is no such file, or with a page of its own. */
function notServed(cause: unknown): never {
  if (cause instanceof ServerError && cause.status !== 404) throw cause;
  const hint =
    "Run `kith label FOLDER` in a terminal and open the address that it prints, or choose other pictures above.";
  const message = "This page was not opened by `kith label`.";
  throw new ServerError({ code: "NO_FOLDER", message, hint, cause });
}

function pictureOf({ file, label, unknown, aside }: Folder["images"][number], number: number) {
  const picture: Picture = {
    id: `f${file}`,
    name: file,
    label,
    unknown,
    aside,
    by: "",
    address: at(`images/${number}`).href,
  };
  return picture;
}

async function put(number: number, { label, unknown, aside }: Mark): Promise<void> {
  await asked(at(`images/${number}`), {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ label, unknown, aside }),
  });
}

/** The name under which the server's network is opened. */
const NETWORK = "./label/checkpoint.safetensors";

/** Opens the network that the server names, if it names one; else the open network stays. */
async function useNetworkOfServer(app: AppState, call: CallOptions): Promise<void> {
  if (app.checkpoint === NETWORK) return;
  const url = at("checkpoint.safetensors");
  const response = await asked(url, call.signal ? { signal: call.signal } : {}).catch(
    (error: unknown) => {
      if (error instanceof ServerError && error.status === 404) return undefined;
      throw error;
    },
  );
  if (!response) return;
  const bytes = new Uint8Array(await response.arrayBuffer());
  await app.openEncoder(NETWORK, bytes, { ...call, patienceMs: 0 });
}
