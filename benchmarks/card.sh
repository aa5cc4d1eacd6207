#!/usr/bin/env bash
# Measure fflib on a card, on a machine without network. It is meant to take under five minutes.
#
#   benchmarks/card.sh FOLDER
#
# FOLDER gets card.json, a short benchmark; sweep.json and records/, a small grid that is trained
# side by side and measured; and seconds.txt, how long each took. What an earlier call left there is
# removed. FFLIB_DATA names the folder where MNIST lies. PYTHON names an interpreter that has torch;
# WHEELS, a folder of whatever else it needs, filled where there is a network, for Python 3.12 by
#
#   pip download --only-binary=:all: --python-version 3.12 --dest WHEELS --no-deps pydantic \
#       pydantic-core annotated-types typing-inspection dask distributed locket partd tblib zict \
#       tornado cryptography cffi pycparser scikit-dimension
set -euo pipefail
mkdir -p "${1:?name a folder for the results: benchmarks/card.sh FOLDER}"
out=$(cd "$1" && pwd)
rm -rf "$out"/{card.json,sweep.json,seconds.txt,records}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -n ${WHEELS:-} ]]; then
    "$python" -m pip install --quiet --no-index --no-deps --target "$work/site" "$WHEELS"/*.whl
fi
# The package runs from here; its metadata is all that an installation would add.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
mkdir -p "$work/site/forward_forward_ensembles-$version.dist-info"
printf 'Metadata-Version: 2.1\nName: forward-forward-ensembles\nVersion: %s\n' "$version" \
    > "$work/site/forward_forward_ensembles-$version.dist-info/METADATA"
export PYTHONPATH=$PWD:$work/site${PYTHONPATH:+:$PYTHONPATH}

timed() {
    local started=$SECONDS
    "${@:2}"
    echo "$1 $((SECONDS - started))" | tee -a "$out/seconds.txt" >&2
}
bench() { "$python" -m fflib bench --quick --device "${DEVICE:-cuda}" --json > "$out/card.json"; }
sweep() { "$python" -m fflib sweep "$work/grid.yml" --store "$out/records" --jobs 1 --json > "$out/sweep.json"; }

printf 'dataset: %s\nmodel: [ff, bp-ff, bp]\nepochs: 10\nseed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n' \
    "${DATASET:-mnist}" > "$work/grid.yml"
timed bench bench
timed sweep sweep
