"""What cleanlab finds in made-up probabilities: cleanlab_fixture.py OUT.safetensors

Where numbers tie, numpy sorts as the processor likes; here the first comes first.
"""
import functools
import sys
import warnings

import numpy as np

np.argsort = functools.partial(np.argsort, kind="stable")
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
CASES = {  # images, classes, wrong labels, how sure the classifier is
    "three": (90, 3, 0.1, 2.0),
    "ten": (600, 10, 0.2, 3.0),
    "unsure": (300, 5, 0.3, 0.7),
    "clean": (200, 4, 0.0, 6.0),
    "uneven": (250, 6, 0.1, 2.5),
    "missing": (120, 5, 0.15, 2.0),
    "lone": (41, 3, 0.1, 1.5),
}
out = {}
for seed, (name, (n, k, noise, sure)) in enumerate(CASES.items()):
    draw = np.random.default_rng(seed)
    sizes = draw.dirichlet(np.ones(k) * 1.5) if name == "uneven" else np.ones(k) / k
    if name == "missing":  # no image of the last class
        sizes = np.append(np.ones(k - 1) / (k - 1), 0.0)
    truth = draw.choice(k, n, p=sizes)
    logits = draw.normal(size=(n, k)) + sure * np.eye(k)[truth]
    probabilities = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    wrong = draw.random(n) < noise
    present = k - 1 if name == "missing" else k
    labels = np.where(wrong, (truth + draw.integers(1, present, n)) % present, truth)
    if name == "lone":  # one image of the last class
        labels[labels == 2] = 0
        labels[-1] = 2
    p = probabilities.astype(np.float64)
    out[f"{name}.labels"] = labels.astype(np.int64)
    out[f"{name}.probabilities"] = probabilities
    out[f"{name}.thresholds"] = get_confident_thresholds(labels, p)
    out[f"{name}.joint"] = compute_confident_joint(labels, p).astype(np.int64)
    for filter_by in ["prune_by_noise_rate", "confident_learning"]:
        for rank in ["self_confidence", "normalized_margin"]:
            found = find_label_issues(labels, p, filter_by=filter_by, return_indices_ranked_by=rank, n_jobs=1)
            out[f"{name}.{filter_by}.{rank}"] = found.astype(np.int64)
    out[f"{name}.self_confidence"] = get_self_confidence_for_each_label(labels, p)
    out[f"{name}.normalized_margin"] = get_normalized_margin_for_each_label(labels, p)
    print(name, n, "wrong", wrong.sum(), "found", len(out[f"{name}.prune_by_noise_rate.self_confidence"]), len(out[f"{name}.confident_learning.self_confidence"]))
save_file({key: value.astype(np.float32) if value.dtype == np.float64 else value for key, value in out.items()}, sys.argv[1])
