#!/bin/bash
# Records refused.pcap: a SYN with data that the server does not take (TCP Fast Open), then the same data
# again. Root, Linux. Run in an empty directory with peer.py.
set -e
A=tuntfoA; B=tuntfoB
cleanup() { ip netns del $A 2>/dev/null || true; ip netns del $B 2>/dev/null || true; }
trap cleanup EXIT
cleanup
ip netns add $A; ip netns add $B
ip link add va netns $A type veth peer name vb netns $B
ip -n $A addr add 192.0.2.1/24 dev va; ip -n $B addr add 192.0.2.2/24 dev vb
ip -n $A link set va up; ip -n $B link set vb up; ip -n $A link set lo up; ip -n $B link set lo up
# The client sends data without a cookie; the server takes none.
ip netns exec $A sysctl -qw net.ipv4.tcp_fastopen=5; ip netns exec $B sysctl -qw net.ipv4.tcp_fastopen=0
sleep 0.5
ip netns exec $B tcpdump -i vb -w refused.pcap --time-stamp-precision=nano -U tcp 2>/dev/null & T=$!
sleep 0.7
ip netns exec $B python3 peer.py server & S=$!
sleep 0.4
ip netns exec $A python3 peer.py client
wait $S
sleep 0.5
kill $T; wait $T 2>/dev/null || true
