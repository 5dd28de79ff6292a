// The package's worker, in which the next embedding after a word on the channel traps.
let armed = false;
new BroadcastChannel("trap").onmessage = () => (armed = true);
const unreachable = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 116, 0, 0, 10, 5, 1, 3, 0,
  0, 11,
]);
const { Encoder } = await import("/dist/kith_cpu.js");
const embed = Encoder.prototype.embed;
Encoder.prototype.embed = async function (...given) {
  if (!armed) return embed.apply(this, given);
  await new Promise((done) => setTimeout(done, 50));
  // As every panic does.
  console.error("panicked at trapping.js");
  const { instance } = await WebAssembly.instantiate(unreachable);
  return instance.exports.t();
};
await import("/dist/worker.js");
