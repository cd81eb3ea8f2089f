#!/bin/sh
# Records what tshark counts in each of these files: frames, and frames with TCP in them. The second number
# is missing where tshark does not look into a tunnel, both where it does not know the link type.
# Run here: sh tshark.sh > tshark.txt
echo "# $(tshark --version 2>/dev/null | head -1)"
count() {
    # What no header tells: that Linux's old port is VXLAN's, and that Ethernet is behind an MPLS label.
    case $file in
        *controlword*) as=mpls.label==34,pwethcw ;;
        *pseudowire*) as=mpls.label==34,pwethnocw ;;
        *) as=udp.port==8472,vxlan ;;
    esac
    tshark -r "$file" -d "$as" "$@" -T fields -e frame.number 2>/dev/null | wc -l
}
for file in *.pcap *.pcapng *.gz *.zst *.lz4; do
    frames=$(count)
    tcp=$(count -Y tcp)
    [ "$frames" -gt 0 ] || frames=
    [ "$tcp" -gt 0 ] || tcp=
    echo "$file" $frames $tcp
done
