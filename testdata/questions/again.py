"""Questions 8 to 10: clocks behind one address, the same port again, ports that run out."""
from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from typing import Any

from tools import *  # noqa: F403
from tools import App, Lab, Seg, Service, case, kinds, seq_diff  # noqa: F401
from packets import forge, shift_ts  # noqa: F401
from wire import Rule, drop, dup, final_ack, has_data  # noqa: F401

MID = ("mid",)


# ------------------------------------------------------------------ 8 SYNs that are ignored

CLOCK = {"client": {"ipv4.tcp_timestamps": 2}}      # one clock for all connections, as with a NAT of plain hosts


def move(lab: Lab, shifts: dict[range, int]) -> None:
    """The client's ports of a range belong to a host with another clock."""
    for ports, shift in shifts.items():
        lab.did(f"the wire moves the client's TSval by {shift} on ports {ports.start} to {ports.stop - 1}")
        lab.wire.add(Rule("client", lambda s, r=ports: s.sport in r, "edit", None, "before_mid", quiet=True,
                          edit=lambda f, s, v=shift: shift_ts(f, v, 0)))
        lab.wire.add(Rule("server", lambda s, r=ports: s.dport in r, "edit", None, "after_mid", quiet=True,
                          edit=lambda f, s, v=shift: shift_ts(f, 0, -v)))


def clocks(lab: Lab, shifts: tuple[int, ...] = (-50_000_000,), each: int = 4, recycle: bool = False) -> None:
    """Hosts with different clocks behind one address; `recycle`: the wire drops SYNs as tcp_tw_recycle did."""
    service = Service(lab, lambda app: answer_all(app, 0.3))
    ranges = [range(45000 + 100 * (i + 1), 45100 + 100 * (i + 1)) for i in range(len(shifts))]
    move(lab, dict(zip(ranges, shifts)))
    hosts = {"A": [45001 + i for i in range(each)]}
    hosts.update({"BCD"[i]: [r.start + 1 + k for k in range(each)] for i, r in enumerate(ranges)})
    dropped: list[int] = []
    if recycle:
        old = drop("client", lambda s: s.sport >= 45100 and s.flags & 18 == 2, None, "after_mid",
                   "as tcp_tw_recycle: an older TSval within 60 s")
        lab.wire.add(old)

    def one(port: int) -> Any:
        def go() -> None:
            c = lab.client(port)
            if isinstance(c.connect((lab.addr["server"], 80)), OSError):
                dropped.append(port)
                return
            exchange(c, request("/"))
            c.recv_eof()
            c.close()
        return go
    order = [p for group in zip(*hosts.values()) for p in group]
    together([one(p) for p in order], 0.15)
    lab.sleep(0.5)
    service.stop()
    flows = []
    for name, ports in hosts.items():
        for p in ports:
            syns = times(lab, p, "client", lambda s: s.flags & 18 == 2)["mid"]
            tsval = next(s.ts[0] for _, _, side, s in segments(lab, "mid", p) if side == "client" and s.ts)
            flows.append({"client_port": p, "host": name, "syn_tsval": tsval, "syns": len(syns), "syn": syns[0],
                          "syn_intervals_s": intervals(syns), "answered": p not in dropped})
    flows.sort(key=lambda f: f["syn"]["time"])
    tell(lab, 8, {"address": lab.addr["client"], "clocks": 1 + len(shifts), "ticks_per_s": 1000, "simulated": recycle,
                  "shifts_ticks": {"BCD"[i]: s for i, s in enumerate(shifts)}, "flows": flows,
                  "unanswered": sorted(dropped),
                  "note": "the server is a present kernel; the wire drops the SYNs that Linux before 4.12 with tcp_tw_recycle=1 "
                          "would have dropped" if recycle else "a present kernel answers them all"})


case("nat-two-clocks", "two hosts behind one address, clocks 14 hours apart; a present kernel answers both", clocks,
     kinds("graceful server x8"), sysctl=CLOCK)
case("nat-three-clocks", "three hosts behind one address", clocks, kinds("graceful server x9"), shifts=(-50_000_000, 90_000_000),
     each=3, sysctl=CLOCK, points=MID)
case("nat-tw-recycle", "two hosts behind one address; the SYNs with the older clock are dropped (simulated tcp_tw_recycle)",
     clocks, [c for _ in range(4) for c in kinds("graceful server; syn-timeout")], recycle=True,
     sysctl={"client": {"ipv4.tcp_timestamps": 2, "ipv4.tcp_syn_retries": 2, "ipv4.tcp_syn_linear_timeouts": 0}})


def nat_time_wait(lab: Lab, shift: int = -50_000_000, port: int = 45101) -> None:
    """Host A's port is in the server's TIME-WAIT; host B comes from the same address and port with an older clock."""
    service = Service(lab, lambda app: answer_all(app, 0.2))
    hosts = []
    for i in range(4):
        if i == 1:
            move(lab, {range(45100, 45200): shift})
        p = 45001 + i if i > 1 else port
        c = connect(lab, p)
        exchange(c, request("/"))
        c.recv_eof()
        c.close()
        hosts.append(p)
        lab.sleep(0.4)
    service.stop()
    syns = times(lab, port, "client", lambda s: s.flags & 18 == 2)["mid"]
    answer = mark(lab, port, "server", lambda s: s.flags & 18 == 18, 2)["mid"]
    old = mark(lab, port, "server", is_fin)["mid"]
    tell(lab, 8, {"port": port, "tsval_shift": shift, "step_back_s": -shift / 1000, "syns_of_second": syns[1:],
                  "syn_ack_of_second": answer, "cost_s": round(answer["time"] - syns[1]["time"], 6),
                  "reuse_after_fin_s": round(syns[1]["time"] - old["time"], 6),
                  "rst_by_client": mark(lab, port, "client", is_rst), "other_ports": hosts[2:]})


case("nat-paws-time-wait", "a second host's older clock meets the first one's TIME-WAIT: old ACK, RST, SYN again",
     nat_time_wait, [*kinds("graceful server"), {"kind": "graceful", "handshake_rst": ["client"]},
                     *kinds("graceful server x2")], sysctl=CLOCK)


# ------------------------------------------------------------------ 9 the same port again

def shift_seq(frame: bytes, seq: int, ack: int) -> bytes:
    """The frame with SEQ and ACK moved."""
    s = parse(frame)
    if s is None:
        return frame
    b = bytearray(frame)
    struct.pack_into("!I", b, s.l4 + 4, (s.seq + seq) % MOD)
    if s.flags & 16 or ack and s.ack:
        struct.pack_into("!I", b, s.l4 + 8, (s.ack + ack) % MOD)
    return fix_checksums(bytes(b))


def again(lab: Lab, port: int = 45001, isn_back: int = 0, swallow: int = 0, pause: float = 0.5, first: str = "server") -> None:
    """A connection, and the same 4-tuple again `pause` s later; `isn_back` lowers the second ISN, `swallow` SYNs are lost."""
    lst = lab.listen()

    def one(name: str) -> None:
        p = lab.pair(port, lst, name)
        lab.talk(p)
        lab.sleep(0.05)
        p[first].close()
        p[other(first)].recv_eof()
        p[other(first)].close()
    one("1")
    lab.sleep(pause)
    if isn_back:
        syn = [s for _, _, side, s in segments(lab, "client", port) if side == "client"]
        lab.did(f"from here the wire lowers the client's sequence numbers by {isn_back}")
        first_isn, cut = syn[0].seq, [False]

        def fresh(s: Seg) -> bool:
            cut[0] = cut[0] or bool(s.side == "client" and s.flags & 2 and s.seq != first_isn)
            return cut[0]
        low = syn[-1].end

        def of_new(s: Seg) -> bool:         # nor the RST that answers such an ACK
            return fresh(s) and not (s.flags & 4 and s.seq == low)
        lab.wire.add(Rule("client", of_new, "edit", None, "before_mid", quiet=True,
                          edit=lambda f, s: shift_seq(f, -isn_back, 0)))

        def to_new(s: Seg) -> bool:         # an ACK of the old connection is not moved
            return cut[0] and s.ack != low
        lab.wire.add(Rule("server", to_new, "edit", None, "after_mid", quiet=True,
                          edit=lambda f, s: shift_seq(f, 0, isn_back)))
    if swallow:
        lab.wire.add(drop("client", lambda s: s.flags & 18 == 2, tuple(range(1, swallow + 1)), "after_mid",
                          "a balancer drops SYNs of a known 4-tuple"))
    one("2")
    lab.sleep(0.3)
    seen = segments(lab, "mid", port)
    syns = [(n, t, s) for n, t, side, s in seen if side == "client" and s.flags & 18 == 2]
    old, new = syns[0], syns[1:]
    end = max(t for n, t, side, s in seen if n < new[0][0])
    fin = [t for n, t, side, s in seen if n < new[0][0] and s.flags & 1][-1]
    accepted = [(n, t, s) for n, t, side, s in seen if side == "server" and s.flags & 18 == 18][-1]
    high = [s.end for n, t, side, s in seen if side == "client" and n < new[0][0]][-1]
    rst = [n for n, t, side, s in seen if s.flags & 4 and n > new[0][0]]
    tell(lab, 9, {
        "time_wait_owner": first, "port": port, "syns": [{"frame": n, "time": round(t, 6), "seq": s.seq,
                                                           "tsval": s.ts[0] if s.ts else None} for n, t, s in new],
        "syn_ack": {"frame": accepted[0], "time": round(accepted[1], 6)},
        "interval_since_last_segment_s": round(new[0][1] - end, 6), "interval_since_last_fin_s": round(new[0][1] - fin, 6),
        "interval_since_old_syn_s": round(new[0][1] - old[1], 6),
        "isn_minus_old_end": seq_diff(new[0][2].seq, high), "isn_higher": seq_diff(new[0][2].seq, high) > 0,
        "tsval_higher": (seq_diff(new[0][2].ts[0], old[2].ts[0]) > 0) if new[0][2].ts else None,
        "rst_frames": rst, "cost_s": round(accepted[1] - new[0][1] - 0.02, 6),
        "cost_note": "SYN-ACK minus first SYN at mid, less the 20 ms that the way to the server and back takes"})


NO_TS = {"both": {"ipv4.tcp_timestamps": 0}}
TWICE = [{"kind": "graceful", "active_closer": "server", "end": {"server": "CLOSE"}}, {"kind": "graceful"}]
case("reuse-by-isn", "no timestamps; a higher ISN is let into TIME-WAIT", again, TWICE, sysctl=NO_TS)
case("reuse-by-timestamp", "the second ISN is lower, its TSval higher: let into TIME-WAIT", again, TWICE, isn_back=400_000_000)
case("reuse-refused", "no timestamps, the second ISN is lower: ACK of the old connection, RST, SYN again", again,
     [TWICE[0], {"kind": "graceful", "handshake_rst": ["client"]}], isn_back=400_000_000, sysctl=NO_TS)
case("reuse-silence", "a balancer swallows the SYN of a known 4-tuple; its repeat after 1 s is answered", again, TWICE,
     swallow=1, sysctl={"client": {"ipv4.tcp_syn_linear_timeouts": 0}})
case("reuse-own-time-wait", "the client owns TIME-WAIT and takes its port again after 1.4 s (tcp_tw_reuse=1)", again,
     [{"kind": "graceful", "active_closer": "client"}, {"kind": "graceful"}], first="client", pause=1.4,
     sysctl={"client": {"ipv4.tcp_tw_reuse": 1}})


# ------------------------------------------------------------------ 10 ports

def exhaustion(lab: Lab, ports: int = 20, tries: int = 30, every: float = 0.05, later: int = 0) -> None:
    """The client closes first, so its ports stay in TIME-WAIT; then there is none left."""
    service = Service(lab, lambda app: answer_all(app, 9.0))
    used, refused = [], []

    def one() -> None:
        c = lab.client()
        r = c.connect((lab.addr["server"], 80))
        if isinstance(r, OSError):
            refused.append({"time": lab.calls[-1]["time"], "errno": lab.calls[-1]["errno"]})
            return
        used.append(c.port)
        exchange(c, request("/"))
        c.close()
    for _ in range(tries):
        one()
        lab.sleep(every)
    if later:
        lab.sleep(1.0)
        for _ in range(later):
            one()
            lab.sleep(every)
    lab.sleep(0.4)
    service.stop()
    tell(lab, 10, {"port_range": [40000, 40000 + ports - 1], "ports": ports, "connections": len(used),
                   "distinct_ports": len(set(used)), "reused_ports": len(used) - len(set(used)),
                   "time_wait_owner": "client", "refused_calls": refused, "errno": "EADDRNOTAVAIL",
                   "server": [lab.addr["server"], 80]})


RANGE = {"ipv4.ip_local_port_range": "40000 40019", "ipv4.tcp_tw_reuse": 0}
case("port-exhaustion", "20 ephemeral ports, all in TIME-WAIT after 20 connections; then connect() fails", exhaustion,
     kinds("graceful client x20"), sysctl={"client": RANGE}, points=("client", "mid"))
case("port-exhaustion-reuse", "the same with tcp_tw_reuse=1: ports of 1 s of age are taken again", exhaustion,
     kinds("graceful client x28"), delays=(0.001, 0.001), tries=24, every=0.005, later=8, sysctl={"client": {**RANGE, "ipv4.tcp_tw_reuse": 1}}, points=("client", "mid"))
