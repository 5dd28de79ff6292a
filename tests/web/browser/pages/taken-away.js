// The package's worker, whose WebGPU is the CPU's build and is lost when so many more calls were made; `?after=N`
// counts from its first one on. The build's own numbers tell what a loss changes to the bit.
const asked = new URL(import.meta.url).searchParams.get("after");
let left = asked === null ? Infinity : Number(asked);
let [count, lost] = [0, false];
const channel = new BroadcastChannel("lose");
const build = await import("/cpu-alone/kith_webgpu.js");

function called() {
  count += 1;
  left -= 1;
  if (left >= 0 || lost) return;
  lost = true;
  channel.postMessage("lost");
}

const open = build.Engine.open;
build.Engine.open = async () => {
  const engine = await open.call(build.Engine);
  Object.defineProperty(engine, "lost", { get: () => (lost ? "taken away" : undefined) });
  return engine;
};
for (const { prototype } of Object.values(build).filter((part) => part?.prototype?.free)) {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, name);
    if (typeof value !== "function" || /^(constructor|free|takeErrors|__.*)$/.test(name)) continue;
    prototype[name] = function (...given) {
      called();
      return value.apply(this, given);
    };
  }
}
channel.onmessage = ({ data }) => {
  if (data.id === undefined) return;
  if (data.after !== undefined) left = data.after;
  channel.postMessage({ id: data.id, count });
};
await import("/cpu-alone/worker.js");
