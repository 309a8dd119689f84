"""Writes published.csv: torchvision's published ImageNet weights, read from the source of an unpacked torchvision wheel.

    pip download --no-deps torchvision==0.29.2 && unzip torchvision-*.whl -d wheel
    python published.py wheel > published.csv

Of each network the weights that torchvision calls DEFAULT. torchvision publishes the first 8 (sometimes 10) hexadecimal digits of each
file's SHA-256, in its name, and its size in MiB to three digits; so does this table. `signed`: the network wants values
from -1 to 1 (mean and deviation 0.5) instead of ImageNet's mean and deviation; torchvision's own GoogLeNet and Inception
v3 come to that by `transform_input`.
"""

import ast
import pathlib
import re
import sys

print("model,url,sha256,mebibytes,size,normalized")
for path in sorted(pathlib.Path(sys.argv[1], "torchvision/models").glob("*.py")):
    for cls in ast.parse(path.read_text()).body:
        if not (isinstance(cls, ast.ClassDef) and cls.name.endswith("_Weights")):
            continue
        entries = {a.targets[0].id: a.value for a in cls.body if isinstance(a, ast.Assign)}
        default = entries["DEFAULT"]
        weights = entries[default.id] if isinstance(default, ast.Name) else default
        given = {k.arg: k.value for k in weights.keywords}
        url = ast.literal_eval(given["url"])
        meta = {k.value: v for k, v in zip(given["meta"].keys, given["meta"].values) if k is not None}
        steps = {k.arg: k.value for k in given["transforms"].keywords}
        signed = "mean" in steps or cls.name in ("GoogLeNet_Weights", "Inception_V3_Weights")
        if "mean" in steps:
            assert ast.literal_eval(steps["mean"]) == ast.literal_eval(steps["std"]) == (0.5, 0.5, 0.5)
        sha256 = re.search(r"-([0-9a-f]{8,})\.pth$", url).group(1)
        print(cls.name.removesuffix("_Weights").lower(), url, sha256, ast.literal_eval(meta["_file_size"]),
              ast.literal_eval(steps["crop_size"]), "signed" if signed else "imagenet", sep=",")
