/** Records of runs in few characters: deflated, in base64 for addresses. */
import { KithError } from "./errors.js";
import { describe } from "./describe.js";
import { text } from "./checks.js";

/** The longest record, and the longest code, that are read, in characters. */
const LONGEST = 65_536;

/** A record as a code that an address can hold: `#learn?run=CODE`. */
export async function encodeRecord(record: string): Promise<string> {
  const bytes = new TextEncoder().encode(text("record", record));
  const packed = await through(bytes, new CompressionStream("deflate-raw"), Infinity);
  const letters = Array.from(packed, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The record that a code holds. Errors: `RECORD` for one that is cut off, changed or too long. */
export async function decodeRecord(code: string): Promise<string> {
  if (text("code", code).length > LONGEST) throw unreadable(`it is longer than ${LONGEST}`);
  try {
    const letters = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const record = await through(bytes, new DecompressionStream("deflate-raw"), LONGEST);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(record);
  } catch (cause) {
    throw unreadable(`it is cut off or changed (${describe(cause)})`, cause);
  }
}

const unreadable = (reason: string, cause?: unknown): KithError =>
  new KithError("RECORD", `the code is not the record of a run: ${reason}`, { cause });

/** Bytes after a transformation, at most so many. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length <= most) continue;
    await reader.cancel();
    throw new RangeError(`more than ${most} bytes`);
  }
  const whole = new Uint8Array(length);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
