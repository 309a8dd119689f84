#!/bin/sh
# Fuzzes one target for some seconds on the stable toolchain, from the shared files as seeds.
#
# Usage: fuzz/run.sh [TARGET [SECONDS]]   (dicom, 600; also raster, deidentify, pipeline, tables)
#        SHARED names another place for ../shared/data; needs Python 3.
#        TIMEOUT, in seconds by the clock on the wall, is 1; on a machine that is busy with other work name more.
# A crash, a hang of more than 1 s or more than 1 GiB ends it with the input in fuzz/artifacts.
set -eu
cd "$(dirname "$0")"
target=${1:-dicom}
seconds=${2:-600}
mkdir -p "artifacts/$target"
python3 seeds.py "$target" "corpus/$target" ${SHARED:+"$SHARED"}
# Coverage is a pass of LLVM's that the stable compiler has; the sanitizers need nightly, and there is no `unsafe` here.
# Set for the host alone, or build scripts would want libFuzzer's symbols, too.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
    cargo build --release --target "$host" --bin "$target"
test "$seconds" -gt 0 || exit 0
binary=${CARGO_TARGET_DIR:-target}/$host/release/$target
exec "$binary" -max_total_time="$seconds" -timeout="${TIMEOUT:-1}" -rss_limit_mb=1024 -max_len=1048576 -len_control=0 \
    -artifact_prefix="artifacts/$target/" "corpus/$target"
