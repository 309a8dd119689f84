"""Predicts one picture with a Semio bundle, in Python: safetensors and torchvision alone.

For bundles whose architecture torchvision has (resnet18, mobilenet_v2).
"""

import json
import sys
from pathlib import Path

import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms.functional import pil_to_tensor


def prepare(steps: list[dict], picture: Image.Image) -> torch.Tensor:
    """Replays the bundle's pipeline on a picture of 8 bits."""
    for step in steps:
        match step["step"]:
            case "depth":
                assert step["range"] == "full" or step["range"].get("kind") == "full", step
            case "color":
                picture = picture.convert("L" if step["to"] == "grey" else "RGB")
            case "resize":
                assert step["fit"] == "stretch", step
                kind = Image.Resampling[step["filter"].upper()]
                picture = picture.resize((step["width"], step["height"]), kind)
            case "scale":
                values = pil_to_tensor(picture).float() / 255
            case "normalize":
                mean, std = torch.tensor(step["mean"]), torch.tensor(step["std"])
                values = (values - mean[:, None, None]) / std[:, None, None]
            case other:
                raise ValueError(f"this example does not know the step {other}")
    return values[None]


def main(bundle: Path, file: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    classes = manifest["classes"]
    model = torchvision.models.get_model(manifest["architecture"], num_classes=len(classes))
    model.load_state_dict(load_file(bundle / "model.safetensors"), strict=True)
    model.eval()
    with torch.no_grad():
        probabilities = model(prepare(manifest["pipeline"], Image.open(file))).softmax(1)[0].tolist()
    print(json.dumps(dict(zip(classes, probabilities))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
