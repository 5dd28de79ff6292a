/** Embeddings of an element's pictures. A picture that cannot be read does not stop the others. */
import { Embeddings, KithError, type Encoder, type ImageInput, type Progress } from "../index.js";
import type { Picture } from "./pictures.js";

/** Pictures, and pixels of decoded ones, that are in memory at a time. */
const AT_ONCE = { pictures: 32, pixels: 2 ** 25 };

interface Decoded {
  readonly picture: Picture;
  readonly image: ImageInput;
}

/** Makes the embeddings that are missing, but of pictures that failed; says how many are done. */
export async function embedAll(
  encoder: Encoder,
  pictures: readonly Picture[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<void> {
  const { fingerprint } = encoder.info;
  const missing = pictures.filter(
    ({ embedding, error }) => !error && embedding?.encoder !== fingerprint,
  );
  const tell = (loaded: number): void => {
    const total = missing.length;
    onProgress({ phase: "embed", loaded, total, fraction: loaded / total, fromCache: false });
  };
  if (missing.length > 0) tell(0);
  for (let done = 0; done < missing.length;) {
    const taken = await decodedFrom(missing, done);
    await embedSome(encoder, taken.decoded, signal);
    done = taken.end;
    tell(done);
  }
}

/** So many pictures from a place on as memory should hold. */
async function decodedFrom(
  pictures: readonly Picture[],
  start: number,
): Promise<{ decoded: Decoded[]; end: number }> {
  const decoded: Decoded[] = [];
  let [end, pixels] = [start, 0];
  while (end < pictures.length && end - start < AT_ONCE.pictures && pixels < AT_ONCE.pixels) {
    const picture = pictures[end]!;
    end += 1;
    try {
      const image = await imageOf(picture);
      if (image instanceof Image) pixels += image.naturalWidth * image.naturalHeight;
      decoded.push({ picture, image });
    } catch (error) {
      picture.error = named(picture, error);
    }
  }
  return { decoded, end };
}

/** What is embedded of a picture: a file as such, an address as the page shows it. */
async function imageOf(picture: Picture): Promise<ImageInput> {
  if (typeof picture.source !== "string") return picture.source;
  if (picture.source === "") throw new KithError("IMAGE_DECODE", "expected a src, got none");
  const image = new Image();
  if (picture.crossOrigin !== undefined) image.crossOrigin = picture.crossOrigin;
  image.src = picture.url;
  try {
    await image.decode();
    return image;
  } catch (cause) {
    const message = `expected a picture at ${shortened(picture.source)}, got nothing that can be shown`;
    throw new KithError("IMAGE_DECODE", message, { cause });
  }
}

const shortened = (address: string): string =>
  address.length > 100 ? `${address.slice(0, 100)}…` : address;

/** All at once; if one of them is none, each on its own. */
async function embedSome(
  encoder: Encoder,
  decoded: readonly Decoded[],
  signal: AbortSignal,
): Promise<void> {
  if (decoded.length === 0) return;
  try {
    const images = decoded.map(({ image }) => image);
    const found = await encoder.embed(images, { signal });
    const made = encoder.info.fingerprint;
    decoded.forEach(({ picture }, place) => {
      picture.embedding = { row: found.row(place).slice(), encoder: made };
    });
  } catch (error) {
    if (!(error instanceof KithError) || error.code !== "IMAGE_DECODE") throw error;
    if (decoded.length > 1) {
      for (const one of decoded) await embedSome(encoder, [one], signal);
    } else decoded[0]!.picture.error = named(decoded[0]!.picture, error);
  }
}

/** The error of a picture, which says the picture's name instead of a place. */
function named({ name }: Picture, error: unknown): KithError {
  if (!(error instanceof KithError)) throw error;
  const message = `${name}: ${error.message.replace(/^picture \d+:? /, "")}`;
  return new KithError(error.code, message, { hint: error.hint, cause: error.cause ?? error });
}

/** The embeddings of pictures that all have one of this encoder. */
export function embeddingsOf(encoder: Encoder, pictures: readonly Picture[]): Embeddings {
  const { dim, fingerprint: encoderFingerprint } = encoder.info;
  const data = new Float32Array(pictures.length * dim);
  pictures.forEach(({ embedding }, place) => data.set(embedding!.row, place * dim));
  return new Embeddings(data, dim, { normalized: true, encoderFingerprint });
}
