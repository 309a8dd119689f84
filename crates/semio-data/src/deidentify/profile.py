"""Makes profile.tsv: DICOM PS3.15 (2024e), table E.1-1, one row an attribute.

Usage: profile.py confidentiality_profile_attributes.json attributes.json > profile.tsv
Both files are the standard's tables as JSON (github.com/innolitics/dicom-standard, folder `standard`).

Columns: tag, value representation, action of the basic profile, and the action under an option:
characteristics (Rtn. Pat. Chars.), dates (Rtn. Long. Modif. Dates), UIDs (Rtn. UIDs), device (Rtn. Dev. Id.),
descriptors (Clean Desc.); `-` where the option changes nothing. Overlays, curves and private attributes are rules in code.
"""
import json, sys

rows, attributes = (json.load(open(path)) for path in sys.argv[1:3])
vr = {a["tag"]: a["valueRepresentation"] for a in attributes}
options = ["rtnPatCharsOpt", "rtnLongModifDatesOpt", "rtnUIDsOpt", "rtnDevIdOpt", "cleanDescOpt"]
lines = []
for row in rows:
    tag = row["tag"].strip("()").replace(",", "")
    if len(tag) != 8 or "XX" in tag.upper():
        continue
    kind = vr.get(row["tag"], "UI").split(" ")[0]
    cells = [tag.upper(), kind, row["basicProfile"].rstrip("*")] + [row.get(o, "-") for o in options]
    lines.append("\t".join(cells))
print("\n".join(sorted(lines)))
