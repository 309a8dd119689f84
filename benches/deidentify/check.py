"""Holds `semio data deidentify` against an independent tool and against dciodvfy, on real files.

Usage: check.py SEMIO FOLDER [WORK]
needs: pydicom, dicom-anonymizer (KitwareMedical; its own form of PS3.15, table E.1-1), dciodvfy (Debian's dicom3tools).

1. For every file that both tools write: each attribute of the basic profile that dicom-anonymizer removes, empties or
   replaces must not have its old value in Semio's file. (Semio may do more; both are told.) Codes may stay, which say
   what something is, but not within sequences that the profile replaces: there a code may be a person's.
2. The stored pixels are the same, byte by byte.
3. dciodvfy finds no more errors in the new file than in the old one.
Prints one line of JSON; ends with 1 where one of them does not hold.
"""
import json, subprocess, sys, tempfile, warnings
from pathlib import Path

import pydicom
from dicomanonymizer import anonymize_dataset

warnings.filterwarnings("ignore")
pydicom.config.settings.reading_validation_mode = 0
pydicom.config.settings.writing_validation_mode = 0


CODES = ("(0008,0100)", "(0008,0102)", "(0008,0104)")
# Sequences of PS3.15, table E.1-1, with the action D, and the codes of persons and institutions.
REPLACED = ("(0008,1072)", "(0008,1111)", "(0034,0001)", "(0040,a073)", "(0040,a730)", "(0070,0001)")
WHO = ("(0008,0082)", "(0040,1101)")
# Of a report's content: relationship, types and continuity, which are terms of the standard; coordinates, channels and
# references by number, which are no text.
MARKS = (
    "(0040,a010)", "(0040,a040)", "(0040,a050)", "(0040,a130)", "(0070,0023)",
    "(0070,0022)", "(0040,a0b0)", "(0040,db73)", "(0008,1160)",
)


def may_stay(place):
    """Whether a code or mark at this place says what something is, and not who."""
    *around, tag = [part.split("[")[0].lower() for part in place.strip("/").split("/")]
    if tag == "(0008,1150)" or tag in MARKS:
        return True
    if tag not in CODES or any(a in WHO for a in around):
        return False
    # Of a replaced sequence's codes, value and scheme stay where the scheme is a known one; meanings never do.
    return tag != "(0008,0104)" or not any(a in REPLACED for a in around)


def elements(ds, path=""):
    """Every element with its place, sequences followed."""
    for e in ds:
        here = f"{path}/{e.tag}"
        if e.VR == "SQ":
            for i, item in enumerate(e.value):
                yield from elements(item, f"{here}[{i}]")
        else:
            yield here, e


def values(ds):
    skip = {0x7FE00010}
    return {place: str(e.value) for place, e in elements(ds) if e.tag not in skip and str(e.value).strip()}


def errors(path):
    out = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True)
    return sum(line.startswith(b"Error") for line in (out.stderr + out.stdout).splitlines())


def main():
    semio, folder = sys.argv[1], Path(sys.argv[2])
    work = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp())
    key, out, mapping = work / "key", work / "out", work / "mapping.csv"
    key.write_text("f3c1" * 16)
    subprocess.run([semio, "data", "deidentify", folder, out, "--key", key, "--mapping", mapping, "--quiet"],
                   stdout=subprocess.DEVNULL)
    import csv
    rows = list(csv.DictReader(mapping.open()))
    found = {"files": len(rows), "written": 0, "compared": 0, "left": [], "pixels": [], "worse": [], "marked": 0}
    for row in rows:
        if not row["file"]:
            continue
        found["written"] += 1
        old_path, new_path = Path(row["source"]), out / row["file"]
        before, after = errors(old_path), errors(new_path)
        if after > before:
            found["worse"].append([str(old_path.relative_to(folder)), before, after])
        try:
            old, new = (pydicom.dcmread(p, force=True) for p in (old_path, new_path))
            old_values = values(old)
        except Exception:
            continue
        found["marked"] += new.get("PatientIdentityRemoved") == "YES"
        if "PixelData" in old and not old.file_meta.get("TransferSyntaxUID", "").startswith("1.2.840.10008.1.2.1.99"):
            a, b = old.PixelData, new.PixelData
            if a.rstrip(b"\0") != b.rstrip(b"\0"):
                found["pixels"].append(str(old_path.relative_to(folder)))
        try:
            reference = pydicom.dcmread(old_path, force=True)
            anonymize_dataset(reference, delete_private_tags=True)
            reference = values(reference)
        except Exception:
            continue
        found["compared"] += 1
        mine = values(new)
        for place, value in old_values.items():
            # What names a kind of thing (SOP classes, codes) says nothing of the patient; the reference drops whole
            # sequences where the standard lets their items be cleaned (X/Z/U*).
            if may_stay(place):
                continue
            if reference.get(place) != value and mine.get(place) == value and value not in ("ANONYMOUS", "0", "00010101"):
                found["left"].append([str(old_path.relative_to(folder)), place])
    found["left"] = found["left"][:40]
    print(json.dumps(found))
    sys.exit(bool(found["left"] or found["pixels"] or found["worse"]))


main()
