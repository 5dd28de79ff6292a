/** The user's pictures, from files, folders, drag and drop, and the clipboard. */
import type { Picture } from "./picture.js";

/** The number of the last picture: no other tab and no earlier visit has given it. */
let lastNumber = 1000 * Date.now();

/**
 * Pictures of the image files among `files`. Without a `label`, the folder of a file is its class.
 */
export function picturesFromFiles(files: readonly File[], label: string | null): Picture[] {
  return files.filter(isPicture).map((file) => {
    lastNumber += 1;
    return {
      id: `y${lastNumber}`,
      name: file.name.replace(/\.[^.]+$/, "") || "picture",
      label: label ?? folderName(file),
      by: "",
      file: { blob: file, url: URL.createObjectURL(file) },
    };
  });
}

/** A picture that was kept under its number, in this browser or in a file. */
export function restoredPicture(
  id: string,
  { name, blob }: { readonly name: string; readonly blob: Blob },
  label: string | null,
): Picture {
  return { id, name, label, by: "", file: { blob, url: URL.createObjectURL(blob) } };
}

const isPicture = ({ type, name }: File): boolean =>
  type.startsWith("image/") || /\.(png|jpe?g|webp|gif|avif|bmp)$/i.test(name);

/** Paths of files from dropped folders: the files themselves do not have them. */
const droppedPaths = new WeakMap<File, string>();

/** The name of the folder that holds a file. */
function folderName(file: File): string | null {
  const path = droppedPaths.get(file) ?? file.webkitRelativePath;
  return path.split("/").slice(0, -1).at(-1) ?? null;
}

/** All files of a drop or of the clipboard, including those inside folders. */
export async function filesFromTransfer(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => !entry?.isDirectory)) return [...transfer.files];
  const files = await Promise.all(entries.map((entry) => (entry ? filesInEntry(entry) : [])));
  return files.flat();
}

async function filesInEntry(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    droppedPaths.set(file, entry.fullPath.slice(1));
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // A reader returns some entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return files;
    for (const each of some) files.push(...(await filesInEntry(each)));
  }
}
