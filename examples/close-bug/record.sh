#!/bin/sh
# Runs the test in a network namespace of its own, where no other traffic is, and records it.
# Needs root, python3 and tcpdump: record.sh bug.pcap, or record.sh fixed.pcap fixed
set -eu
capture=$(realpath -m "$1")
mode=${2:-}
cd "$(dirname "$0")"
exec unshare --net sh -eu -c '
    ip link set lo up
    # --immediate-mode and -U: no packet waits in a buffer when it ends. -s 200 leaves bodies out.
    tcpdump -i lo --immediate-mode -U -s 200 -w "$1" "tcp port 8080" 2>/dev/null &
    tcpdump=$!
    until [ -s "$1" ]; do sleep 0.1; done
    python3 server.py $2 &
    server=$!
    until ss -tln | grep -q :8080; do sleep 0.1; done
    python3 client.py || echo "the test fails"
    # The last ACK is on its way when the test ends.
    sleep 0.5
    kill "$server" "$tcpdump"
    wait "$tcpdump" || true
' sh "$capture" "$mode"
