// The package's worker, which tells what it has asked of a GPU so far.
const counts = { shaders: 0, pipelines: 0, launches: 0, submits: 0, up: 0, down: 0, reads: 0 };

/** Counts before each call of a method. */
function count({ prototype }, name, add) {
  const own = prototype[name];
  prototype[name] = function (...given) {
    add.call(this, ...given);
    return own.apply(this, given);
  };
}

count(GPUDevice, "createShaderModule", () => (counts.shaders += 1));
count(GPUDevice, "createComputePipeline", () => (counts.pipelines += 1));
count(GPUDevice, "createComputePipelineAsync", () => (counts.pipelines += 1));
count(GPUComputePassEncoder, "dispatchWorkgroups", () => (counts.launches += 1));
count(GPUComputePassEncoder, "dispatchWorkgroupsIndirect", () => (counts.launches += 1));
count(GPUQueue, "submit", () => (counts.submits += 1));
count(GPUDevice, "createBuffer", ({ size, mappedAtCreation }) => {
  if (mappedAtCreation) counts.up += size;
});
count(GPUQueue, "writeBuffer", (_buffer, _at, data, start = 0, size) => {
  const unit = data.BYTES_PER_ELEMENT ?? 1;
  counts.up += size === undefined ? data.byteLength - start * unit : size * unit;
});
count(GPUBuffer, "mapAsync", function (_mode, at = 0, size = this.size - at) {
  counts.reads += 1;
  counts.down += size;
});

const channel = new BroadcastChannel("count");
channel.onmessage = ({ data }) => {
  if (data === "look") channel.postMessage(counts);
};
await import("/dist/worker.js");
