/** A visitor's work in one file: pictures, classes, embeddings, probe; and back. */
import { loadProject, saveProject, type ByteSource } from "kith-web";
import type { Desk } from "./desk.js";

interface Own {
  readonly checkpoint: string;
  readonly pictures: Readonly<Record<string, { name: string; label: string | null }>>;
}

/** The file, to be saved. */
export async function workspaceOf(desk: Desk): Promise<Blob> {
  const { own, sight, probe, checkpoint } = desk;
  const pictures = Object.fromEntries(own.map(({ id, file }) => [id, file!.blob]));
  const names = own.map(({ id, name, label }) => [id, { name, label }] as const);
  const settings: Own = { checkpoint, pictures: Object.fromEntries(names) };
  return saveProject({ index: sight.index(own), pictures, settings, ...(probe && { probe }) });
}

/** Takes in what was saved; gives how many pictures came. */
export async function openWorkspace(desk: Desk, source: ByteSource): Promise<number> {
  const { pictures = {}, probe, settings } = await loadProject(source);
  const known = (settings as Own | null)?.pictures ?? {};
  for (const [id, blob] of Object.entries(pictures)) {
    const { name = id, label = null } = known[id] ?? {};
    desk.bring([new File([blob], name, { type: blob.type || "image/png" })], label);
  }
  if (probe) {
    desk.probe = probe;
    desk.tell("probe");
  }
  return Object.keys(pictures).length;
}
