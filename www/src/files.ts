/** Saves files to the user's disk and opens files from it. */

/** Saves bytes as a file. */
export function download(name: string, bytes: Blob | Uint8Array | string): void {
  const blob = bytes instanceof Blob ? bytes : new Blob([bytes as BlobPart]);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads the URL after this function returns.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Asks the user for one file. */
export function chooseFile(accept: string, opened: (file: File) => void): void {
  ask(accept, ([file]) => opened(file!), false);
}

/** Asks the user for files, one or several. */
export function chooseFiles(accept: string, opened: (files: readonly File[]) => void): void {
  ask(accept, opened, true);
}

function ask(accept: string, opened: (files: readonly File[]) => void, multiple: boolean): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = accept;
  input.multiple = multiple;
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    if (files.length > 0) opened(files);
  });
  input.click();
}

/** An array as numpy's .npy: float32, in C order. */
export function npy(data: Float32Array, shape: readonly number[]): Blob {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const magic = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0];
  // The header ends at a multiple of 64 bytes.
  const length = Math.ceil((magic.length + 2 + text.length + 1) / 64) * 64 - magic.length - 2;
  const header = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  const size = new Uint8Array([length & 255, length >> 8]);
  return new Blob([new Uint8Array(magic), size, header, data as Float32Array<ArrayBuffer>]);
}

/** A table as CSV, its values quoted by RFC 4180. */
export function csv(lines: readonly (readonly (string | number)[])[]): string {
  const quoted = (value: string | number): string =>
    /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  return `${lines.map((line) => line.map(quoted).join(",")).join("\n")}\n`;
}
