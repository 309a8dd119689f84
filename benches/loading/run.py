"""Pictures a second of data loading with augmentation at 224 px: Semio beside torchvision.

Same files, same machine, in turn, medians. See benches/README.md.
"""

import argparse
import csv
import json
import statistics
import subprocess
import time
from pathlib import Path

from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2


class Files(Dataset):
    """The training pictures of one table."""

    transform = transforms.Compose(
        [
            transforms.Resize((224, 224)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(
                degrees=10,
                translate=(0.06, 0.06),
                scale=(0.9, 1.1),
                interpolation=transforms.InterpolationMode.BILINEAR,
            ),
            transforms.ColorJitter(brightness=0.08, contrast=0.15),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )

    def __init__(self, labels):
        with open(labels, newline="") as lines:
            self.files = [labels.parent / row["file"] for row in csv.DictReader(lines) if row["split"] == "train"]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as image:
            return self.transform(image.convert("RGB")), 0


def program():
    """Builds the Rust side and gives its path."""
    command = "cargo bench -p semio-train --bench loading --no-run --message-format=json"
    lines = subprocess.run(command.split(), cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    built = (json.loads(line) for line in lines)
    return next(b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "loading")


def semio(binary, labels, cache, epochs):
    """Gives the last epoch's pictures a second."""
    command = [binary, labels, str(cache), str(epochs), str(THREADS)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    last = json.loads(out.splitlines()[-1])
    return last["pictures"] / last["seconds"], last["pictures"]


def torchvision(loader):
    """Gives one epoch's pictures a second."""
    started = time.perf_counter()
    seen = sum(len(batch) for batch, _ in loader)
    return seen / (time.perf_counter() - started), seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    binary = program()
    print("| set | pictures | torchvision /s | Semio, nothing kept /s | ratio | Semio, later epochs /s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in ["brain_tumor_mri", "leukemia_all"]:
        labels = args.data / name / "labels.csv"
        loader = DataLoader(Files(labels), 32, shuffle=True, num_workers=THREADS, persistent_workers=True)
        torchvision(loader)  # starts the workers and brings the files into the system's cache
        rounds = []
        for _ in range(args.rounds):
            theirs, seen = torchvision(loader)
            fresh, ours = semio(binary, labels, 0, 1)
            kept, _ = semio(binary, labels, 1024, 2)
            assert seen == ours, f"{seen} and {ours} pictures"
            rounds.append((theirs, fresh, kept))
        theirs, fresh, kept = (statistics.median(r) for r in zip(*rounds))
        ratios = [statistics.median(r[i] / r[0] for r in rounds) for i in (1, 2)]
        print(f"| {name} | {seen} | {theirs:.0f} | {fresh:.0f} | {ratios[0]:.2f} | {kept:.0f} | {ratios[1]:.2f} |")
        for i, what in enumerate(["torchvision", "nothing kept", "later epochs"]):
            print(f"<!-- {what}: {' '.join(f'{r[i]:.0f}' for r in rounds)} -->")
        del loader


if __name__ == "__main__":
    main()
