// The package's worker, which takes longer; with `?traps`, it panics after a word on the channel.
import { panics } from "/tests/panic.mjs";

let armed = false;
if (import.meta.url.endsWith("?traps"))
  new BroadcastChannel("trap").onmessage = () => (armed = true);
const { Encoder } = await import("/dist/kith_cpu.js");
const embed = Encoder.prototype.embed;
Encoder.prototype.embed = async function (...given) {
  await new Promise((done) => setTimeout(done, 20));
  if (armed) return panics(() => embed.call(this, new Uint8Array(1), 1, "backbone", "unit"));
  return embed.apply(this, given);
};
await import("/dist/worker.js");
