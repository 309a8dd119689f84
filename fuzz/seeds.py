"""Puts seeds for one target into a folder: small files of the shared data, and forms that are made of them.

Usage: seeds.py TARGET FOLDER [SHARED]     SHARED is ../shared/data beside the repository
Nothing of it is kept in the repository.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

MOST = 300_000
PICTURES = {".dcm", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
FIXTURES = Path(__file__).resolve().parents[1] / "crates/semio-data/tests/fixtures"

STEPS = [
    '[{"step":"depth","range":"full"},{"step":"color","to":"rgb"},{"step":"resize","width":64,"height":64,'
    '"filter":"bilinear","fit":"stretch"},{"step":"scale"},{"step":"normalize","mean":[0.5,0.5,0.5],"std":[0.2,0.2,0.2]}]',
    '[{"step":"depth","range":{"percentile":{"low":1,"high":99}}},{"step":"color","to":"grey"},{"step":"resize",'
    '"width":48,"height":32,"filter":"bicubic","fit":"contain"},{"step":"pad","width":48,"height":32,"value":0.0},'
    '{"step":"scale"},{"step":"standardize"}]',
    '[{"step":"depth","range":{"window":{"low":-160,"high":240}}},{"step":"color","to":"grey"},{"step":"resize",'
    '"width":32,"height":32,"filter":"bilinear","fit":"cover"},{"step":"crop","width":32,"height":32},{"step":"scale"}]',
    '[{"step":"decode","detail":1},{"step":"depth","range":{"view":{"number":1}}},{"step":"color","to":"grey"},{"step":"resize","width":24,"height":24,'
    '"filter":"bicubic","fit":"stretch"},{"step":"scale"}]',
]

SHEETS = [
    b'<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>SIZE</t></is></c></row>'
    b'<row r="2"><c r="A2" t="str"><v>COVID-1</v></c><c r="B2"><v>256</v></c></row></sheetData></worksheet>'
    b'\0<sst count="1" uniqueCount="1"><si><t>FILE NAME</t></si></sst>',
    b'<worksheet><dimension ref="A1:B2"/><sheetData><row><c><f>1+1</f><v>2</v></c><c t="b"><v>1</v></c></row></sheetData>'
    b'<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells></worksheet>',
]

TABLES = [
    b"file,label,split,group,mask\na.png,x,train,p1,a.png\na.png,y,test,p1,\n",
    b"patientId,class\na,Normal\nb,Lung Opacity\n",
    b"patientId,x,y,width,height,Target\na,1,2,3,4,1\na,,,,,0\n",
    b"file;label\r\na.png;\"x;y\"\r\n",
]


def pictures(shared):
    files = [*shared.rglob("*"), *FIXTURES.rglob("*")]
    found = [f for f in files if f.suffix.lower() in PICTURES and f.is_file() and f.stat().st_size < MOST]
    by_folder = {}
    for file in sorted(found):
        by_folder.setdefault(file.parent, []).append(file)
    # Many of a data set are one kind; DICOM files and fixtures are each of their own.
    few = lambda folder: None if "dicom" == folder.parent.name or FIXTURES in folder.parents else 12
    return [f for folder, files in by_folder.items() for f in files[: few(folder)]]


def seeds(target, shared):
    if target == "tables":
        for file in sorted(shared.rglob("*.csv")):
            yield file.read_bytes()[:20_000].rpartition(b"\n")[0]
        yield from TABLES + SHEETS
        for sheet in SHEETS:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
                packed.writestr("xl/worksheets/sheet1.xml", sheet.split(b"\0")[0])
            yield out.getvalue()
        return
    files = pictures(shared)
    if target in ("dicom", "deidentify"):
        files = [f for f in files if f.suffix == ".dcm"]
    for number, file in enumerate(files):
        # Before a file to de-identify stands a byte whose bits are the options: none, all, and others in turn.
        options = [bytes([o]) for o in (0, 127, number % 128)] if target == "deidentify" else [b""]
        yield from (o + file.read_bytes() for o in options)
    if target == "pipeline":
        small = sorted(files, key=lambda f: f.stat().st_size)[::3][:60]
        for steps in STEPS:
            for file in small:
                yield steps.encode() + b"\0" + file.read_bytes()


def main():
    target, folder = sys.argv[1], Path(sys.argv[2])
    shared = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(__file__).resolve().parents[2] / "shared/data"
    folder.mkdir(parents=True, exist_ok=True)
    for content in seeds(target, shared):
        (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


main()
