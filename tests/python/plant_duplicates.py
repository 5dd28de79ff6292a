"""A folder of images with planted near-duplicates, and truth.csv (file, of, kind) beside it.

    plant_duplicates.py IDX_FOLDER OUT COUNT PLANTED SEED

COUNT images of the MNIST family become PNG files in a folder for each class. PLANTED of them get a copy
each, by turns: resized to 3/4, recompressed (JPEG, quality 60), cropped (5 % of each side's length),
brightened by a fifth. Copies are saved under names of their own that do not tell what they are.
"""
import csv
import gzip
import os
import random
import sys

import numpy as np
from PIL import Image, ImageEnhance

source, out, count, planted, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
read = lambda name, skip: np.frombuffer(gzip.open(f"{source}/{name}").read(), np.uint8)[skip:]
pixels = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
labels = read("train-labels-idx1-ubyte.gz", 8)
draw = random.Random(seed)
chosen = draw.sample(range(len(labels)), count)


def copy(image, kind):
    if kind == "resized":
        return image.resize((21, 21), Image.BILINEAR)
    if kind == "cropped":
        return image.crop((1, 1, 27, 27)).resize((28, 28), Image.BILINEAR)
    if kind == "brightened":
        return ImageEnhance.Brightness(image).enhance(1.2)
    return image


KINDS = ["resized", "recompressed", "cropped", "brightened"]
names = [f"{number:06d}" for number in draw.sample(range(10**6), count + planted)]
rows = []
for place, number in enumerate(chosen):
    folder = f"{out}/class{labels[number]}"
    os.makedirs(folder, exist_ok=True)
    image = Image.fromarray(pixels[number])
    image.save(f"{folder}/{names[place]}.png")
    if place < planted:
        kind = KINDS[place % len(KINDS)]
        ending = "jpg" if kind == "recompressed" else "png"
        name = f"{names[count + place]}.{ending}"
        copy(image, kind).save(f"{folder}/{name}", **({"quality": 60} if ending == "jpg" else {}))
        rows.append([f"class{labels[number]}/{name}", f"class{labels[number]}/{names[place]}.png", kind])
with open(f"{out}-truth.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["file", "of", "kind"])
    writer.writerows(rows)
