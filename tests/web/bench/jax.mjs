// jax-js on the same weights and with the same arithmetic, compiled by its own jit.
import { ENCODERS, TRAINING, pixels, planar, tensorsOf } from "./workloads.mjs";

const jax = await import(new URL("node_modules/@jax-js/jax/dist/index.js", import.meta.url).href);
const { jit, lax, nn, numpy: np, tree, valueAndGrad } = jax;

export const contenders = (device) => {
  const backend = device === "cpu" ? "wasm" : device;
  const on = (open) => async (workload) => {
    const started = await jax.init(backend);
    if (!started.includes(backend)) throw new Error(`${backend} does not start`);
    jax.defaultDevice(backend);
    const { run, ...rest } = await open(workload);
    const own = () => {
      jax.defaultDevice(backend);
      return run();
    };
    return { run: own, ...rest };
  };
  return { embed: on(embed), train: on(train) };
};

const arrayOf = (values, shape) => np.array(values).reshape(shape);

/** Kernel and bias of every layer, one behind the other: four convolutions, then the dense layer. */
async function weightsOf(size) {
  const stored = tensorsOf(await (await fetch(`models/${size}.safetensors`)).arrayBuffer());
  const tensor = (name) => arrayOf(stored[name].values, stored[name].shape);
  const convs = [0, 1, 2, 3].flatMap((depth) => [
    tensor(`encoder.convs.${depth}.weight`),
    tensor(`encoder.convs.${depth}.bias`).reshape([-1, 1, 1]),
  ]);
  const dense = np.transpose(tensor("encoder.dense.weight"));
  return [...convs, dense, tensor("encoder.dense.bias")];
}

function features(weights, images) {
  let maps = images;
  for (let layer = 0; layer < 8; layer += 2) {
    const sums = lax.conv(maps, weights[layer], [2, 2], "VALID");
    maps = nn.relu(sums.add(weights[layer + 1]));
  }
  const rows = maps.reshape([images.shape[0], -1]);
  return nn.relu(np.dot(rows, weights[8]).add(weights[9]));
}

async function embed({ size, batch }) {
  const { side } = ENCODERS[size];
  const weights = await weightsOf(size);
  const images = planar(pixels(batch, side));
  const forward = jit(features);
  return {
    run: () => forward(tree.ref(weights), arrayOf(images, [batch, 3, side, side])).data(),
    end: () => {
      forward.dispose();
      tree.dispose(weights);
    },
  };
}

const FIRST = 0.9;
const SECOND = 0.999;
const EPSILON = 1e-7;

/** SimCLR's cross-view form of two views that are the same pictures, by Adam. */
async function train({ size }) {
  const { width, side } = ENCODERS[size];
  const { batch, temperature, rate } = TRAINING[size];
  const drawn = () => Float32Array.from({ length: width * width }, () => 0.4 * Math.random() - 0.2);
  const dense = () => [arrayOf(drawn(), [width, width]), np.zeros([width])];
  const unit = (x) => x.ref.div(np.sqrt(np.square(x).sum(1, { keepdims: true })));
  /** The mean of minus the logarithm of what softmax gives to a row's own column. */
  const entropy = (similarities) =>
    nn
      .logSoftmax(similarities, -1)
      .mul(np.eye(batch))
      .sum()
      .mul(-1 / batch);
  const loss = (weights, images) => {
    const own = features(weights.slice(0, 10), np.concatenate([images.ref, images]));
    const [kernel, bias, last, lastBias] = weights.slice(10);
    const hidden = nn.relu(np.dot(own, kernel).add(bias));
    const [a, b] = np.split(unit(np.dot(hidden, last).add(lastBias)), 2);
    const similarities = np.dot(a, np.transpose(b)).mul(1 / temperature);
    return entropy(similarities.ref)
      .add(entropy(np.transpose(similarities)))
      .mul(batch / 2);
  };
  const step = jit(([weights, first, second], size, images) => {
    const [value, slopes] = valueAndGrad(loss)(tree.ref(weights), images);
    const moments = first.map((m, i) => m.mul(FIRST).add(slopes[i].ref.mul(1 - FIRST)));
    const squares = second.map((v, i) => v.mul(SECOND).add(np.square(slopes[i]).mul(1 - SECOND)));
    const moved = weights.map((weight, i) =>
      weight.sub(moments[i].ref.mul(size.ref).div(np.sqrt(squares[i].ref).add(EPSILON))),
    );
    size.dispose();
    return [value, [moved, moments, squares]];
  });
  const weights = [...(await weightsOf(size)), ...dense(), ...dense()];
  const zeros = () => weights.map(({ shape }) => np.zeros(shape));
  let state = [weights, zeros(), zeros()];
  let steps = 0;
  const images = planar(pixels(batch, side));
  return {
    run: async () => {
      steps += 1;
      const corrected = (rate * Math.sqrt(1 - SECOND ** steps)) / (1 - FIRST ** steps);
      const given = arrayOf(images, [batch, 3, side, side]);
      const [value, next] = step(state, np.array(corrected), given);
      state = next;
      return value.data();
    },
    end: () => {
      step.dispose();
      tree.dispose(state);
    },
    own: true,
  };
}
