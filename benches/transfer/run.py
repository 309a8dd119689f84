"""A frozen MobileNetV2 with a new head on one set, Semio and PyTorch in turn on the same machine.

    python benches/transfer/run.py --data PATH/labels.csv --weights PATH/mobilenet_v2.safetensors

Both train the head alone for the same number of epochs at 160 pixels, with flips, shifts, turns and zoom, validate after
every epoch, and begin with the files. PyTorch runs the whole network in every epoch, as its transfer-learning tutorial
does; Semio computes the features of four variants of each picture once. Needs torch, torchvision, pillow, safetensors.
"""

import argparse
import csv
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True, type=pathlib.Path, help="list with file, label and split")
parser.add_argument("--weights", required=True, type=pathlib.Path)
parser.add_argument("--semio", default="target/release/semio")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--rounds", type=int, default=1, help="alternations")
parser.add_argument("--only-torch", action="store_true", help=argparse.SUPPRESS)
args = parser.parse_args()


def torch_side():
    import torch
    import torchvision
    from PIL import Image
    from safetensors.torch import load_file
    from torchvision.transforms import v2

    torch.manual_seed(1)
    rows = list(csv.DictReader(args.data.open()))
    classes = sorted({row["label"] for row in rows})
    norm = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    varied = v2.Compose([v2.Resize((160, 160)), v2.RandomHorizontalFlip(),
                         v2.RandomAffine(10, translate=(0.06, 0.06), scale=(0.9, 1.1)), *norm])
    plain = v2.Compose([v2.Resize((160, 160)), *norm])

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, part, transform):
            self.rows = [row for row in rows if row["split"] == part]
            self.transform = transform

        def __len__(self):
            return len(self.rows)

        def __getitem__(self, i):
            row = self.rows[i]
            picture = Image.open(args.data.parent / row["file"]).convert("RGB")
            return self.transform(picture), classes.index(row["label"])

    workers = os.cpu_count()
    train = torch.utils.data.DataLoader(Pictures("train", varied), 16, shuffle=True, num_workers=workers)
    val = torch.utils.data.DataLoader(Pictures("val", plain), 32, num_workers=workers)
    model = torchvision.models.mobilenet_v2()
    model.load_state_dict(load_file(args.weights))
    model.requires_grad_(False)
    model.classifier[1] = torch.nn.Linear(1280, len(classes))
    optimizer = torch.optim.Adam(model.classifier[1].parameters(), 2e-3)
    best = 0.0
    for _ in range(args.epochs):
        model.eval()
        model.classifier.train()
        for pictures, labels in train:
            loss = torch.nn.functional.cross_entropy(model(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            right = sum((model(p).argmax(1) == y).sum().item() for p, y in val)
        best = max(best, right / len(val.dataset))
    print(f"{best:.4f}")


def semio_side(folder):
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    command = [args.semio, "train", "examples/r2-brain-frozen.toml", "--data", args.data, "--weights", args.weights,
               "--epochs", str(args.epochs), "--quiet", "-o", run]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    history = list(csv.DictReader((run / "history.csv").open()))
    return max(float(row["val_accuracy"]) for row in history)


if args.only_torch:
    torch_side()
    sys.exit()

ours, theirs = [], []
with tempfile.TemporaryDirectory() as folder:
    for n in range(args.rounds):
        start = time.perf_counter()
        accuracy = semio_side(pathlib.Path(folder))
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        torch = subprocess.run([sys.executable, *sys.argv, "--only-torch"], check=True, capture_output=True, text=True)
        theirs.append(time.perf_counter() - start)
        print(f"round {n + 1}: semio {ours[-1]:.1f} s (best validation accuracy {accuracy:.4f}), "
              f"pytorch {theirs[-1]:.1f} s ({torch.stdout.strip()}), ratio {theirs[-1] / ours[-1]:.1f}", flush=True)
print(f"median ratio {statistics.median(t / o for t, o in zip(theirs, ours)):.1f}")
