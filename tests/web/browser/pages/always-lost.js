// The package's worker, whose device is lost whatever it is.
for (const kind of ["cpu", "webgpu"]) {
  const { Engine } = await import(`/dist/kith_${kind}.js`);
  const open = Engine.open;
  Engine.open = async () => {
    const engine = await open.call(Engine);
    let calls = 0;
    // The self-test passes; what comes after it does not.
    Object.defineProperty(engine, "lost", {
      get: () => ((calls += 1) > 2 ? "taken away" : undefined),
    });
    return engine;
  };
}
await import("/dist/worker.js");
