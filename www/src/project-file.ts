/** Saves and opens the user's work as one file: pictures, classes, embeddings and probe. */
import { loadProject, saveProject, type ByteSource } from "kith-web";
import type { AppState } from "./app-state.js";
import { markOf, setMark, type Mark } from "./label/mark.js";
import type { Picture } from "./picture.js";
import { restoredPicture } from "./user-pictures.js";

interface ProjectSettings {
  readonly checkpoint: string;
  readonly pictures: Readonly<Record<string, { name: string } & Mark>>;
}

/** What a file says, which may be anything. */
type Read = { readonly pictures?: Readonly<Record<string, { readonly [what: string]: unknown }>> };

/** Writes the file. */
export async function projectFile(app: AppState): Promise<Blob> {
  const { userPictures, network, probe, checkpoint } = app;
  const pictures = Object.fromEntries(userPictures.map(({ id, file }) => [id, file!.blob]));
  const names = userPictures.map(
    (picture) => [picture.id, { name: picture.name, ...markOf(picture) }] as const,
  );
  const settings: ProjectSettings = { checkpoint, pictures: Object.fromEntries(names) };
  return saveProject({
    index: network.index(userPictures),
    pictures,
    settings,
    ...(probe && { probe }),
  });
}

/** Opens a file; pictures that are here already only get their labels. Returns how many it has. */
export async function openProjectFile(app: AppState, source: ByteSource): Promise<number> {
  const { pictures = {}, probe, settings } = await loadProject(source);
  const known = (settings as Read | null)?.pictures ?? {};
  const fresh: Picture[] = [];
  for (const [id, blob] of Object.entries(pictures)) {
    const { name, label, unknown, aside } = known[id] ?? {};
    const mark: Mark = {
      label: typeof label === "string" ? label : null,
      unknown: unknown === true,
      aside: aside === true,
    };
    const here = app.picture(id);
    if (here?.file) await app.mark([here], mark);
    else if (!here) {
      fresh.push(madePicture(id, { name: typeof name === "string" ? name : id, blob }, mark));
    }
  }
  app.adoptPictures(fresh);
  if (probe) {
    app.probe = probe;
    app.emit("probe");
  }
  return Object.keys(pictures).length;
}

function madePicture(id: string, stored: { name: string; blob: Blob }, mark: Mark): Picture {
  const picture = restoredPicture(id, stored, mark.label);
  setMark(picture, mark);
  return picture;
}
