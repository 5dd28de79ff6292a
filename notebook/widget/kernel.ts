/** What the widget and Python say to each other. */

/** A widget's model, as anywidget hands it over. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, listener: (...args: never[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
}

/** What Python is asked for. */
export type Question =
  | { readonly what: "wasm"; readonly kind: "cpu" | "webgpu" }
  | { readonly what: "checkpoint" }
  | { readonly what: "pictures"; readonly from: number; readonly to: number };

interface Answer {
  readonly id: string;
  readonly error?: string;
}

/** The bytes that Python answers with. It does so once the cell that runs has ended. */
export function ask(model: Model, question: Question): Promise<ArrayBuffer[]> {
  const id = `${Date.now()} ${Math.random()}`;
  return new Promise((resolve, reject) => {
    const heard = (answer: Answer, buffers: DataView[]): void => {
      if (answer.id !== id) return;
      model.off("msg:custom", heard);
      if (answer.error !== undefined) reject(new Error(answer.error));
      else resolve(buffers.map(bytesOf));
    };
    model.on("msg:custom", heard);
    model.send({ id, ...question });
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): ArrayBuffer {
  return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
}

/** Rows of numbers as Python takes them; rows that are missing are NaN. */
export function matrix(
  rows: readonly (Float32Array | undefined)[],
  dim: number,
): { shape: [number, number]; data: DataView } {
  const all = new Float32Array(rows.length * dim).fill(NaN);
  rows.forEach((row, place) => row && all.set(row, place * dim));
  return { shape: [rows.length, dim], data: new DataView(all.buffer) };
}
