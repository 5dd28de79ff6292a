"""What `kith clean` finds of what was planted in Fashion-MNIST, beside cleanlab's and imagededup's rules
on the same embeddings.

    clean.py KITH CHECKPOINT FASHION_MNIST [labels|duplicates|outliers] [SEEDS]

Needs numpy, Pillow, scikit-learn and cleanlab; imagededup's rule is stated anew (cosine_similarity of
scikit-learn, not below a threshold), as is that of cleanlab's Datalab for near-duplicates and outliers.
"""
import csv
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from PIL import Image

warnings.filterwarnings("ignore")
kith, checkpoint, source, part = sys.argv[1:5]
seeds = range(1, 1 + int(sys.argv[5] if len(sys.argv) > 5 else 5))
here = os.path.dirname(os.path.abspath(__file__))


def run(*words):
    done = subprocess.run([kith, *words, "--json", "--device", "cpu"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def embedded(data, folder):
    run("embed", "--checkpoint", checkpoint, "--data", data, "--split", "all", "--out", f"{folder}/e")
    return np.load(f"{folder}/e.npy").astype(np.float64), list(csv.DictReader(open(f"{folder}/e.csv")))


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def score(found, truth):
    right = len(set(found) & set(truth))
    return len(set(found)), right / max(1, len(set(found))), right / max(1, len(truth))


class Rows(dict):
    def add(self, name, found, precision, recall):
        self.setdefault(name, []).append((found, precision, recall))

    def tell(self, title):
        print(f"\n{title}\n{'':42} found  precision          recall")
        for name, rows in self.items():
            mean, sd = np.mean(rows, 0), np.std(rows, 0, ddof=1) if len(rows) > 1 else np.zeros(3)
            print(f"{name:40} {mean[0]:7.0f}  {100 * mean[1]:5.1f} ± {sd[1] * 100:4.1f} %   {100 * mean[2]:5.1f} ± {100 * sd[2]:4.1f} %")


def read(name, skip):
    return np.frombuffer(gzip.open(f"{source}/{name}").read(), np.uint8)[skip:]


def duplicates():
    rows = Rows()
    for seed in seeds:
        for planted in (0, 300):
            with tempfile.TemporaryDirectory() as folder:
                data = f"{folder}/data"
                subprocess.run([sys.executable, f"{here}/../python/plant_duplicates.py", source, data, "6000", str(planted), str(seed)], check=True)
                truth = {tuple(sorted((r["file"], r["of"]))): r["kind"] for r in csv.DictReader(open(f"{data}-truth.csv"))}
                found = run("clean", "--checkpoint", checkpoint, "--data", f"folder:{data}", "--out", f"{folder}/out", "--seed", str(seed))
                groups = {}
                for f in found["findings"]:
                    if f["finding"] == "near_duplicate":
                        kept = f["reason"].split("looks like ")[1].split(", which is kept")[0]
                        groups[tuple(sorted((f["file"], kept)))] = f
                x, names = embedded(f"folder:{data}", folder)
                names = [r["name"] for r in names]
                cosine = unit(x) @ unit(x).T
            upper = np.argwhere(np.triu(cosine, 1) >= 0.9)
            pairs = lambda keep: [tuple(sorted((names[a], names[b]))) for a, b in upper[keep]]
            at = cosine[upper[:, 0], upper[:, 1]]
            distance = 1 - at
            np.fill_diagonal(cosine, -1)
            usual = np.median(1 - cosine.max(1))
            if planted == 0:
                rows.add("nothing planted: kith", *score(groups, truth))
                rows.add("nothing planted: imagededup, 0.9", *score(pairs(at >= 0.9), truth))
                rows.add("nothing planted: cleanlab, 0.13", *score(pairs(distance < 0.13 * usual), truth))
                continue
            rows.add("kith, by itself", *score(groups, truth))
            for kind in sorted(set(truth.values())):
                own = [pair for pair in truth if truth[pair] == kind]
                rows.add(f"  {kind}", *score([pair for pair in groups if truth.get(pair) == kind], own))
            rows.add("imagededup, 0.9 (its default)", *score(pairs(at >= 0.9), truth))
            is_true = np.array([tuple(sorted((names[a], names[b]))) in truth for a, b in upper])
            order = np.argsort(-at)
            hits = np.cumsum(is_true[order])
            p, r = hits / np.arange(1, len(order) + 1), hits / len(truth)
            best = np.argmax(2 * p * r / np.maximum(p + r, 1e-9))
            rows.add("imagededup, the best threshold by the truth", best + 1, p[best], r[best])
            rows.add("cleanlab's Datalab, 0.13 (its default)", *score(pairs(distance < 0.13 * usual), truth))
    rows.tell("Near-duplicates: 6,000 images, 300 copies")


def labels():
    from cleanlab.filter import find_label_issues
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, own = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784), read("train-labels-idx1-ubyte.gz", 8)
    for noise in (0.0, 0.05, 0.1, 0.2):
        rows, suggested, half = Rows(), [], Rows()
        for seed in seeds:
            draw = np.random.default_rng(seed)
            chosen = draw.permutation(len(own))[:12_000]
            truth = own[chosen]
            wrong = draw.random(12_000) < noise
            given = np.where(wrong, (truth + draw.integers(1, 10, 12_000)) % 10, truth).astype(np.uint8)
            with tempfile.TemporaryDirectory() as folder:
                data = f"{folder}/fashion"
                os.mkdir(data)
                for name, part in (("train", slice(0, 10_000)), ("t10k", slice(10_000, 12_000))):
                    n = len(given[part])
                    open(f"{data}/{name}-images-idx3-ubyte", "wb").write(struct.pack(">4i", 2051, n, 28, 28) + images[chosen[part]].tobytes())
                    open(f"{data}/{name}-labels-idx1-ubyte", "wb").write(struct.pack(">2i", 2049, n) + given[part].tobytes())
                found = run("clean", "--checkpoint", checkpoint, "--data", f"idx:{data}", "--out", f"{folder}/out", "--seed", str(seed))
                x, names = embedded(f"idx:{data}", folder)
            at = np.array([int(r["picture"]) + 10_000 * (r["split"] == "test") for r in names])
            place = lambda f: int(f["file"].split("/")[1]) + 10_000 * (f["split"] == "test")
            kinds = lambda *kinds: [f for f in found["findings"] if f["finding"] in kinds]
            doubts = kinds("doubtful_label")
            mine = [place(f) for f in doubts]
            all_of_mine = [place(f) for f in kinds("doubtful_label", "unsure_label")]
            truth_set = set(np.flatnonzero(wrong))
            if noise:
                hit = [(f, i) for f, i in zip(doubts, mine) if wrong[i]]
                classes = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
                suggested.append(np.mean([f["suggested"] == classes[truth[i]] for f, i in hit]))
            top = len(truth_set)
            rows.add("kith: doubtful labels", *score(mine, truth_set))
            rows.add("kith: doubtful and between classes", *score(all_of_mine, truth_set))
            half.add("kith", *score(all_of_mine[: top // 2], truth_set))
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
            p = cross_val_predict(model, x, given[at], cv=5, method="predict_proba")
            for by in ("prune_by_noise_rate", "confident_learning"):
                issues = at[find_label_issues(given[at], p, filter_by=by, return_indices_ranked_by="self_confidence", n_jobs=1)]
                rows.add(f"cleanlab, {by}", *score(issues, truth_set))
                half.add(f"cleanlab, {by}", *score(issues[: top // 2], truth_set))
            disagree = at[np.flatnonzero(p.argmax(1) != given[at])]
            rows.add("any label that a probe contradicts", *score(disagree, truth_set))
        rows.tell(f"Wrong labels: {noise:.0%} of 12,000")
        if noise:
            half.tell("  the first of each list, half as many as are wrong")
            print(f"  kith's suggestion is the true class for {100 * np.mean(suggested):.1f} % of the wrong labels found")


def outliers():
    rows = Rows()
    for seed in seeds:
        for planted in (0, 30):
            with tempfile.TemporaryDirectory() as folder:
                data = f"{folder}/data"
                subprocess.run([sys.executable, f"{here}/../python/plant_duplicates.py", source, data, "6000", "0", str(seed)], check=True)
                if planted:
                    run("embed", "--checkpoint", checkpoint, "--data", "gallery", "--pixels", "--out", f"{folder}/g", "--seed", str(seed))
                    drawings = np.load(f"{folder}/g.pixels.npy")
                    draw = random.Random(seed)
                    for number, place in enumerate(draw.sample(range(len(drawings)), planted)):
                        image = Image.fromarray(drawings[place].transpose(1, 2, 0)).convert("L").resize((28, 28))
                        image.save(f"{data}/class{number % 10}/drawing{number:02d}.png")
                found = run("clean", "--checkpoint", checkpoint, "--data", f"folder:{data}", "--out", f"{folder}/out", "--seed", str(seed))
                x, names = embedded(f"folder:{data}", folder)
            names = [r["name"] for r in names]
            truth = [name for name in names if "/drawing" in name]
            mine = [f["file"] for f in found["findings"] if f["finding"] == "outlier"]
            distance = np.sqrt(np.maximum(2 - 2 * unit(x) @ unit(x).T, 0))
            np.fill_diagonal(distance, np.inf)
            mean = np.sort(1 - (1 - distance**2 / 2), 1)[:, :10].mean(1)
            q1, q3 = np.percentile(mean, [25, 75])
            theirs = [names[i] for i in np.flatnonzero(mean > q3 + (1 / 0.37 - 1) * (q3 - q1))]
            what = "drawings planted" if planted else "nothing planted"
            rows.add(f"{what}: kith", *score(mine, truth))
            rows.add(f"{what}: cleanlab's Datalab, 0.37", *score(theirs, truth))
    rows.tell("Outliers: 6,000 images, 30 drawings of another kind")


{"labels": labels, "duplicates": duplicates, "outliers": outliers}[part]()
