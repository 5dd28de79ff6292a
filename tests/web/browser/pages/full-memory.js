// The package's worker, whose WebAssembly has no more than `spare` pages left of its memory from a word on the
// channel on, or, with `now`, from its begin.
import { fill } from "/tests/wasm-memory.mjs";

const asked = new URL(import.meta.url).searchParams;
const spare = Number(asked.get("spare"));
new BroadcastChannel("fill").onmessage = () => fill(spare);
if (asked.has("now")) {
  const { Engine } = await import("/dist/kith_cpu.js");
  const open = Engine.open;
  Engine.open = async () => {
    const engine = await open.call(Engine);
    fill(spare);
    return engine;
  };
}
await import("/dist/worker.js");
