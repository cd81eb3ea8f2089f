#!/usr/bin/env bash
# Builds the fuzz targets on the pinned stable toolchain and runs each of them for a while:
#
#   fuzz/run.sh [SECONDS [TARGET..]]
#
# The corpus is the captures of testdata/, and what earlier runs found worth keeping in
# target/fuzz/corpus. Fails on a finding and says where its input is.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-15}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(containers decoders analyze policies structured texts)

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$coverage") cargo build --locked --release --bins \
    --manifest-path fuzz/Cargo.toml --target "$host" --target-dir target/fuzz

for target in "${targets[@]}"; do
    corpus=target/fuzz/corpus/$target
    findings=target/fuzz/findings/
    mkdir -p "$corpus" "$findings"
    length=2048
    seeds=("testdata/fuzz/$target" testdata/captures testdata/seeds testdata/containers)
    if [ "$target" = structured ]; then
        # Not captures: bytes that a simulation draws from.
        length=512
        seeds=("testdata/fuzz/$target")
    fi
    if [ "$target" = texts ]; then
        # Not captures: a saved report, a file of expectations.
        length=8192
        seeds=("testdata/fuzz/$target")
    fi
    echo "== $target"
    if [ "$target" = policies ]; then
        seeds+=(testdata/policies src/check/policy/examples)
    fi
    log=$findings$target.log
    if ! "target/fuzz/$host/release/$target" -max_total_time="$seconds" -max_len=$length \
        -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$findings" \
        "$corpus" "${seeds[@]}" >"$log" 2>&1; then
        grep -m 1 -A 3 'panicked at' "$log" | cut -c 1-1000 || true
        tail -n 60 "$log"
        # Where the directory is thrown away, what is printed must do to repeat it.
        input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        [ -f "$input" ] && echo "$input in Base64:" && base64 "$input"
        echo "$target: a finding; its input is named above, in $findings" >&2
        exit 1
    fi
    grep -E '^stat::(number_of|average|peak)' "$log"
done
