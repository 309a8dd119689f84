"""Semio's kernels beside PyTorch's, on the same machine, in turn.

    cargo build --release
    python benches/versus_pytorch/run.py --models resnet18,mobilenet_v2 --batches 1,8 --rounds 5

needs torch and torchvision in the Python that runs it. Each round runs `semio models bench` and then a PyTorch process
for the same network, batch and number of threads; a figure is the median of the rounds' medians. Printed are the times
and two ratios (above 1: Semio is faster): against PyTorch eager in its default layout, and against the best of
channels-last and, for inference, `torch.jit.optimize_for_inference`. A training step is forward, cross-entropy,
backward and Adam. The last column is Semio's peak memory as a share of PyTorch's (whole processes, eager layout).

`--keep FILE` writes each round down as it ends and counts those that are there already, so that a long measurement can be
done in pieces; `--rounds 0 --keep FILE` prints what was kept.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def worker(name, batch, size, mode, threads, runs):
    """Times PyTorch's variants in a process of their own and prints them as JSON."""
    import resource

    import torch
    import torchvision

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    def timed(once):
        times = []
        for i in range(3 + runs):
            start = time.perf_counter()
            once()
            if i >= 3:
                times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times)

    def make():
        options = {"weights": None}
        if name in ("googlenet", "inception_v3"):
            options |= {"aux_logits": False, "init_weights": False}
        return torchvision.models.get_model(name, num_classes=1000, **options)

    pictures = torch.randn(batch, 3, size, size)
    result = {}
    for layout in ("default", "channels_last"):
        format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        model, x = make().to(memory_format=format), pictures.to(memory_format=format)
        if mode == "inference":
            model.eval()
            with torch.inference_mode():
                result[layout] = timed(lambda: model(x))
        else:
            model.train()
            labels = torch.arange(batch) % 1000
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)

            def step():
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x), labels).backward()
                optimizer.step()

            result[layout] = timed(step)
        if layout == "default":
            result["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if mode == "inference":
        with torch.inference_mode():
            traced = torch.jit.optimize_for_inference(torch.jit.trace(make().eval(), pictures))
            result["optimize_for_inference"] = timed(lambda: traced(pictures))
    print(json.dumps(result))


def semio(program, name, batch, size, mode, threads, runs):
    command = [program, "models", "bench", name, "--batch", batch, "--size", size, "--mode", mode]
    command += ["--threads", threads, "--runs", runs, "--classes", 1000, "--json"]
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)


def torch_side(*settings):
    command = [sys.executable, os.path.abspath(__file__), "--worker", json.dumps(settings)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="resnet18,resnet50,vgg16,mobilenet_v2,densenet121,efficientnet_b0,convnext_tiny")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--train-batch", type=int, default=8)
    parser.add_argument("--modes", default="inference,train")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--semio", default="target/release/semio")
    parser.add_argument("--keep", help="file of rounds, one JSON object a line")
    parser.add_argument("--worker")
    options = parser.parse_args()
    if options.worker:
        return worker(*json.loads(options.worker))
    kept = Kept(options.keep)
    print("| network | mode | batch | rounds | Semio ms | PyTorch ms | channels-last | optimised | ratio | ratio to best | memory |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for mode in options.modes.split(","):
        for name in options.models.split(","):
            for batch in [options.train_batch] if mode == "train" else map(int, options.batches.split(",")):
                case = [name, batch, options.size, mode, options.threads]
                for _ in range(options.rounds):
                    kept.add(case, semio(options.semio, *case, options.runs), torch_side(*case, options.runs))
                if rounds := kept.rounds(case):
                    print(row(case, rounds), flush=True)


class Kept:
    """Rounds, in memory and, where a file is named, on the disk."""

    def __init__(self, path):
        self.path, self.all = path, []
        if path and os.path.exists(path):
            with open(path) as lines:
                self.all = [json.loads(line) for line in lines]

    def add(self, case, semio, torch):
        self.all.append({"case": case, "semio": semio, "torch": torch})
        if self.path:
            with open(self.path, "a") as file:
                file.write(json.dumps(self.all[-1]) + "\n")

    def rounds(self, case):
        return [kept for kept in self.all if kept["case"] == case]


def row(case, rounds):
    """One line of the table: medians over rounds."""
    name, batch, _, mode, _ = case
    middle = lambda side, key: statistics.median(r[side][key] for r in rounds)
    mine, eager, last = middle("semio", "median_ms"), middle("torch", "default"), middle("torch", "channels_last")
    best, optimised = last, "–"
    if mode == "inference":
        value = middle("torch", "optimize_for_inference")
        best, optimised = min(best, value), f"{value:.1f}"
    memory = middle("semio", "peak_memory_bytes") / middle("torch", "peak_memory_bytes")
    return (
        f"| {name} | {mode} | {batch} | {len(rounds)} | {mine:.1f} | {eager:.1f} | {last:.1f} | {optimised} "
        f"| {eager / mine:.2f} | {best / mine:.2f} | {memory:.2f} |"
    )


if __name__ == "__main__":
    main()
