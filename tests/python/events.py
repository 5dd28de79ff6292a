"""Prints the scalars of a run's event files as TensorBoard reads them, as {tag: [[step, value], ...]}:
what it shows (accumulated), and what stands in the files one after another (raw)."""

import glob
import json
import sys
from collections import defaultdict

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

run = sys.argv[1]
shown = EventAccumulator(run, size_guidance={"scalars": 0}).Reload()
accumulated = {
    tag: [[point.step, point.value] for point in shown.Scalars(tag)]
    for tag in shown.Tags()["scalars"]
}
raw = defaultdict(list)
for path in sorted(glob.glob(f"{run}/*tfevents*")):
    for event in LegacyEventFileLoader(path).Load():
        for value in event.summary.value:
            raw[value.tag].append([event.step, value.simple_value])
print(json.dumps({"accumulated": accumulated, "raw": raw}))
