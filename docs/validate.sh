#!/bin/sh
# Holds the SARIF, OSCAL and JUnit reports of a result against validators that are not ours:
#   SARIF  npx @microsoft/sarif-multitool (npm)
#   OSCAL  compliance-trestle (pip); PYTHON names the interpreter that has it
#   JUnit  xmllint, that it is well-formed
# One that is not installed is skipped loudly. Exit status: 1 where one of them complains.
set -u
result=${1:?usage: docs/validate.sh RESULT.json}
smtpspec=${SMTPSPEC:-smtpspec}
python=${PYTHON:-python3}
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
"$smtpspec" report "$result" --format sarif,oscal,junit --out "$out" --quiet
[ -s "$out/report.sarif" ] || exit 2
failed=0

if sarif=${SARIF:-$(command -v sarif-multitool)}; [ -n "$sarif" ]; then
    # What it says of style is no error.
    "$sarif" validate "$out/report.sarif" --level Error || failed=1
else
    echo "SKIPPED: SARIF: npm install --global @microsoft/sarif-multitool"
fi

if "$python" -c 'import trestle' 2>/dev/null; then
    "$python" - "$out/report.oscal.json" <<'PYTHON' || failed=1
import pathlib
import sys

from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import AssessmentResults

document = AssessmentResults.oscal_read(pathlib.Path(sys.argv[1]))
if document is None:
    sys.exit("OSCAL: the file cannot be read")
count = lambda key: sum(len(getattr(result, key) or []) for result in document.results)
print(
    f"OSCAL: taken by the model of OSCAL {OSCAL_VERSION}: {len(document.results)} results, "
    f"{count('observations')} observations, {count('findings')} findings"
)
PYTHON
else
    echo "SKIPPED: OSCAL: pip install compliance-trestle"
fi

if command -v xmllint >/dev/null; then
    xmllint --noout "$out/report.xml" && echo "JUnit: well-formed" || failed=1
else
    "$python" -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1]); print("JUnit: well-formed")' "$out/report.xml" || failed=1
fi
exit $failed
