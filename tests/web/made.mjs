// What the tests make for themselves: pictures, a checkpoint, files with another header.

/** Reproducible numbers in (-1, 1). */
export function numbers(count, seed = 1) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A picture of noise, the same for the same number. */
export function picture(number, side = 32) {
  const data = Uint8Array.from(numbers(3 * side * side, number + 1), (x) => 128 + 127 * x);
  return { data, width: side, height: side, channels: 3 };
}

/** So many of them. */
export const pictures = (count) => Array.from({ length: count }, (_, number) => picture(number));

/** A run that is over in no time. */
export const small = {
  device: "cpu",
  recipe: "nnclr",
  imageSize: 32,
  epochs: 2,
  set: {
    "encoder.width": 8,
    "projection.hidden": "[8]",
    "projection.output": 8,
    "objective.queue": 32,
    "pretraining.unlabelled_batch": 8,
    "pretraining.labelled_batch": 4,
  },
};

/** A checkpoint of an untrained encoder, a small one or as its settings say, with a classifier. */
export async function checkpoint({ pretrain }, encoder) {
  const labels = Array.from({ length: 16 }, (_, place) => (place % 2 ? "odd" : "even"));
  const { "encoder.width": width, ...rest } = small.set;
  const set = encoder ? { ...rest, encoder } : { ...rest, "encoder.width": width };
  const run = await pretrain(pictures(16), { ...small, set, labels });
  const bytes = await run.checkpoint();
  await run.dispose();
  return bytes;
}

/** A safetensors file with its header changed. */
export function withHeader(bytes, change) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = change(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const text = new TextEncoder().encode(header);
  const all = new Uint8Array(8 + text.length + bytes.length - 8 - length);
  new DataView(all.buffer).setBigUint64(0, BigInt(text.length), true);
  all.set(text, 8);
  all.set(bytes.subarray(8 + length), 8 + text.length);
  return all;
}

/** A failure's code, if it is one of the package's with a hint; else what came instead. */
export async function codeOf(work) {
  try {
    await work();
    return "no error";
  } catch (error) {
    const own = error.name === "KithError" && error.code && error.hint && error.message;
    return own ? error.code : `no KithError but ${error?.stack ?? error}`;
  }
}

/** The error that work fails with. */
export async function errorOf(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, got none");
}

export const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/** The largest difference of two arrays of numbers. */
export const furthest = (a, b) => {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
};
