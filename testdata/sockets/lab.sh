#!/bin/bash
# Records sockets.pcap and the listings beside it: two hosts, the capture at the server's. Root, Linux,
# with iproute2, net-tools, lsof, nft, tcpdump. Run in an empty directory with peers.py beside this script.
set -e
HERE=$(dirname "$(readlink -f "$0")")
A=clsoA; B=clsoB
cleanup() { ip netns del $A 2>/dev/null || true; ip netns del $B 2>/dev/null || true; }
trap cleanup EXIT
cleanup
ip netns add $A; ip netns add $B
ip link add va netns $A type veth peer name vb netns $B
for end in "$A va 1" "$B vb 2"; do
  set -- $end
  ip -n $1 addr add 192.0.2.$3/24 dev $2; ip -n $1 -6 addr add 2001:db8::$3/64 dev $2 nodad
  ip -n $1 link set $2 up; ip -n $1 link set lo up
  ip netns exec $1 ethtool -K $2 tx off tso off gso off gro off >/dev/null 2>&1 || true
done
ip netns exec $A nft add table inet cut
ip netns exec $A nft 'add chain inet cut in { type filter hook input priority 0; }'
ip netns exec $A nft 'add set inet cut ports { type inet_service; }'
ip netns exec $A nft 'add rule inet cut in tcp dport @ports drop'
sleep 0.5
python3 "$HERE/peers.py" $A $B
