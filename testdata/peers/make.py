#!/usr/bin/env python3
"""Writes 24 small captures at which well-known analyzers stumble, and what is true of each (truth.json).

One connection A (10.0.0.1:40000) to B (10.0.0.2:80), captured at A's host: TTL 64 and 60, IP IDs counting, 10 ms round trip,
timestamps (1 kHz). A reply RST is as RFC 9293 has it: SEQ from the ACK it answers, window 0, no options, ID 0."""
from __future__ import annotations

import json
import os
import socket
import struct
import sys
from typing import Any

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
from packets import checksum  # noqa: E402

START = 1_780_000_000_000_000               # microseconds: 2026-05-28
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16}
ADDR = {"A": "10.0.0.1", "B": "10.0.0.2"}
MAC = {"A": b"\x02\0\0\0\0\x0a", "B": b"\x02\0\0\0\0\x0b"}
TTL = {"A": 64, "B": 60}


class Side:
    """What one end has sent so far."""

    def __init__(self, isn: int, ipid: int, clock: int) -> None:
        self.isn, self.nxt, self.ipid, self.clock = isn, isn, ipid, clock
        self.last_ts = 0


class Trace:
    """The records of one capture; times in milliseconds."""

    def __init__(self) -> None:
        self.records: list[tuple[float, bytes, int]] = []       # time, frame, original length
        self.ids = {"A": 4000, "B": 9000}

    def add(self, ms: float, frame: bytes, kept: int | None = None) -> None:
        self.records.append((ms, frame[:kept], len(frame)))

    def write(self, name: str, folder: str = HERE) -> None:
        out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for ms, frame, length in self.records:
            us = START + round(ms * 1000)
            out += struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), length) + frame
        with open(os.path.join(folder, name + ".pcap"), "wb") as f:
            f.write(out)


class Flow:
    """One connection; `put` adds a segment, `end` the numbers a side has reached."""

    def __init__(self, trace: Trace, port: int = 40000, isn: tuple[int, int] = (1_000_000, 7_000_000),
                 clock: tuple[int, int] = (500_000_000, 900_000_000), to: int = 80, ts: bool = True, ticks: float = 1.0) -> None:
        self.trace, self.port, self.to, self.ts = trace, port, to, ts
        self.ticks = {"A": ticks, "B": 1.0}         # of the timestamps' clock, per millisecond
        self.side = {"A": Side(isn[0], 0, clock[0]), "B": Side(isn[1], 0, clock[1])}
        self.begun = False

    def segment(self, who: str, flags: str, *, ms: float, seq: int | None = None, ack: int | None = None, data: int = 0,
                ts: bool | None = None, tsval: int | None = None, win: int = 502, ttl: int | None = None, ipid: int | None = None,
                total: int | None = None, tfo: bool = False, tsecr: int | None = None) -> bytes:
        me, peer = self.side[who], self.side["B" if who == "A" else "A"]
        seq = me.nxt if seq is None else seq
        has_ack = "." in flags
        ack = (peer.nxt if ack is None else ack) if has_ack else 0
        opts = b""
        if "S" in flags:
            opts += struct.pack("!BBH", 2, 4, 1460) + b"\x04\x02"
        if self.ts if ts is None else ts:
            val = me.clock + int(ms * self.ticks[who]) if tsval is None else tsval
            if "S" not in flags:
                opts += b"\x01\x01"
            opts += struct.pack("!BBII", 8, 10, val, (peer.last_ts if has_ack else 0) if tsecr is None else tsecr)
            me.last_ts = val
        if "S" in flags:
            opts += b"\x01\x03\x03\x07"
        if tfo:
            opts += b"\x22\x0a" + bytes(range(8))
        opts += b"\x01" * (-len(opts) % 4)
        if ipid is None:
            ipid = self.trace.ids[who]
            self.trace.ids[who] += 1
        payload = (b"abcdefghijklmnopqrstuvwxyz\n" * (data // 27 + 1))[:data]
        bits = sum(FLAGS[c] for c in flags)
        ports = (self.port, self.to) if who == "A" else (self.to, self.port)
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, (20 + len(opts)) // 4 << 4, bits, win, 0, 0) + opts + payload
        src, dst = (socket.inet_aton(ADDR[s]) for s in (who, "B" if who == "A" else "A"))
        tcp = tcp[:16] + struct.pack("!H", checksum(src + dst + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp) if total is None else total, ipid, 0x4000,
                         TTL[who] if ttl is None else ttl, 6, 0, src, dst)
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        if "R" not in flags:
            me.nxt = max(me.nxt, seq + data + ("S" in flags) + ("F" in flags))
        return MAC["B" if who == "A" else "A"] + MAC[who] + b"\x08\x00" + ip + tcp

    def put(self, ms: float, who: str, flags: str, **kw: Any) -> bytes:
        frame = self.segment(who, flags, ms=ms, **kw)
        self.trace.add(ms, frame)
        return frame

    def handshake(self, ms: float = 0, **kw: Any) -> None:
        self.put(ms, "A", "S", **kw)
        self.put(ms + 10, "B", "S.")
        self.put(ms + 10.1, "A", ".")

    def exchange(self, ms: float, request: int = 100, response: int = 500) -> None:
        self.put(ms, "A", "P.", data=request)
        self.put(ms + 10, "B", ".")
        self.put(ms + 12, "B", "P.", data=response)
        self.put(ms + 12.1, "A", ".")

    def reply_rst(self, ms: float, who: str, seq: int, **kw: Any) -> None:
        self.put(ms, who, "R", seq=seq, ts=False, win=0, **{"ipid": 0, **kw})

    def close(self, ms: float) -> None:
        """A closes first."""
        self.put(ms, "A", "F.")
        self.put(ms + 10, "B", ".")
        self.put(ms + 15, "B", "F.")
        self.put(ms + 15.1, "A", ".")


# ------------------------------------------------------------------ what is true

TRUTH: dict[str, dict[str, Any]] = {}


def flow_truth(outcome: str = "graceful", closer: str = "client", port: int = 40000, *, by: str | None = None,
               cause: str | None = None, last: str = "seen", time_wait: tuple[str, ...] | None = None,
               roles: str = "syn", findings: tuple[str, ...] = (), certain: bool = False, **data: Any) -> dict[str, Any]:
    if time_wait is None:
        time_wait = {"graceful": (closer,), "simultaneous": ("client", "server")}.get(outcome, ())
    return {"client": {"addr": ADDR["A"], "port": port}, "server": {"addr": ADDR["B"], "port": 80}, "roles_from": roles,
            "outcome": outcome, "active_closer": closer, "aborted_by": by, "abort_cause": cause, "final_ack": last,
            "time_wait": list(time_wait), "findings": list(findings), "certain": certain, "data": data}


def done(number: int, name: str, what: str, trace: Trace, *flows: dict[str, Any]) -> None:
    stem = f"{number:02}-{name}"
    trace.write(stem)
    TRUTH[stem] = {"file": stem + ".pcap", "what": what, "records": len(trace.records), "flows": list(flows)}


# ------------------------------------------------------------------ the captures

def plain(trace: Trace | None = None, **kw: Any) -> Trace:
    """Handshake, an exchange, A closes: 11 segments."""
    trace = trace or Trace()
    f = Flow(trace, **kw)
    f.handshake()
    f.exchange(20)
    f.close(100)
    return trace


def clean() -> None:
    done(1, "clean", "A closes first", plain(), flow_truth(certain=True))


def crossing() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    a, b = f.side["A"].nxt, f.side["B"].nxt
    f.put(100, "A", "F.", ack=b)
    f.put(104, "B", "F.", ack=a)
    f.put(104.1, "A", ".")
    f.put(110, "B", ".")
    done(2, "simultaneous", "the FINs cross", t, flow_truth("simultaneous", "both", certain=True))


def linger() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.put(100, "A", "R.")
    done(3, "rst-after-response", "A aborts after the response, as by SO_LINGER 0", t,
         flow_truth("aborted", "none", by="client", cause="app-abort", last="none", certain=True))


def last_ack() -> None:
    t = plain()
    f = Flow(t)
    f.side["A"].nxt, f.side["B"].nxt = 1_000_102, 7_000_502
    f.side["A"].last_ts, f.side["B"].last_ts = 500_000_115, 900_000_115
    for ms in (315, 725, 1545, 3185):
        f.put(ms, "B", "F.", seq=7_000_501)
        f.put(ms + 0.1, "A", ".", tsecr=900_000_115)
    done(4, "final-ack-lost", "the final ACK is lost four times behind the capture point; B sends its FIN five times", t,
         flow_truth(last="lost-after", findings=("final-ack-lost",), fins_of_server=5,
                    fin_intervals_s=[0.2, 0.41, 0.82, 1.64], last_ack_s=3.0701))


def reused() -> None:
    t = plain()
    f = Flow(t, isn=(1_900_000, 9_000_000), clock=(500_000_000, 900_000_000))
    f.handshake(2115.1)
    f.exchange(2135)
    f.close(2215)
    done(5, "tuple-reused", "the same ports again 2 s after the close, ISN and TSval higher", t,
         flow_truth(findings=("time-wait-reused",), time_wait_ended_by="reused"),
         flow_truth(previous_flow=0, interval_s=2.0))


def twice() -> None:
    t = plain()
    t.records = [(ms + d, f, n) for ms, f, n in t.records for d in (0, 0.003)]
    done(6, "each-packet-twice", "every record twice, 3 us apart", t, flow_truth(findings=("capture-duplicates",), duplicates=11))


def reordered() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.put(100, "A", "F.")
    f.put(110, "B", "F.")
    f.put(110.1, "A", ".")
    t.records[7], t.records[8] = t.records[8], t.records[7]
    done(7, "fin-ack-stored-first", "B's FIN, which acknowledges A's, is stored before A's FIN (whose time is 10 ms earlier)", t,
         flow_truth(findings=("capture-reordered",)))


def lower_tsval() -> None:
    t = plain()
    f = Flow(t, port=40001, isn=(3_000_000, 4_000_000), clock=(500_000_000, 900_000_000))
    g = Flow(t, isn=(2_000_000, 0), clock=(450_000_000, 0))
    for ms in (5000, 6000, 8000, 12000):
        g.put(ms, "A", "S", seq=2_000_000)
        if ms == 6000:
            f.handshake(6100)
            f.exchange(6120)
            f.close(6200)
    done(8, "syn-with-lower-tsval", "after a close, SYNs of the same ports with a TSval 50,000,000 lower stay unanswered; another port "
         "is answered", t, flow_truth(),
         flow_truth("unanswered", "none", last="none", time_wait=(), findings=(
             "timestamp-regression-across-flows", "syn-dropped-by-timestamp"), syns=4, step_ticks=-50_000_000 + 5000 - 115,
             previous_flow=0),
         flow_truth(port=40001))


def close_wait() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.put(100, "A", "F.")
    f.put(110, "B", ".")
    for ms in (150_110, 300_110):
        f.put(ms, "B", ".", seq=f.side["B"].nxt - 1)
        f.put(ms + 0.1, "A", ".")
    done(9, "close-wait-300-s", "A closes; B stays in CLOSE-WAIT for 300 s (its keepalive probes show it) to the end", t,
         flow_truth("half-closed", "client", last="none", time_wait=(), findings=("close-wait-leak",), side="server",
                    dwell_s=300.01))


def far_rst() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.reply_rst(60, "B", f.side["B"].nxt + 1_000_000_000, ttl=51)
    f.exchange(80)
    f.close(160)
    done(10, "forged-rst-outside", "a forged RST far outside of the window; then data and a normal close", t,
         flow_truth(findings=("rst-ignored",), rst_frame=8))


def near_rst() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.reply_rst(60, "B", f.side["B"].nxt + 1000, ttl=51)
    f.put(60.1, "A", ".")
    f.exchange(80)
    f.close(160)
    done(11, "forged-rst-in-window", "a forged RST in the window, a challenge ACK; then data and a normal close", t,
         flow_truth(findings=("rst-challenged",), rst_frame=8, challenge_frame=9))


def race() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    a, b = f.side["A"].nxt, f.side["B"].nxt
    f.put(5034, "A", "P.", data=100)            # sent 3 ms before the FIN arrives
    f.put(5037, "B", "F.", ack=a)
    f.put(5037.1, "A", ".")
    f.reply_rst(5044, "B", b)                   # answers the request
    f.reply_rst(5047.1, "B", b + 1)             # answers the ACK of the FIN
    done(12, "keepalive-race", "B closes after 5 s of silence, A's request crosses its FIN, B answers with a RST", t,
         flow_truth("aborted-after-fin", "server", by="server", cause="data-after-close", last="none",
                    findings=("keepalive-race",), idle_s=5.005, margin_s=0.003, closed_by="server", request_frame=8, fin_frame=9,
                    rst_frame=11))


def fin_first() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.put(100, "A", "P.", data=1000)
    f.put(100.02, "A", "F.")
    f.put(110, "B", ".")
    f.put(115, "B", "F.")
    f.put(115.1, "A", ".")
    t.records[7], t.records[8] = t.records[8], t.records[7]
    t.records[7:9] = [(100 + 0.05 * i, *r[1:]) for i, r in enumerate(t.records[7:9])]
    done(13, "fin-before-its-data", "A's FIN is recorded before the data that precedes it (its IP ID shows it)", t,
         flow_truth(payload=(1100, 500)))


def half_close() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.put(20, "A", "P.", data=100)
    f.put(30, "B", ".")
    f.put(40, "A", "F.")
    f.put(50, "B", ".")
    for i in range(3):
        f.put(60 + 20 * i, "B", "P.", data=1000)
        f.put(60.1 + 20 * i, "A", ".")
    f.put(130, "B", "F.")
    f.put(130.1, "A", ".")
    done(14, "half-close", "A closes its direction; B sends 3000 bytes more, then closes", t,
         flow_truth(findings=("half-close-used",), bytes_after_fin=3000))


def mid_stream() -> None:
    t = plain()
    del t.records[:3]
    done(15, "starts-inside", "the capture begins after the handshake", t,
         flow_truth(roles="port-guess", findings=("capture-starts-inside",)))


def one_way() -> None:
    t = plain()
    t.records = [r for r in t.records if r[1][6:12] == MAC["B"]]
    done(16, "one-direction", "only B's segments were captured", t,
         flow_truth("indeterminate", "unknown", roles="syn-ack", last="unknown", time_wait=(), findings=("capture-one-direction",)))


def offload() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.put(20, "A", "P.", data=4000, total=0)
    f.put(30, "B", ".")
    f.put(32, "B", "P.", data=500)
    f.put(32.1, "A", ".")
    f.close(100)
    done(17, "total-length-0", "a segment of 4000 bytes whose IP total length is 0 (segmentation offload)", t,
         flow_truth(payload=(4000, 500)))


def refused() -> None:
    t = Trace()
    f = Flow(t)
    f.put(0, "A", "S")
    f.put(10, "B", "R.", seq=0, ack=f.side["A"].nxt, ts=False, win=0, ipid=0)
    done(18, "refused", "the SYN is answered with a RST", t,
         flow_truth("refused", "none", by="server", cause="refused", last="none"))


def clock() -> None:
    t = plain()
    t.records = [(ms - 500 * (ms >= 100) + 1000, *r) for ms, *r in t.records]
    done(19, "clock-step", "the capture's clock goes back by 0.5 s before the close", t,
         flow_truth(findings=("capture-clock-step",), step_s=-0.5))


def no_ack_flag() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    f.put(100, "A", "F")
    f.put(110, "B", ".")
    f.put(115, "B", "F.")
    f.put(115.1, "A", ".")
    done(20, "fin-without-ack", "A's FIN has no ACK flag; B acknowledges it", t, flow_truth())


def old_syn() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    a = f.side["A"].nxt
    f.put(60, "A", "S", seq=400_000, tsval=499_000_000, ipid=700)
    f.side["A"].nxt, f.side["A"].last_ts = a, 500_000_032
    f.put(70, "B", ".")
    f.exchange(80)
    f.close(160)
    done(21, "old-duplicate-syn", "an old SYN of the same ports comes up in the living connection; B answers with a challenge ACK", t,
         flow_truth(findings=("old-duplicate-syn",), syn_frame=8))


def vlan() -> None:
    t = plain()
    t.records = [x for ms, f, n in t.records for x in (
        (ms, f, n), (ms + 0.003, f[:12] + b"\x81\x00\x00\x64" + f[12:], n + 4))]
    done(22, "untagged-and-vlan", "every packet untagged and again with VLAN 100", t,
         flow_truth(findings=("capture-duplicates",), duplicates=11))


def long_idle() -> None:
    t = Trace()
    f = Flow(t)
    f.handshake()
    f.exchange(20)
    b = f.side["B"].nxt
    f.put(400_032.1, "A", "P.", data=100)
    f.reply_rst(400_042.1, "B", b)
    done(23, "idle-400-s", "400 s of silence, a request, a RST", t,
         flow_truth("aborted", "none", by="server", cause="no-connection", last="none", findings=("idle-timeout-close",),
                    idle_s=400.0, request_frame=8, rst_frame=9))


def fast_open() -> None:
    t = Trace()
    f = Flow(t)
    f.put(0, "A", "S", data=100, tfo=True)
    f.put(10, "B", "S.")
    f.put(10.1, "A", ".")
    f.put(12, "B", "P.", data=500)
    f.put(12.1, "A", ".")
    f.close(100)
    done(24, "fast-open", "data on the SYN (TCP Fast Open)", t, flow_truth(payload=(100, 500)))


if __name__ == "__main__":
    for make in (clean, crossing, linger, last_ack, reused, twice, reordered, lower_tsval, close_wait, far_rst, near_rst, race,
                 fin_first, half_close, mid_stream, one_way, offload, refused, clock, no_ack_flag, old_syn, vlan, long_idle,
                 fast_open):
        make()
    with open(os.path.join(HERE, "truth.json"), "w") as f:
        json.dump(TRUTH, f, indent=1)
        f.write("\n")
