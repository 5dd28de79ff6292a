// Counts the bytes that typed arrays are made of: to be imported before what is to be counted.
let bytes = 0;
for (const name of ["Uint8Array", "Uint32Array", "Float32Array"]) {
  globalThis[name] = new Proxy(globalThis[name], {
    construct(Type, given, made) {
      const [first] = given;
      const count = typeof first === "number" ? first : (first?.length ?? 0);
      bytes += count * Type.BYTES_PER_ELEMENT;
      return Reflect.construct(Type, given, made === globalThis[name] ? Type : made);
    },
  });
}

/** What work gives, and the bytes that it made arrays of. */
export async function counted(work) {
  bytes = 0;
  const result = await work();
  return [result, bytes];
}
