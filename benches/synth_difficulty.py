"""How hard a set of pictures is: a linear model on pixels beside a small convolutional network.

Synthetic sets are meant to be hard for the first and easy for the second, see crates/semio-data/src/synth.
Also printed: a linear model on mean, deviation, minimum and maximum of each picture, and one on the size of its
file. Both ought to be near chance, or else the class shows in something that is no finding.

Made with Python 3.11.7, numpy 2.4.6, Pillow 13.0.0, scikit-learn 1.9.1, PyTorch 2.15.0. The table needs the columns file, label and split.
Example:  python benches/synth_difficulty.py /tmp/brain/labels.csv --size 64 --epochs 12
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn


def read(table, size):
    """Gives pictures (N×C×size×size, 0 to 1), 32×32 pictures, global figures, file sizes, classes and splits."""
    with open(table, newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = sorted({row["label"] for row in rows})
    large, small, figures, lengths = [], [], [], []
    for row in rows:
        path = Path(table).parent / row["file"]
        picture = Image.open(path)
        picture = picture.convert("L" if picture.mode in ("L", "I;16") else "RGB")
        values = np.asarray(picture, np.float32) / 255
        figures.append([values.mean(), values.std(), values.min(), values.max()])
        lengths.append([path.stat().st_size])
        for target, side in ((large, size), (small, 32)):
            array = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
            target.append(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))
    classes = np.array([names.index(row["label"]) for row in rows])
    splits = np.array([row["split"] for row in rows])
    return np.stack(large), np.stack(small), np.array(figures), np.array(lengths), classes, splits, names


def linear(features, classes, splits, components=()):
    """Test accuracy of a logistic regression; its strength and the number of components are chosen on val."""
    train, val, test = (splits == name for name in ("train", "val", "test"))
    features = features.reshape(len(features), -1)
    scaler = StandardScaler().fit(features[train])
    features = scaler.transform(features)
    if components:
        # The first components do not depend on how many are asked for.
        features = PCA(max(components), random_state=0).fit(features[train]).transform(features)
    best = (-1.0, 0.0)
    for count in components or [features.shape[1]]:
        for strength in (0.0001, 0.001, 0.01, 0.1, 1.0):
            model = LogisticRegression(C=strength, max_iter=2000).fit(features[train, :count], classes[train])
            scores = [model.score(features[part, :count], classes[part]) for part in (val, test)]
            best = max(best, tuple(scores))
    return best[1]


def network(channels, classes, width):
    """Four blocks of convolution, batch norm, ReLU and pooling, then the mean of each map and one dense layer."""
    layers, before = [], channels
    for maps in (width, 2 * width, 4 * width, 4 * width):
        layers += [nn.Conv2d(before, maps, 3, padding=1, bias=False), nn.BatchNorm2d(maps), nn.ReLU(), nn.MaxPool2d(2)]
        before = maps
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * before, classes))


def augment(batch, generator, flip_rows):
    """Mirrors, shifts and changes the brightness of each picture."""
    mirrored = torch.rand(len(batch), generator=generator) < 0.5
    batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
    if flip_rows:
        mirrored = torch.rand(len(batch), generator=generator) < 0.5
        batch = torch.where(mirrored[:, None, None, None], batch.flip(2), batch)
    shift = torch.randint(-3, 4, (2,), generator=generator).tolist()
    batch = torch.roll(batch, shift, (2, 3))
    return batch * (0.9 + 0.2 * torch.rand(len(batch), 1, 1, 1, generator=generator))


def convolutional(pictures, classes, splits, args):
    """Test accuracy after the last epoch, validation accuracy of each epoch, seconds an epoch."""
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    x = torch.from_numpy((pictures - pictures.mean()) / pictures.std())
    y = torch.from_numpy(classes)
    parts = {name: torch.from_numpy(np.flatnonzero(splits == name)) for name in ("train", "val", "test")}
    model = network(x.shape[1], int(y.max()) + 1, args.width)
    steps = args.epochs * -(-len(parts["train"]) // args.batch)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, total_steps=steps)

    def accuracy(part):
        model.eval()
        with torch.no_grad():
            right = [(model(x[i]).argmax(1) == y[i]).float() for i in parts[part].split(256)]
        return float(torch.cat(right).mean())

    history, start = [], time.perf_counter()
    for _ in range(args.epochs):
        model.train()
        order = parts["train"][torch.randperm(len(parts["train"]), generator=generator)]
        for i in order.split(args.batch):
            loss = nn.functional.cross_entropy(model(augment(x[i], generator, args.flip_rows)), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        history.append(round(accuracy("val"), 3))
    return accuracy("test"), history, (time.perf_counter() - start) / args.epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="labels.csv with the columns file, label, split")
    parser.add_argument("--size", type=int, default=64, help="side length for the network, in pixels")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=5e-3, help="highest learning rate")
    parser.add_argument("--width", type=int, default=16, help="maps of the first block")
    parser.add_argument("--flip-rows", action="store_true", help="mirror up and down too (blood cells)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-network", action="store_true", help="only the linear models")
    args = parser.parse_args()
    large, small, figures, lengths, classes, splits, names = read(args.table, args.size)
    result = {
        "classes": names,
        "pictures": {name: int((splits == name).sum()) for name in ("train", "val", "test")},
        "linear_on_pixels": linear(small, classes, splits, [20, 60, 150]),
        "linear_on_global_figures": linear(figures, classes, splits),
        "linear_on_file_size": linear(lengths, classes, splits),
    }
    if not args.no_network:
        result["network"], result["network_val_by_epoch"], result["seconds_an_epoch"] = convolutional(
            large, classes, splits, args
        )
    print(json.dumps(result, indent=None, default=lambda v: round(float(v), 4)))


if __name__ == "__main__":
    main()
