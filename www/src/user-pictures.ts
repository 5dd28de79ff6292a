/** The visitor's pictures: from files, folders, drops and the clipboard. */
import type { Picture } from "./picture.js";

let pictureCount = 0;

/** Pictures of files that are pictures; a file in a folder is of the class that the folder names. */
export function picturesFromFiles(files: readonly File[], label: string | null): Picture[] {
  return files.filter(isPicture).map((file) => {
    pictureCount += 1;
    return {
      id: `y${pictureCount}`,
      name: file.name.replace(/\.[^.]+$/, "") || `picture ${pictureCount}`,
      label: label ?? folderName(file),
      by: "",
      file: { blob: file, url: URL.createObjectURL(file) },
    };
  });
}

const isPicture = ({ type, name }: File): boolean =>
  type.startsWith("image/") || /\.(png|jpe?g|webp|gif|avif|bmp)$/i.test(name);

/** Paths of files that came out of a dropped folder, which do not say it themselves. */
const droppedPaths = new WeakMap<File, string>();

/** The last folder on the way to a file. */
function folderName(file: File): string | null {
  const path = droppedPaths.get(file) ?? file.webkitRelativePath;
  return path.split("/").slice(0, -1).at(-1) ?? null;
}

/** All files of a drop or the clipboard, those inside folders too. */
export async function filesFromTransfer(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => !entry?.isDirectory)) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => (entry ? filesInEntry(entry) : [])));
  return found.flat();
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
  const found: File[] = [];
  for (;;) {
    // A reader gives some at a time, and none when there are no more.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    for (const each of some) found.push(...(await filesInEntry(each)));
  }
}
