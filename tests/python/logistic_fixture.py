"""Writes logistic.safetensors: what scikit-learn's logistic regression makes of features.

    python tests/python/logistic_fixture.py tests/fixtures/logistic.safetensors

Packages: numpy, scikit-learn, safetensors. The objective is the same as kith's where C = 1 / (n * strength);
features are standardised as StandardScaler does it, and each class is cut into five parts in the order of its
images, which StratifiedKFold does for classes whose size is a multiple of five.
"""

import sys

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PER_CLASS, CLASSES, DIM = 20, 3, 8
STRENGTHS = [1.0, 0.1, 0.01, 0.001]


def model(count, strength):
    classifier = LogisticRegression(C=1 / (count * strength), max_iter=10_000, tol=1e-10)
    return make_pipeline(StandardScaler(), classifier)


def main(path):
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(CLASSES), PER_CLASS)
    centres = rng.normal(size=(CLASSES, DIM))
    scales = np.geomspace(0.01, 100, DIM)
    features = ((centres[labels] + 1.5 * rng.normal(size=(labels.size, DIM))) * scales + 3).astype(np.float32)
    wide = features.astype(np.float64)
    whole, losses, accuracies = [], [], []
    for strength in STRENGTHS:
        whole.append(model(labels.size, strength).fit(wide, labels).predict_proba(wide))
        held_out = np.zeros((labels.size, CLASSES))
        for rest, part in StratifiedKFold(5).split(wide, labels):
            held_out[part] = model(rest.size, strength).fit(wide[rest], labels[rest]).predict_proba(wide[part])
        losses.append(log_loss(labels, held_out))
        accuracies.append(float((held_out.argmax(1) == labels).mean()))
    save_file(
        {
            "features": features,
            "labels": labels.astype(np.int32),
            "strengths": np.array(STRENGTHS, np.float32),
            "probabilities": np.array(whole, np.float32),
            "losses": np.array(losses, np.float32),
            "accuracies": np.array(accuracies, np.float32),
        },
        path,
    )


if __name__ == "__main__":
    main(sys.argv[1])
