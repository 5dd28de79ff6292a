// What is timed, and with which numbers: the same for all.

/** Encoders: as the Keras examples have it, and one where overhead rules. */
export const ENCODERS = { large: { width: 128, side: 96 }, small: { width: 32, side: 32 } };

/** Encoders that people bring, with fresh weights: as a recipe has them, and the side of images. */
export const BROUGHT = {
  "ResNet-18": { encoder: '{kind="resnet",depth=18,stem="imagenet"}', side: 224 },
  "ViT-Ti/16": { encoder: '{kind="vit",size="tiny",patch=16}', side: 224 },
  "EfficientNet-Lite0": { encoder: '{kind="efficientnet_lite",size="lite0"}', side: 224 },
};

/** The file of a network, without its ending. */
export const fileOf = (size) => size.replace("/", "-");

export const SEARCH = { dim: 128, k: 10, counts: { "5k": 5_000, "100k": 100_000 } };
export const TRAINING = {
  large: { batch: 4, temperature: 0.1, rate: 1e-3 },
  small: { batch: 32, temperature: 0.1, rate: 1e-3 },
};

/** Every line of the table: a name, what it does, and how often `runs` of it count as one. */
export const WORKLOADS = [
  ...Object.keys(ENCODERS).flatMap((size) =>
    [1, 8, 32].map((batch) => ({ task: "embed", size, batch })),
  ),
  ...Object.keys(BROUGHT).map((size) => ({ task: "network", size, batch: 1 })),
  { task: "search", size: "5k" },
  { task: "search", size: "100k" },
  { task: "train", size: "small" },
  { task: "train", size: "large" },
];

export const nameOf = ({ task, size, batch }) =>
  [task, size, batch && `batch ${batch}`].filter(Boolean).join(", ");

/** Numbers that repeat: pictures, features. */
export function pixels(count, side) {
  return Uint8Array.from(
    { length: count * 3 * side * side },
    (_, i) => (i * 7919 + (i >> 5) * 31) % 251,
  );
}

export function rows(count, dim) {
  let state = 1;
  const draw = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const all = Float32Array.from({ length: count * dim }, draw);
  for (let start = 0; start < all.length; start += dim) {
    const row = all.subarray(start, start + dim);
    const length = Math.hypot(...row);
    row.forEach((x, i) => (row[i] = x / length));
  }
  return all;
}

/** Planar bytes as planar floats in [0, 1]. */
export const planar = (bytes) => Float32Array.from(bytes, (x) => x / 255);

/** Planar bytes as interleaved ones. */
export function interleaved(bytes, count, side, make = (x) => x) {
  const area = side * side;
  const all = new (make === Math.fround ? Float32Array : Uint8Array)(bytes.length);
  for (let picture = 0; picture < count; picture += 1) {
    for (let place = 0; place < area; place += 1) {
      for (let plane = 0; plane < 3; plane += 1) {
        const from = bytes[(3 * picture + plane) * area + place];
        all[3 * (picture * area + place) + plane] = make === Math.fround ? from / 255 : from;
      }
    }
  }
  return all;
}

/** Arrays of a safetensors file by name. */
export function tensorsOf(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return Object.fromEntries(
    entries.map(
      ([
        name,
        {
          shape,
          data_offsets: [start, end],
        },
      ]) => [
        name,
        { shape, values: new Float32Array(buffer.slice(8 + length + start, 8 + length + end)) },
      ],
    ),
  );
}
