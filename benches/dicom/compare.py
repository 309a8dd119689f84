"""Reads DICOM files with Semio and with pydicom, compares every pixel, and writes the matrix in docs/dicom.md.

Usage: python compare.py FOLDER [--write ../../docs/dicom.md] [--values PROGRAM]
Needs: pip install pydicom numpy pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle pyjpegls python-gdcm \
       pillow imagecodecs; cargo builds the example `dicom_values`, unless --values names one.

Lossless pixels must be equal, lossy ones within 2. Ends with 1 where they are not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.uid import UID

REPOSITORY = Path(__file__).resolve().parents[2]
LOSSY = {"1.2.840.10008.1.2.4." + n for n in ("50", "51", "81", "91", "203")}
EXTENDED = "1.2.840.10008.1.2.4.51"


def semio(files, out, program):
    build = ["cargo", "run", "--release", "-q", "-p", "semio-data", "--example", "dicom_values", "--"]
    command = [*([program] if program else build), out, *files]
    lines = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    for index, one in enumerate(found):
        raw = Path(out, f"{index}.raw")
        one["values"] = raw.read_bytes() if raw.exists() else None
    return found


def reference(file):
    """The decoded pixels, or why there are none."""
    try:
        ds = pydicom.dcmread(file, force=True)
        if not any(k in ds for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            return None, "no pixels"
        syntax = ds.file_meta.get("TransferSyntaxUID")
        if syntax == EXTENDED and ds.BitsStored == 12:
            # pylibjpeg and gdcm lose bits of these, or refuse them.
            import imagecodecs

            frame = next(generate_frames(ds.PixelData, number_of_frames=1))
            return np.asarray(imagecodecs.jpeg_decode(frame)), None
        return ds.pixel_array, None
    except Exception as error:  # whatever a reader throws is its answer
        return None, type(error).__name__


def compare(found, pixels):
    values = np.frombuffer(found["values"], pixels.dtype.newbyteorder("<"))
    if values.size != pixels.size:
        return f"{values.size} values instead of {pixels.size}"
    most = np.abs(values.astype("f8") - pixels.reshape(-1).astype("f8")).max()
    allowed = 2 if found["transfer_syntax"] in LOSSY else 0
    return None if most <= allowed else f"differs by {most}"


def kind(found):
    uid = found["transfer_syntax"]
    syntax = f"{found['transfer_syntax_name']} ({UID(uid)})"
    bits = f"{found['bits_stored']}/{found['bits_allocated']}{' signed' if found['signed'] else ''}"
    return syntax, found["photometric"], bits


def counted(answers):
    return ", ".join(a if n == 1 and len(answers) == 1 else f"{n} {a}" for a, n in Counter(answers).items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--values", help="the example dicom_values, where it is built already")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    files = sorted(arguments.folder.rglob("*.dcm"))
    with tempfile.TemporaryDirectory() as out:
        results = semio(files, out, arguments.values)
    rows, wrong, without = defaultdict(lambda: ([], [])), 0, 0
    for file, found in zip(files, results):
        pixels, refused = reference(file)
        if pixels is not None and found["values"] is not None:
            fault = compare(found, pixels)
            if fault:
                wrong += 1
                print(f"{file.name}: {fault}", file=sys.stderr)
        if found["photometric"] is None:
            without += 1
            continue
        ours, theirs = rows[kind(found)]
        ours.append("decoded" if found["values"] is not None else f"refused: {found['error']}")
        theirs.append("decoded" if pixels is not None else f"refused ({refused})")
    table = ["| transfer syntax | photometric | bits | files | Semio | pydicom |", "|---|---|---|---|---|---|"]
    for (syntax, photometric, bits), (ours, theirs) in sorted(rows.items(), key=lambda r: tuple(map(str, r[0]))):
        table.append(f"| {syntax} | {photometric} | {bits} | {len(ours)} | {counted(ours)} | {counted(theirs)} |")
    compared = sum(1 for f in results if f["values"] is not None)
    summary = f"{len(files)} files: {compared} decoded, {without} without pixels or without a layout of them."
    print(summary, f"{wrong} differ from pydicom's pixels.", sep="\n")
    if arguments.write:
        text = arguments.write.read_text()
        begin, end = "<!-- matrix -->", "<!-- end of matrix -->"
        head, rest = text.split(begin)
        tail = rest.split(end)[1]
        arguments.write.write_text("\n".join([head + begin, "", summary, "", *table, "", end + tail]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
