// The package's worker, whose WebAssembly has no more than `spare` pages left of its memory from a word on the
// channel on.
const spare = Number(new URL(import.meta.url).searchParams.get("spare"));
const MOST = 65536;
let memory;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...given) => {
  const made = await instantiate(...given);
  memory = (made.instance ?? made).exports.memory;
  return made;
};
new BroadcastChannel("fill").onmessage = () => {
  // Memory that nobody touches costs nothing; of what the machine does not give, as much as it does.
  for (let step = MOST; step >= 1; step >>= 1) {
    while (MOST - memory.buffer.byteLength / 65536 - step >= spare && grown(step));
  }
};
function grown(pages) {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false;
  }
}
await import("/dist/worker.js");
