"""Time from DICOM files to tensors of 224 px: Semio beside pydicom with its decoders and Pillow, one core each.

Usage: python speed.py FOLDER [--rounds 7] [--binary READING] [--write ../../docs/dicom.md]
Needs: pip install pydicom numpy pillow pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle, and for encoding and
       as further decoders imagecodecs pyjpegls python-gdcm; cargo builds the bench `reading` of semio-data.

FOLDER holds pydicom's own test files. Three of them, real films of 10, 12 and 15 bits, are cut to 1024 × 1024 pixels,
turned around once, and written in each of the codings; the last set is all of FOLDER that both sides decode (the first
frame of each). Both sides do the same work: read the file, decode, modality and window, resize with antialiasing, one
array of single-precision numbers; the largest difference between both is told.

Both run on the same core, in turn, as processes that live through all rounds, after one round that does not count.
`pylibjpeg` uses the decoders of that name; `fastest` the fastest of all that are installed (gdcm, CharLS, Pillow's
libjpeg-turbo and OpenJPEG, imagecodecs is not used), for the mixed folder the fastest for each file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, get_decoder, pixel_array
from pydicom.uid import UID

REPOSITORY = Path(__file__).resolve().parents[2]
FILMS = ["pydicom/MR2_J2KR.dcm", "pydicom_data/RG3_J2KR.dcm", "pydicom_data/RG1_J2KI.dcm"]
SIDE, CORE = 224, max(os.sched_getaffinity(0))
PLUGINS = ["pylibjpeg", "gdcm", "pillow", "pyjpegls", "pydicom"]


# What is measured on Python's side.


def tensor(file, color, plugin):
    ds = pydicom.dcmread(file, force=True)
    pixels = pixel_array(ds, index=0, decoding_plugin=plugin)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, ds)
    if pixels.ndim == 3:
        if pixels.dtype.itemsize > 1:
            pixels = (pixels / (257 if pixels.dtype.itemsize == 2 else 16843009) + 0.5).astype(np.uint8)
        image = Image.fromarray(pixels)
        if color == "grey":
            image = image.convert("L")
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        out = np.asarray(image, np.float32) / 255
        return out[None] if out.ndim == 2 else np.ascontiguousarray(out.transpose(2, 0, 1))
    low, high = span(ds, pixels)
    inverted = ds.PhotometricInterpretation == "MONOCHROME1"
    if low is None:
        # A table of values of interest, as pydicom applies it.
        pixels = apply_voi_lut(apply_modality_lut(pixels, ds), ds)
        low, high = 0, (1 << ds.VOILUTSequence[0].LUTDescriptor[2]) - 1
    if pixels.dtype == np.uint8 and (low, high) == (0, 255):
        image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        grey = np.asarray(image, np.float32) / 255
    else:
        scale = 1 / (high - low) if high > low else 0
        levels = np.clip((pixels.astype(np.float32) - low) * np.float32(scale), 0, 1)
        grey = np.asarray(Image.fromarray(levels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    grey = 1 - grey if inverted else grey
    return np.repeat(grey[None], 3, 0) if color == "rgb" else grey[None]


def span(ds, pixels):
    """The stored values that become black and white: of the first window, or as Semio's `full` depth says."""
    slope, intercept = float(ds.get("RescaleSlope", 1) or 1), float(ds.get("RescaleIntercept", 0) or 0)
    if "VOILUTSequence" in ds or "ModalityLUTSequence" in ds:
        return None, None
    center, width = ds.get("WindowCenter"), ds.get("WindowWidth")
    if center is not None and width is not None:
        first = lambda v: float(v[0] if isinstance(v, pydicom.multival.MultiValue) else v)
        center, width = first(center), first(width)
        if ds.get("VOILUTFunction", "LINEAR") == "LINEAR":
            center, width = center - 0.5, width - 1
        return ((center - width / 2 - intercept) / slope, (center + width / 2 - intercept) / slope)
    if ds.BitsStored <= 8:
        bottom = -(1 << (ds.BitsStored - 1)) if ds.PixelRepresentation else 0
        return bottom, bottom + (1 << ds.BitsStored) - 1
    return float(pixels.min()), float(pixels.max())


def serve():
    """The other process: the same commands as `crates/semio-data/benches/reading.rs`, files followed by plugins."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        command, color, *words = line.rstrip("\n").split("\t")
        if command == "values":
            out, *words = words
        jobs = list(zip(words[::2], words[1::2]))
        started = time.perf_counter()
        if command == "time":
            for file, plugin in jobs:
                tensor(file, color, plugin)
            print(time.perf_counter() - started, flush=True)
        else:
            Path(out).write_bytes(b"".join(tensor(file, color, plugin).tobytes() for file, plugin in jobs))
            print(0, flush=True)


class Side:
    def __init__(self, command):
        pin = lambda: os.sched_setaffinity(0, {CORE})
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process = subprocess.Popen(command, preexec_fn=pin, **pipes)

    def ask(self, *words):
        print(*words, sep="\t", file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


# The files.


def films(folder):
    """Real films cut to 1024 × 1024 with their window, each also turned around."""
    for name in FILMS:
        ds = pydicom.dcmread(folder / name)
        pixels, high = ds.pixel_array, 2**ds.BitsStored - 1
        top, left = ((length - 1024) // 2 for length in pixels.shape)
        pixels = np.minimum(pixels[top : top + 1024, left : left + 1024], high).astype(np.uint16)
        low, most = np.percentile(pixels, [1, 99])
        for turned in (pixels, pixels[::-1, ::-1]):
            yield ds, np.ascontiguousarray(turned), ((low + most) / 2, max(most - low, 2))


def written(path, ds, pixels, bits, window, syntax, data, **more):
    new = pydicom.Dataset()
    for tag in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"):
        new[tag] = ds[tag]
    new.PatientName, new.PatientID = "", ""
    new.Rows, new.Columns = pixels.shape
    new.SamplesPerPixel, new.PhotometricInterpretation, new.PixelRepresentation = 1, "MONOCHROME2", 0
    new.BitsAllocated, new.BitsStored, new.HighBit = 8 * pixels.itemsize, bits, bits - 1
    if window:
        new.WindowCenter, new.WindowWidth = (round(float(v), 1) for v in window)
    new.file_meta = pydicom.dataset.FileMetaDataset()
    new.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    new.PixelData = pixels.tobytes()
    if data is not None:
        new.PixelData = encapsulate([data])
        new["PixelData"].VR = "OB"
        new["PixelData"].is_undefined_length = True
        new.file_meta.TransferSyntaxUID = UID(syntax)
    elif syntax:
        new.compress(syntax, **more)
    pydicom.dcmwrite(path, new, enforce_file_format=True)


def make(folder, work):
    """The sets of 1024 × 1024: name, files."""
    import io

    import imagecodecs

    def jpeg(pixels, **options):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", **options)
        return out.getvalue()

    jls = "1.2.840.10008.1.2.4.80"
    sets = {
        "uncompressed, 16 bit": lambda p, b: dict(syntax=None, data=None),
        "RLE, 16 bit": lambda p, b: dict(syntax="1.2.840.10008.1.2.5", data=None, encoding_plugin="pylibjpeg"),
        "JPEG baseline, 8 bit": lambda p, b: dict(syntax="1.2.840.10008.1.2.4.50", data=jpeg(p, quality=90)),
        "JPEG lossless, 16 bit": lambda p, b: dict(
            syntax="1.2.840.10008.1.2.4.70", data=imagecodecs.ljpeg_encode(p, bitspersample=b)
        ),
        "JPEG-LS, 16 bit": lambda p, b: dict(syntax=jls, data=imagecodecs.jpegls_encode(p)),
        "JPEG 2000 lossless, 16 bit": lambda p, b: dict(syntax="1.2.840.10008.1.2.4.90", data=None),
        "JPEG 2000 lossy, 16 bit": lambda p, b: dict(syntax="1.2.840.10008.1.2.4.91", data=None, j2k_cr=[10]),
    }
    made = {}
    for name, encoded in sets.items():
        made[name] = []
        for index, (ds, pixels, window) in enumerate(films(folder)):
            bits = int(pixels.max()).bit_length()
            if "8 bit" in name:
                center, width = window
                pixels = (np.clip((pixels - (center - width / 2)) / width, 0, 1) * 255 + 0.5).astype(np.uint8)
                bits, window = 8, None
            path = work / f"{len(made)}-{index}.dcm"
            written(path, ds, pixels, bits, window, **encoded(pixels, bits))
            made[name].append(str(path))
    return made


def usable(file, color):
    """The plugins that decode a file with the seconds that each takes, the fastest first."""
    took = {}
    for plugin in ["", *PLUGINS]:
        try:
            ds = pydicom.dcmread(file, force=True)
            native = not ds.file_meta.TransferSyntaxUID.is_encapsulated
            if native != (plugin == ""):
                continue
            if plugin and plugin not in get_decoder(ds.file_meta.TransferSyntaxUID).available_plugins:
                continue
            times = []
            for _ in range(3):
                started = time.perf_counter()
                tensor(file, color, plugin)
                times.append(time.perf_counter() - started)
            took[plugin] = min(times)
        except Exception:  # whatever a reader throws: it does not decode this file
            continue
    return dict(sorted(took.items(), key=lambda item: item[1]))


def semio(binary, folder):
    if binary:
        return [str(binary)]
    command = "cargo bench -q -p semio-data --bench reading --no-run --message-format=json"
    lines = subprocess.run(command.split(), cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    built = [json.loads(line) for line in lines.splitlines()]
    return [next(b["executable"] for b in built if b.get("executable") and b["target"]["name"] == "reading")]


def reads(binary, file, color):
    words = f"time\t{color}\t{file}\n"
    done = subprocess.run([*binary], input=words, capture_output=True, text=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    binary = semio(arguments.binary, arguments.folder)
    ours, theirs = Side(binary), Side([sys.executable, __file__, "--serve"])
    rows = []
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        sets = {name: (files, "grey") for name, files in make(arguments.folder, work).items()}
        mixed = [str(f) for f in sorted(arguments.folder.rglob("*.dcm"))]
        sets["mixed folder"] = (mixed, "rgb")
        # Once more with what the pipeline's step `decode` leaves out; the other side decodes whole, and resizes.
        for name in ("JPEG 2000 lossless, 16 bit", "JPEG 2000 lossy, 16 bit", "mixed folder"):
            sets[f"{name}, `decode` 2"] = sets[name]
        for name, (files, color) in sets.items():
            if arguments.only not in name:
                continue
            choice = {file: usable(file, color) for file in files}
            files = [f for f in files if choice[f] and reads(binary, f, color)]
            named = {f: "pylibjpeg" if "pylibjpeg" in choice[f] else next(iter(choice[f])) for f in files}
            fastest = {f: next(iter(choice[f])) for f in files}
            mixed = name.startswith("mixed folder")
            detail = "/2" if "`decode`" in name else ""
            if not mixed:
                # One decoder for all files of a set.
                sums = {p: sum(choice[f][p] for f in files) for p in choice[files[0]]}
                fastest = dict.fromkeys(files, min(sums, key=sums.get))
            sides = {
                "semio": lambda: ours.ask("time", color + detail, *files),
                "pylibjpeg": lambda: theirs.ask("time", color, *(w for f in files for w in (f, named[f]))),
                "fastest": lambda: theirs.ask("time", color, *(w for f in files for w in (f, fastest[f]))),
            }
            if fastest == named:
                del sides["fastest"]
            far = difference(ours, theirs, files, color, detail, named, work)
            for one in sides.values():
                one()
            rounds = [{side: one() for side, one in sides.items()} for _ in range(arguments.rounds)]
            for r in rounds:
                r.setdefault("fastest", r["pylibjpeg"])
            ms = {s: 1000 * statistics.median(r[s] for r in rounds) / len(files) for s in rounds[0]}
            ratio = {s: statistics.median(r[s] / r["semio"] for r in rounds) for s in ("pylibjpeg", "fastest")}
            which = "each file's own" if mixed else fastest[files[0]] or "pydicom"
            rows.append(
                f"| {name} | {len(files)} | {ms['semio']:.2f} | {ms['pylibjpeg']:.2f} | {ratio['pylibjpeg']:.2f} |"
                f" {ms['fastest']:.2f} ({which}) | {ratio['fastest']:.2f} | {far} |"
            )
            print(rows[-1], flush=True)
    table = [
        "| files | number | Semio, ms a file | pylibjpeg, ms | ratio | fastest, ms | ratio | tensors differ by |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]
    print("\n".join(table))
    if arguments.write:
        text = arguments.write.read_text()
        begin, end = "<!-- speed -->", "<!-- end of speed -->"
        head, rest = text.split(begin)
        tail = rest.split(end)[1]
        arguments.write.write_text("\n".join([head + begin, "", *table, "", end + tail]))


def difference(ours, theirs, files, color, detail, plugins, work):
    """The largest difference of two tensors: its median over the files, and of all."""
    ours.ask("values", color + detail, work / "ours", *files)
    theirs.ask("values", color, work / "theirs", *(w for f in files for w in (f, plugins[f])))
    a, b = (np.fromfile(work / n, "<f4").reshape(len(files), -1) for n in ("ours", "theirs"))
    each = np.abs(a - b).max(1)
    for index in np.argsort(-each)[:8]:
        if each[index] > 0.02:
            print(f"{files[index]}: the tensors differ by {each[index]:.3f}", file=sys.stderr)
    return f"{np.median(each):.4f}, at most {each.max():.3f}"


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
