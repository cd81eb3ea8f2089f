#!/usr/bin/env bash
# Counts the instructions of the release build on small generated captures, and fails where there are
# 5 % more than benches/instructions.tsv has recorded. Times of a shared machine vary by more than a
# slow change slows; these counts vary by a thousandth.
#
#   benches/instructions.sh             compare
#   UPDATE=1 benches/instructions.sh    record what is counted now: a change of its own in a commit
#
# Counted by callgrind: instructions in the program itself, and its calls into libraries, which are
# allocations and copies mostly. What is executed inside of libraries is not counted: that differs
# from one C library and one processor to the next. Neither are cache misses.
#
# Needs valgrind. WHOCLOSED=FILE counts another binary, built without `-C target-cpu`.
set -euo pipefail
cd "$(dirname "$0")/.."
record=$PWD/benches/instructions.tsv
allowed=5

# What the generator is told, but for the name of the file.
captures=(
    "short 20000 --slots 200"
    "bulk 20000 --slots 20"
    "scan 20000"
    "longlived 20000 --slots 2000"
)
declare -A reports=([json]="--format json" [summary]="--summary")

command -v valgrind >/dev/null || { echo "valgrind is missing" >&2; exit 2; }
# The program as it is shipped, not for the processor of this machine: empty flags stand above those of
# a configuration.
unset CARGO_ENCODED_RUSTFLAGS
export RUSTFLAGS=
artifact() { sed -n "s/.*\"executable\":\"\([^\"]*\/$1\)\".*/\1/p"; }
build() { cargo build --locked --release --quiet --message-format json "$@"; }
capgen=$(build --manifest-path benches/capgen/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}" |
    artifact capgen)
program=${WHOCLOSED:-$(build --bin whoclosed | artifact whoclosed)}
program=$(realpath "$program")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# With more threads it depends on who comes first.
threads=(--threads 1)

# Sums up what callgrind wrote: a line of cost belongs to the object named last, one after `calls=` to
# what is called there and was counted there.
sum() {
    awk -v program="$program" '
        /^c?ob=/ {
            split($0, part, "[()]")
            if (index($0, ") " program) && substr($0, length($0) - length(program) + 1) == program)
                ours = part[2]
            if ($0 ~ /^cob/) called = part[2]; else here = part[2]
            next
        }
        /^calls=/ {
            split($1, part, "=")
            if (here == ours && called != "" && called != ours) calls += part[2]
            called = ""
            skip = 1
            next
        }
        /^[0-9+*-]/ {
            if (!skip && here == ours) instructions += $2
            skip = 0
        }
        END { printf "%d\t%d\n", instructions, calls }
    ' "$1"
}

count() {
    local capture report
    printf 'capture\treport\tinstructions\tcalls\n'
    for capture in "${captures[@]}"; do
        read -ra told <<<"$capture"
        "$capgen" "${told[@]:0:2}" "${told[0]}.pcap" "${told[@]:2}" >/dev/null
        for report in json summary; do
            read -ra options <<<"${reports[$report]}"
            # The environment is part of what a process begins with.
            env -i PATH="$PATH" valgrind --quiet --tool=callgrind --callgrind-out-file=out \
                "$program" "${options[@]}" "${threads[@]}" "${told[0]}.pcap" >/dev/null
            printf '%s\t%s\t%s\n' "${told[0]}" "$report" "$(sum out)"
        done
    done
}

count >now
if [ -n "${UPDATE:-}" ]; then
    cp now "$record"
    cat "$record"
    exit
fi
awk -F '\t' -v allowed="$allowed" '
    FNR == 1 { next }
    NR == FNR { recorded[$1 " " $2] = $3; recorded_calls[$1 " " $2] = $4; next }
    { compare($1 " " $2, "instructions", recorded[$1 " " $2], $3) }
    { compare($1 " " $2, "calls", recorded_calls[$1 " " $2], $4) }
    function compare(what, unit, before, now, change) {
        if (!before) {
            printf "%-18s %10d %-12s not recorded\n", what, now, unit
            failed = 1
            return
        }
        change = (now - before) * 100 / before
        more = change > allowed ? "  MORE" : ""
        printf "%-18s %10d %-12s %+6.2f %%%s\n", what, now, unit, change, more
        if (change > allowed) failed = 1
    }
    END { exit failed }
' "$record" now || {
    echo "More than $allowed % above benches/instructions.tsv." >&2
    echo "If that is what it costs: UPDATE=1 benches/instructions.sh, and say why in the commit." >&2
    exit 1
}
