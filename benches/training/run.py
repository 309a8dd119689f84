"""Time of one training epoch of r2-cnn at 128 px: Semio beside PyTorch.

Same pictures, augmentation, network, batch size and optimiser; same machine, in turn, medians. An epoch is training
and validation, as in history.csv. Each side has two threads to compute and two that load pictures, and keeps the
resized pictures in memory. See benches/README.md.
"""

import argparse
import csv
import json
import statistics
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

ROOT = Path(__file__).resolve().parents[2]
SEMIO = ROOT / "target/release/semio"
THREADS = 2
SIDE = 128


class Block(nn.Module):
    """Two 3×3 convolutions with batch norm beside a 1×1 shortcut."""

    def __init__(self, maps, out):
        super().__init__()
        self.conv1 = nn.Conv2d(maps, out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        conv = nn.Conv2d(maps, out, 1, bias=False)
        self.shortcut = nn.ModuleDict({"conv": conv, "bn": nn.BatchNorm2d(out)})

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + self.shortcut["bn"](self.shortcut["conv"](x)))


class R2Cnn(nn.Module):
    """crates/semio-nn/src/arch/r2_cnn.rs for pictures of 64 pixels and more."""

    def __init__(self, channels, outputs):
        super().__init__()
        self.stem = nn.ModuleDict(
            {"conv": nn.Conv2d(channels, 24, 5, stride=2, padding=2, bias=False), "bn": nn.BatchNorm2d(24)}
        )
        self.block1 = Block(24, 48)
        self.block2 = Block(48, 96)
        self.block3 = Block(96, 160)
        self.fc1 = nn.Linear(160, 96)
        self.fc2 = nn.Linear(96, outputs)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        x = functional.relu(self.stem["bn"](self.stem["conv"](x)))
        for block in (self.block1, self.block2, self.block3):
            x = block(functional.max_pool2d(x, 2))
        x = self.dropout(x.mean((2, 3)))
        return self.fc2(self.dropout(functional.relu(self.fc1(x))))


class Pictures(Dataset):
    """One part of the data, resized once."""

    def __init__(self, labels, part, mode, varied):
        with open(labels, newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["split"] == part]
        classes = sorted({row["label"] for row in rows})
        self.labels = [classes.index(row["label"]) for row in rows]
        resize = transforms.Resize((SIDE, SIDE))
        self.images = [resize(Image.open(labels.parent / row["file"]).convert(mode)) for row in rows]
        channels = len(mode)
        steps = [
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(
                degrees=10,
                translate=(0.06, 0.06),
                scale=(0.9, 1.1),
                interpolation=transforms.InterpolationMode.BILINEAR,
            ),
            transforms.ColorJitter(brightness=0.08, contrast=0.15),
        ]
        last = [transforms.ToTensor(), transforms.Normalize([0.5] * channels, [0.25] * channels)]
        self.transform = transforms.Compose((steps if varied else []) + last)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]


def semio(labels, folder):
    """Trains two epochs and gives the second one's seconds."""
    command = [SEMIO, "train", "--quiet", "--data", labels, "--model", "r2-cnn", "--image-size", str(SIDE)]
    command += ["--epochs", "2", "--threads", str(THREADS), "--seed", "1", "-o", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(folder / "history.csv", newline="") as lines:
        return float(list(csv.DictReader(lines))[1]["seconds"])


class Peer:
    """The same in PyTorch."""

    def __init__(self, labels, run):
        """Takes batch size, colour and classes from a run of Semio, and holds the network against its weights."""
        recipe = tomllib.loads((run / "recipe.toml").read_text())
        bundle = json.loads((run / "bundle/bundle.json").read_text())
        color = next(step["to"] for step in bundle["pipeline"] if step["step"] == "color")
        mode = {"grey": "L", "rgb": "RGB"}[color]
        self.network = R2Cnn(len(mode), len(bundle["classes"]))
        fresh = {name: value.clone() for name, value in self.network.state_dict().items()}
        missing, unknown = self.network.load_state_dict(load_file(run / "bundle/model.safetensors"), strict=False)
        if unknown or any(not name.endswith("num_batches_tracked") for name in missing):
            raise SystemExit(f"the networks differ: {missing} {unknown}")
        self.val = self.loader(Pictures(labels, "val", mode, False), recipe["batch-size"], False)
        self.compare(bundle)
        self.network.load_state_dict(fresh)
        self.train = self.loader(Pictures(labels, "train", mode, True), recipe["batch-size"], True)
        self.optimizer = torch.optim.Adam(self.network.parameters(), recipe["learning-rate"], eps=1e-7)
        self.recipe = recipe

    @staticmethod
    def loader(pictures, batch, shuffle):
        return DataLoader(pictures, batch, shuffle, num_workers=THREADS, persistent_workers=True)

    def compare(self, bundle):
        """Stops unless both networks give the same accuracy with the same weights: then they are the same network."""
        accuracy = self.validate()
        expected = bundle["metrics"]["accuracy"]
        if bundle["metrics"]["part"] != "val" or abs(accuracy - expected) > 0.005:
            raise SystemExit(f"the networks differ: accuracy {expected} in Semio, {accuracy} in PyTorch")

    def validate(self):
        self.network.eval()
        with torch.no_grad():
            return sum((self.network(x).argmax(1) == y).sum().item() for x, y in self.val) / len(self.val.dataset)

    def epoch(self):
        """Trains and validates once, and gives the seconds."""
        started = time.perf_counter()
        self.network.train()
        for x, y in self.train:
            self.optimizer.zero_grad()
            loss = functional.cross_entropy(self.network(x), y)
            loss.backward()
            self.optimizer.step()
            loss.item()
        self.validate()
        return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data/brain_tumor_mri/labels.csv")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--bin", "semio"], cwd=ROOT, check=True)
    torch.set_num_threads(THREADS)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as scratch:
        peer = None
        for i in range(args.rounds):
            run = Path(scratch) / f"run{i}"
            ours.append(semio(args.data, run))
            if peer is None:
                peer = Peer(args.data, run)
                peer.epoch()  # starts the workers
            theirs.append(peer.epoch())
    pictures = len(peer.train.dataset)
    print("| pictures | batch | PyTorch, s an epoch | Semio, s an epoch | Semio's time / PyTorch's |")
    print("|---|---|---|---|---|")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(
        f"| {pictures} | {peer.recipe['batch-size']} | {statistics.median(theirs):.1f} "
        f"| {statistics.median(ours):.1f} | {ratio:.2f} |"
    )
    print(f"<!-- PyTorch: {' '.join(f'{s:.1f}' for s in theirs)}; Semio: {' '.join(f'{s:.1f}' for s in ours)} -->")


if __name__ == "__main__":
    main()
