// TensorFlow.js on the same weights and with the same arithmetic.
import { ENCODERS, SEARCH, TRAINING, interleaved, pixels, rows, tensorsOf } from "./workloads.mjs";

const modules = new URL("node_modules/@tensorflow/", import.meta.url).href;
const script = (path) =>
  new Promise((done, failed) => {
    const element = document.createElement("script");
    Object.assign(element, { src: modules + path, onload: done, onerror: failed });
    document.head.append(element);
  });
await script("tfjs/dist/tf.min.js");
await script("tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js");
await script("tfjs-backend-wasm/dist/tf-backend-wasm.min.js");
const { tf } = globalThis;
tf.wasm.setWasmPaths(`${modules}tfjs-backend-wasm/dist/`);

export const contenders = (device) => {
  const backend = device === "cpu" ? "wasm" : device;
  const on = (open) => async (workload) => {
    await tf.setBackend(backend);
    await tf.ready();
    const { run, ...rest } = await open(workload);
    const own = async () => {
      if (tf.getBackend() !== backend) await tf.setBackend(backend);
      return run();
    };
    return { run: own, ...rest };
  };
  return { embed: on(embed), search: on(search), train: on(train) };
};

/** Kernels in TensorFlow's order; the dense layer's columns by height, width, channel. */
async function weightsOf(size) {
  const { width } = ENCODERS[size];
  const stored = tensorsOf(await (await fetch(`models/${size}.safetensors`)).arrayBuffer());
  const tensor = (name) => tf.tensor(stored[name].values, stored[name].shape);
  const convs = [0, 1, 2, 3].map((depth) => ({
    kernel: tf.tidy(() => tensor(`encoder.convs.${depth}.weight`).transpose([2, 3, 1, 0])),
    bias: tensor(`encoder.convs.${depth}.bias`),
  }));
  const last = Math.sqrt(stored["encoder.dense.weight"].shape[1] / width);
  const kernel = tf.tidy(() =>
    tensor("encoder.dense.weight")
      .reshape([width, width, last, last])
      .transpose([2, 3, 1, 0])
      .reshape([last * last * width, width]),
  );
  return { convs, dense: { kernel, bias: tensor("encoder.dense.bias") } };
}

function features({ convs, dense }, images) {
  const maps = convs.reduce(
    (x, { kernel, bias }) =>
      tf.fused.conv2d({ x, filter: kernel, strides: 2, pad: "valid", bias, activation: "relu" }),
    images,
  );
  return tf.fused.matMul({
    a: maps.reshape([maps.shape[0], -1]),
    b: dense.kernel,
    bias: dense.bias,
    activation: "relu",
  });
}

async function embed({ size, batch }) {
  const { side } = ENCODERS[size];
  const weights = await weightsOf(size);
  const images = interleaved(pixels(batch, side), batch, side, Math.fround);
  return {
    run: async () => {
      const found = tf.tidy(() => features(weights, tf.tensor(images, [batch, side, side, 3])));
      const numbers = await found.data();
      found.dispose();
      return numbers;
    },
    end: () => tf.dispose(weights),
  };
}

async function search({ size }) {
  const { dim, k, counts } = SEARCH;
  const all = rows(counts[size], dim);
  const bank = tf.tensor(all, [counts[size], dim]);
  const query = all.slice(5 * dim, 6 * dim);
  return {
    run: async () => {
      const found = tf.tidy(() =>
        tf.topk(tf.matMul(tf.tensor(query, [1, dim]), bank, false, true), k),
      );
      const [similarities] = await Promise.all([found.values.data(), found.indices.data()]);
      tf.dispose(found);
      return similarities;
    },
    end: () => bank.dispose(),
  };
}

/** SimCLR's cross-view form of two views that are the same pictures, as kith is asked to. */
async function train({ size }) {
  const { width, side } = ENCODERS[size];
  const { batch, temperature, rate } = TRAINING[size];
  const weights = await weightsOf(size);
  const dense = () => ({
    kernel: tf.randomUniform([width, width], -0.2, 0.2),
    bias: tf.zeros([width]),
  });
  const layers = [...weights.convs, weights.dense, dense(), dense()].map(({ kernel, bias }) => ({
    kernel: tf.variable(kernel),
    bias: tf.variable(bias),
  }));
  const [hidden, output] = layers.slice(5);
  const encoder = { convs: layers.slice(0, 4), dense: layers[4] };
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  const optimizer = tf.train.adam(rate);
  const images = interleaved(pixels(batch, side), batch, side, Math.fround);
  const unit = (x) => x.div(x.square().sum(1, true).sqrt());
  const loss = () => {
    const view = tf.tensor(images, [batch, side, side, 3]);
    const own = features(encoder, tf.concat([view, view]));
    const z = own
      .matMul(hidden.kernel)
      .add(hidden.bias)
      .relu()
      .matMul(output.kernel)
      .add(output.bias);
    const [a, b] = tf.split(unit(z), 2);
    const similarities = tf.matMul(a, b, false, true).div(temperature);
    const truth = tf.eye(batch);
    const rowsLoss = tf.losses.softmaxCrossEntropy(truth, similarities);
    const columnsLoss = tf.losses.softmaxCrossEntropy(truth, similarities.transpose());
    return rowsLoss.add(columnsLoss).mul(batch / 2);
  };
  return {
    run: async () => {
      const value = optimizer.minimize(loss, true, variables);
      const numbers = await value.data();
      value.dispose();
      return numbers;
    },
    end: () => tf.dispose([weights, variables]),
    own: true,
  };
}
