// The package's worker on a GPU that can be taken away: any word on the channel does it.
const request = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await request.call(this, descriptor);
  const channel = new BroadcastChannel("lose");
  channel.onmessage = () => device.destroy();
  return device;
};
await import("/dist/worker.js");
