// The package's worker, in which the next embedding after a word on the channel panics.
import { panics } from "/tests/panic.mjs";

let armed = false;
new BroadcastChannel("trap").onmessage = () => (armed = true);
const { Encoder } = await import("/dist/kith_cpu.js");
const embed = Encoder.prototype.embed;
Encoder.prototype.embed = async function (...given) {
  if (!armed) return embed.apply(this, given);
  await new Promise((done) => setTimeout(done, 50));
  return panics(() => embed.call(this, new Uint8Array(1), 1, "backbone", "unit"));
};
await import("/dist/worker.js");
