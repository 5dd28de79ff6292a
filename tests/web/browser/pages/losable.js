// The package's worker on a GPU that can be taken away: at a word on the channel, or when so many more things
// were asked of it; `?after=N` counts from its first one on.
const asked = new URL(import.meta.url).searchParams.get("after");
let left = asked === null ? Infinity : Number(asked);
let count = 0;
let lose = () => {};
const channel = new BroadcastChannel("lose");

const asks = [
  [GPUDevice, ["createBuffer", "createShaderModule", "createComputePipeline"]],
  [GPUQueue, ["submit", "writeBuffer"]],
  [GPUBuffer, ["mapAsync"]],
];
for (const [{ prototype }, names] of asks) {
  for (const name of names) {
    const own = prototype[name];
    prototype[name] = function (...given) {
      count += 1;
      left -= 1;
      if (left < 0) lose();
      return own.apply(this, given);
    };
  }
}

const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await request.call(this, descriptor);
  lose = () => {
    [lose, left] = [() => {}, Infinity];
    device.destroy();
    channel.postMessage("lost");
  };
  return device;
};
channel.onmessage = ({ data }) => {
  if (data === "now") lose();
  if (data.id === undefined) return;
  if (data.after !== undefined) left = data.after;
  channel.postMessage({ id: data.id, count });
};
await import("/dist/worker.js");
