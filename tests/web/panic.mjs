// A panic of the WebAssembly's own.

/** Work that gives an error, in a core to which its code cannot be added: it panics. */
export async function panics(work) {
  const set = Reflect.set;
  Reflect.set = () => {
    throw new TypeError("nothing can be set");
  };
  try {
    return await work();
  } finally {
    Reflect.set = set;
  }
}
