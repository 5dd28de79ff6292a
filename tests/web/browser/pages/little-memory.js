// The package's worker, on a device that has no memory for more than `most` pictures at a time.
const most = Number(new URL(import.meta.url).searchParams.get("most"));
const { Encoder } = await import("/dist/kith_cpu.js");
const embed = Encoder.prototype.embed;
Encoder.prototype.embed = async function (pixels, count, ...how) {
  if (count > most) throw new RangeError("Array buffer allocation failed");
  return embed.call(this, pixels, count, ...how);
};
await import("/dist/worker.js");
