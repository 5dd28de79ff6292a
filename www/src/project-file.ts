/** Saves and opens the user's work as one file: pictures, classes, embeddings and probe. */
import { loadProject, saveProject, type ByteSource } from "kith-web";
import type { AppState } from "./app-state.js";

interface ProjectSettings {
  readonly checkpoint: string;
  readonly pictures: Readonly<Record<string, { name: string; label: string | null }>>;
}

/** Writes the file. */
export async function projectFile(app: AppState): Promise<Blob> {
  const { userPictures, network, probe, checkpoint } = app;
  const pictures = Object.fromEntries(userPictures.map(({ id, file }) => [id, file!.blob]));
  const names = userPictures.map(({ id, name, label }) => [id, { name, label }] as const);
  const settings: ProjectSettings = { checkpoint, pictures: Object.fromEntries(names) };
  return saveProject({
    index: network.index(userPictures),
    pictures,
    settings,
    ...(probe && { probe }),
  });
}

/** Opens a file; returns the number of its pictures. */
export async function openProjectFile(app: AppState, source: ByteSource): Promise<number> {
  const { pictures = {}, probe, settings } = await loadProject(source);
  const known = (settings as ProjectSettings | null)?.pictures ?? {};
  for (const [id, blob] of Object.entries(pictures)) {
    const { name = id, label = null } = known[id] ?? {};
    app.addPictures([new File([blob], name, { type: blob.type || "image/png" })], label);
  }
  if (probe) {
    app.probe = probe;
    app.emit("probe");
  }
  return Object.keys(pictures).length;
}
