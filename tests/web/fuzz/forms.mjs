// How files wrap what they say: `take` gives it, `put` makes the file that says something else.
import { deflateRawSync, inflateRawSync } from "node:zlib";

const text = (bytes) => new TextDecoder().decode(bytes);
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const lengthOf = (bytes) => Number(new DataView(bytes.buffer).getBigUint64(0, true));
const joined = (...parts) => new Uint8Array(Buffer.concat(parts));

export const safetensors = {
  take: (bytes) => JSON.parse(text(bytes.subarray(8, 8 + lengthOf(bytes)))),
  put: (bytes, header) => {
    const words = json(header);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(words.length), true);
    return joined(length, words, bytes.subarray(8 + lengthOf(bytes)));
  },
};

export const plainJson = {
  take: (bytes) => JSON.parse(text(bytes)),
  put: (_, value) => json(value),
};

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
export const link = {
  take: (bytes) => text(inflateRawSync(Buffer.from(text(bytes), "base64url"))),
  put: (_, value) => new TextEncoder().encode(base64url(deflateRawSync(json(value)))),
};

/** The rows of a table by RFC 4180, without looking ahead or back. */
export function rowsOf(table) {
  const rows = [[""]];
  let quoted = false;
  for (const [place, letter] of [...table].entries()) {
    const row = rows.at(-1);
    if (letter === '"') {
      // The second of two inside quotes is a quote.
      if (!quoted && place > 0 && [...table][place - 1] === '"') row[row.length - 1] += '"';
      quoted = !quoted;
    } else if (quoted || (letter !== "," && letter !== "\n")) {
      row[row.length - 1] += letter;
    } else if (letter === ",") {
      row.push("");
    } else {
      rows.push([""]);
    }
  }
  return rows.slice(0, -1);
}
