// The memory of kith's WebAssembly, to be looked at or filled: to be imported before the package opens any.
const PAGE = 65536;
/** Pages that WebAssembly's addresses reach. */
const MOST = 65536;

let opened;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  const { exports } = made.instance ?? made;
  // There are others, in Node as well.
  if ("__wbindgen_malloc" in exports) opened = exports;
  return made;
};

/** Bytes of the one that was opened last. */
export const bytes = () => opened?.memory.buffer.byteLength ?? 0;

/** Leaves it no more than so many pages, and free pieces of less than one. */
export function fill(spare) {
  // Memory that nobody touches costs nothing; of what the machine does not give, as much as it does.
  for (let pages = MOST; pages >= 1; pages >>= 1) {
    while (MOST - bytes() / PAGE - pages >= spare && does(() => opened.memory.grow(pages)));
  }
  for (let pages = MOST >> 4; pages >= Math.max(spare, 1); pages >>= 1) {
    while (does(() => opened.__wbindgen_malloc(pages * PAGE, 1)));
  }
}

/** Whether memory was given; it traps where there is none. */
function does(ask) {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}
