// The package's worker, which takes longer; with `?traps`, it traps after a word on the channel.
let armed = false;
if (import.meta.url.endsWith("?traps"))
  new BroadcastChannel("trap").onmessage = () => (armed = true);
const { Encoder } = await import("/dist/kith_cpu.js");
const embed = Encoder.prototype.embed;
Encoder.prototype.embed = async function (...given) {
  await new Promise((done) => setTimeout(done, 20));
  if (armed) {
    // As every panic does.
    console.error("panicked at slow.js");
    throw new WebAssembly.RuntimeError("unreachable");
  }
  return embed.apply(this, given);
};
await import("/dist/worker.js");
