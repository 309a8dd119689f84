"""Writes imagenet_classes.txt: the 1000 ImageNet classes in torchvision's order, from an unpacked torchvision wheel.

    python imagenet_classes.py wheel > imagenet_classes.txt
"""

import ast
import pathlib
import sys

source = ast.parse(pathlib.Path(sys.argv[1], "torchvision/models/_meta.py").read_text())
print(*next(ast.literal_eval(a.value) for a in source.body
            if isinstance(a, ast.Assign) and a.targets[0].id == "_IMAGENET_CATEGORIES"), sep="\n")
