// What a GPU may be taken away from, by name: a phase makes ready for work that gives numbers.
const FROM = "/parity/checkpoint.safetensors";
const batch = { "pretraining.unlabelled_batch": 4, "pretraining.views": "none" };
const set = { ...batch, "encoder.width": 4 };
const plan = { stepsPerEpoch: 4, epochs: 2, snapshotEvery: 2, imageSize: 32 };
const semiSet = {
  "encoder.width": 4,
  "semi.labelled_batch": 4,
  "semi.unlabelled_batch": 8,
};

const pretraining = (own, more) =>
  lab.kith.pretrain(lab.pictures, {
    ...own,
    ...plan,
    recipe: "simclr",
    set,
    ...more,
  });
/** A label for every other picture. */
const some = () => lab.names.map((name, place) => (place % 2 ? null : name));
const semi = (own) =>
  lab.kith.trainSemiSupervised(lab.pictures, some(), { ...own, ...plan, set: semiSet });

/** Losses of a run's next steps. */
async function losses(run, n) {
  const all = [];
  for await (const { loss } of run.steps(n)) all.push(loss);
  return all;
}

/** All numbers of a checkpoint. */
function weightsOf(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return new Float32Array(bytes.slice(8 + length).buffer);
}

/** The losses with which a state goes on, on the CPU. */
async function goesOn(state) {
  const run = await lab.kith.resumePretraining(state, lab.pictures, {
    device: "cpu",
  });
  const all = [run.step, ...(await losses(run, 1))];
  await run.dispose();
  return all;
}

const shares = (rows) => rows.flatMap((row) => row.map(({ probability }) => probability));

const encoder = (work) => ({
  async prepare(own) {
    const of = await lab.kith.loadEncoder(FROM, own);
    return { of, work: () => work(of) };
  },
});
/** Of a run that has taken three steps, of which the last is not in its snapshot. */
const trained = (work, open = pretraining) => ({
  async prepare(own) {
    const of = await open(own);
    await losses(of, 3);
    return { of, work: () => work(of) };
  },
});
/** Work that itself opens something, `opened.run`, begins with nothing. */
const opening = (work) => ({
  opens: true,
  async prepare(own) {
    const opened = {};
    return { of: opened, work: () => work(own, opened) };
  },
});

const rows = async () => {
  const encoder = await lab.kith.loadEncoder(FROM, { device: "cpu" });
  const rows = await encoder.embed(lab.pictures);
  await encoder.dispose();
  return rows;
};

export const phases = {
  "an encoder is opened": opening(async (own, opened) => {
    opened.run = await lab.kith.loadEncoder(FROM, own);
    return (await opened.run.embed(lab.pictures)).data;
  }),
  "pictures are embedded": encoder(
    async (of) => (await of.embed(lab.pictures, { batchSize: 8 })).data,
  ),
  "the support set is searched": encoder(async (of) => {
    const rows = await of.embed(lab.pictures, { layer: "projection" });
    const found = await of.supportNeighbors(rows, { k: 3 });
    return found.flat().map(({ similarity }) => similarity);
  }),
  "views are made": encoder(async (of) => {
    const views = await of.augment(lab.pictures[0], { views: 3 });
    return views.flatMap(({ data }) => [...data]);
  }),
  "an index is made": opening(async (own, opened) => {
    opened.run = await lab.kith.Bank.create(await rows(), own);
    return (await opened.run.nearest(await rows(), { k: 3 })).similarities;
  }),
  "neighbours are found": {
    async prepare(own) {
      const of = await lab.kith.Bank.create(await rows(), own);
      return { of, work: async () => (await of.nearest(await rows(), { k: 3 })).similarities };
    },
  },
  "a probe is trained": {
    ...opening(async (own) => {
      const probe = await lab.kith.trainLinearProbe(await rows(), lab.names, own).result;
      return [...probe.weight, ...probe.bias];
    }),
    // Its worker ends with it and cannot be asked.
    asked: 7,
  },
  "pictures are cleaned up": encoder(async (of) => {
    const found = await lab.kith.cleanUp(of, lab.pictures, { labels: lab.names });
    const { nearDuplicates, outliers, labels } = found;
    const counts = [nearDuplicates.groups, outliers, labels.doubts].map(({ length }) => length);
    return [nearDuplicates.threshold ?? -1, ...counts];
  }),
  "labels are spread": {
    async prepare(own) {
      const of = await lab.kith.LabelPool.create(await rows(), own);
      return { of, work: async () => (await of.spread(some())).certainties };
    },
  },
  "pictures to label are joined": opening(async (own, opened) => {
    opened.run = await lab.kith.LabelPool.create(await rows(), own);
    return (await opened.run.spread(some())).certainties;
  }),
  "a run is opened": opening(async (own, opened) => {
    opened.run = await pretraining(own, { from: FROM, set: batch });
    return losses(opened.run, 1);
  }),
  "pre-training takes steps": {
    async prepare(own) {
      const of = await pretraining(own);
      return { of, work: () => losses(of, 4) };
    },
  },
  "a run's state is saved": trained(async (of) => goesOn(await of.state())),
  "a run's checkpoint is saved": trained(async (of) => weightsOf(await of.checkpoint())),
  "a run's file is saved": trained(async (of) => {
    const { state } = await lab.kith.readRunFile(await of.toFile());
    return goesOn(state);
  }),
  "a run's record is made": trained(async (of) => {
    const { first_losses, plan } = JSON.parse(await of.record());
    return [plan.seed, ...first_losses];
  }),
  "pictures are embedded by a run": trained(async (of) => (await of.embed(lab.pictures)).data),
  "a semi-supervised run is opened": opening(async (own, opened) => {
    opened.run = await semi(own);
    return losses(opened.run, 1);
  }),
  "semi-supervised training takes steps": {
    async prepare(own) {
      const of = await semi(own);
      return { of, work: () => losses(of, 4) };
    },
  },
  "a run classifies": trained(
    async (of) => shares(await of.classify(lab.pictures.slice(0, 4))),
    semi,
  ),
  "a record is run again": {
    async prepare(own) {
      const run = await pretraining({ device: "cpu" });
      await losses(run, 2);
      const record = await run.record();
      await run.dispose();
      const again = await lab.kith.replay(record, lab.pictures, own);
      await losses(again.run, 2);
      // Of losses that differ, steps are run again from other weights.
      for (let step = 0; step < 2; step += 1) again.recorded.first_losses[step] += 1;
      const work = async () => {
        const { differences, tolerances } = await again.agreement();
        return [...differences, ...tolerances];
      };
      return { of: again.run, work };
    },
  },
  "several things are computed at once": encoder(async (of) => {
    const [rows, views, found] = await Promise.all([
      of.embed(lab.pictures, { batchSize: 4 }),
      of.augment(lab.pictures[0], { preset: "simclr" }),
      lab.kith.cleanUp(of, lab.pictures),
    ]);
    return [...rows.data, ...views[0].data, found.outliers.length];
  }),
  "a run is asked for several things at once": trained(async (of) => {
    const [rows, state, last] = await Promise.all([
      of.embed(lab.pictures),
      of.state(),
      losses(of, 1),
    ]);
    return [...rows.data, ...(await goesOn(state)).slice(0, 1), ...last];
  }),
};

const channel = new BroadcastChannel("lose");
let asking = 0;
/** How much was asked of the worker's device; with `after`, it is lost when so much more was. */
const count = (after) =>
  new Promise((resolve) => {
    const id = (asking += 1);
    const heard = ({ data }) => {
      if (data.id !== id) return;
      channel.removeEventListener("message", heard);
      resolve(data.count);
    };
    channel.addEventListener("message", heard);
    channel.postMessage({ id, after });
  });

/** Their names, and which work opens what it uses. */
export const names = () =>
  Object.entries(phases).map(([name, { opens }]) => [name, opens ?? false]);

/** Workers of a page that is told when to lose its GPU; the first one begins with a query. */
function losing(page, query = "") {
  let started = 0;
  return () => {
    started += 1;
    return new Worker(`/pages/${page}${started === 1 ? query : ""}`, { type: "module" });
  };
}

/** What a phase's work gives when nothing disturbs it, once and once more, and how much it asks of its device. */
export async function undisturbed(name, page) {
  const { opens, prepare, asked } = phases[name];
  const own = page ? { device: "webgpu", worker: losing(page) } : { device: "cpu" };
  const { of, work } = await prepare(own);
  try {
    const before = page && !opens ? await count() : 0;
    const first = [...(await work())];
    return {
      asked: asked ?? (page && (await count()) - before),
      numbers: opens ? [first] : [first, [...(await work())]],
    };
  } finally {
    await (of.run ?? of).dispose?.();
  }
}

/**
 * The same where the GPU is lost when so much more was asked of it, and again in what follows: what comes of it, and
 * what the caller is told.
 */
export async function disturbed(name, page, after) {
  const { opens, prepare } = phases[name];
  let lost = 0;
  const listen = ({ data }) => (lost += data === "lost");
  channel.addEventListener("message", listen);
  const worker = losing(page, opens ? `?after=${after}` : "");
  const [devices, numbers] = [[], []];
  const { of, work } = await prepare({ device: "webgpu", worker });
  try {
    const told = of.onDeviceLost && [];
    of.onDeviceLost?.(({ actual }) => told.push(actual));
    for (let time = 0; time < (opens ? 1 : 2); time += 1) {
      if (!opens) await count(after);
      numbers.push([...(await work())]);
      devices.push((of.run ?? of).device?.actual);
    }
    return { numbers, told, devices, lost };
  } finally {
    await (of.run ?? of).dispose?.();
    channel.removeEventListener("message", listen);
  }
}
