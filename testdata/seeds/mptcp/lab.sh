#!/bin/bash
# Records the mptcp-*.pcap captures: two hosts, of which the client has two addresses. Root, Linux.
# Run in an empty directory with peer.py; writes close.pcap, abort.pcap and remove.pcap.
set -e
A=tunmpA; B=tunmpB
cleanup() { ip netns del $A 2>/dev/null || true; ip netns del $B 2>/dev/null || true; }
trap cleanup EXIT
cleanup
ip netns add $A; ip netns add $B
ip link add va netns $A type veth peer name vb netns $B
ip -n $A addr add 192.0.2.1/24 dev va; ip -n $A addr add 192.0.2.11/24 dev va; ip -n $B addr add 192.0.2.2/24 dev vb
ip -n $A link set va up; ip -n $B link set vb up; ip -n $A link set lo up; ip -n $B link set lo up
ip netns exec $A sysctl -qw net.mptcp.enabled=1; ip netns exec $B sysctl -qw net.mptcp.enabled=1
ip -n $A mptcp limits set subflow 2 add_addr_accepted 2; ip -n $B mptcp limits set subflow 2 add_addr_accepted 2
ip -n $A mptcp endpoint add 192.0.2.11 dev va subflow id 5
sleep 0.5
for how in close abort remove; do
ip netns exec $B tcpdump -i vb -w $how.pcap --time-stamp-precision=nano -U tcp 2>/dev/null & T=$!
sleep 0.7
ip netns exec $B python3 peer.py server $how & S=$!
sleep 0.4
ip netns exec $A python3 peer.py client $how $A || true
wait $S || true
sleep 0.5
kill $T; wait $T 2>/dev/null || true
done
