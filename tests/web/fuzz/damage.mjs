// Damage to files: at random among their bytes, and in what they say of themselves.
import fc from "fast-check";

/** Values that JSON can hold where another was. */
const odd = fc.oneof(
  fc.constantFrom(null, true, -1, 0, 0.5, 1e300, 2 ** 31, 2 ** 32, 2 ** 53, "", "7", [], {}),
  fc.jsonValue({ maxDepth: 2 }),
);

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** What can be done to bytes; places are shares of their length. */
const toBytes = fc.oneof(
  fc.record({ do: fc.constant("cut"), at: place }),
  fc.record({ do: fc.constant("flip"), at: place, mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ do: fc.constant("insert"), at: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
  fc.record({ do: fc.constant("copy"), at: place, from: place, length: place }),
  fc.record({ do: fc.constant("length"), length: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
);

const toJson = fc.record({
  at: fc.nat(),
  change: fc.constantFrom("replace", "remove", "repeat"),
  value: odd,
});

/** Damage to a file: some to what it says, or some to its bytes. */
export const damage = fc.oneof(
  fc.record({ json: fc.array(toJson, { minLength: 1, maxLength: 3 }) }),
  fc.record({ bytes: fc.array(toBytes, { minLength: 1, maxLength: 4 }) }),
);

/** A file after damage; `json` takes the JSON out of it and puts it back. */
export function damaged(file, { json = [], bytes = [] }, { take, put }) {
  if (json.length > 0) return put(file, json.reduce(changed, take(file)));
  return bytes.reduce(broken, file);
}

function broken(bytes, { do: what, at = 0, ...how }) {
  const start = Math.floor(at * bytes.length);
  const parts = (...all) => new Uint8Array(Buffer.concat(all));
  switch (what) {
    case "cut":
      return bytes.slice(0, start);
    case "flip":
      return bytes.map((byte, i) => (i === start ? byte ^ how.mask : byte));
    case "insert":
      return parts(bytes.subarray(0, start), how.bytes, bytes.subarray(start));
    case "copy": {
      const from = Math.floor(how.from * bytes.length);
      const piece = bytes.subarray(from, from + Math.ceil(how.length * 64));
      return parts(bytes.subarray(0, start), piece, bytes.subarray(start + piece.length));
    }
    case "length": {
      const copy = parts(bytes, new Uint8Array(Math.max(0, 8 - bytes.length)));
      new DataView(copy.buffer).setBigUint64(0, how.length, true);
      return copy;
    }
  }
}

/** JSON with one of its values changed; strings that hold JSON are JSON, too. */
function changed(json, { at, change, value }) {
  const places = [];
  const walk = (one, set) => {
    places.push(set);
    if (typeof one === "string") {
      const inner = parsed(one);
      if (inner) walk(inner, (next) => set(JSON.stringify(next)));
    } else if (one !== null && typeof one === "object") {
      for (const key of Object.keys(one)) {
        walk(one[key], (next) => {
          const copy = Array.isArray(one) ? [...one] : { ...one };
          if (next === undefined && Array.isArray(one)) copy.splice(Number(key), 1);
          else if (next === undefined) delete copy[key];
          else copy[key] = next;
          return set(copy);
        });
      }
    }
  };
  walk(json, (next) => next);
  const set = places[at % places.length];
  const other = { replace: value, remove: undefined, repeat: [json, json] }[change];
  return set(other) ?? null;
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
