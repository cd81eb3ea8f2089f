#!/usr/bin/env python3
"""Writes the captures that no lab makes in reasonable time, or no present kernel at all:   synthetic.py

Everything in them is made up, with the segments of `../peers/make.py` (10.0.0.1 to 10.0.0.2, seen at the client, 10 ms round trip)."""
from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("peers", os.path.join(HERE, "..", "peers", "make.py"))
peers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peers)
Flow, Trace = peers.Flow, peers.Trace


def save(name: str, question: int, title: str, trace: Trace, answer: dict[str, Any]) -> None:
    trace.records.sort(key=lambda r: r[0])
    trace.write(name, HERE)
    truth = {"name": name, "question": question, "title": title, "synthetic": True, "captures": {"client": {"file": name + ".pcap"}},
             "answer": answer}
    with open(os.path.join(HERE, name + ".truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
        f.write("\n")


def server_closes(f: Flow, ms: float) -> None:
    f.put(ms, "B", "F.")
    f.put(ms + 0.1, "A", "F.")
    f.put(ms + 10, "B", ".")


def known_timeouts() -> None:
    """Well-known idle timeouts, a service each; the box in front of port 443 forgets after 350 s and resets what comes then."""
    t = Trace()
    services: list[dict[str, Any]] = []
    number = 0

    def begin(port: int, to: int) -> tuple[Flow, float]:
        nonlocal number
        number += 1
        f = Flow(t, port=port, to=to, isn=(number * 1_000_003, number * 7_000_003), clock=(number * 90_000_001 % 2**31, number * 70_000_001))
        at = number * 731.0
        f.handshake(at)
        f.exchange(at + 20)
        return f, at + 32.1             # the last segment; the last payload came 0.1 ms sooner
    for to, idle, count, what in ((80, 75.0, 10, "nginx keepalive_timeout"), (81, 5.0, 12, "Node.js and Apache keep-alive"),
                                  (82, 60.0, 8, "AWS ALB idle timeout"), (83, 240.0, 6, "Azure load balancer, 4 minutes")):
        flows = []
        for i in range(count):
            f, at = begin(42000 + i, to)
            server_closes(f, at - 0.1 + idle * 1000 + i % 3)        # up to 2 ms late
            flows.append({"client_port": 42000 + i, "idle_s": round(idle + i % 3 / 1000, 6)})
        services.append({"service_port": to, "what": what, "closer": "server", "by": "fin", "idle_timeout_s": idle, "count": count,
                         "flows": flows})
    good, bad = (120.0, 300.0, 349.0), (351.0, 360.0, 400.0, 500.0, 900.0)
    flows = []
    for i, idle in enumerate((*good, *bad)):
        f, at = begin(43000 + i, 443)
        b = f.side["B"].nxt
        if idle in good:
            f.exchange(at + idle * 1000)
            f.close(at + idle * 1000 + 100)
        else:
            f.put(at + idle * 1000, "A", "P.", data=100)
            f.reply_rst(at + idle * 1000 + 8, "B", b, ttl=250)
        flows.append({"client_port": 43000 + i, "idle_s": idle, "reset": idle in bad})
    services.append({"service_port": 443, "what": "AWS NLB idle timeout, 350 s", "by": "rst", "rst_ttl": 250, "server_ttl": 60,
                     "idle_timeout_s": 350.0, "known_bounds_s": [max(good), min(bad)], "count": len(bad), "flows": flows})
    save("idle-known", 3, "idle timeouts that everybody has met: 75 s, 5 s, 60 s, 240 s, and a box that forgets after 350 s", t,
         {"services": services})


def too_soon() -> None:
    """Servers that let a lower ISN without timestamps into TIME-WAIT, which RFC 9293 and 6191 forbid."""
    t = Trace()
    f = Flow(t, ts=False)
    f.handshake()
    f.exchange(20)
    server_closes(f, 100)
    g = Flow(t, isn=(900_000, 9_000_000), ts=False)
    g.handshake(610)
    g.exchange(640)
    g.close(700)
    save("reuse-too-soon", 9, "a SYN with a lower ISN and no timestamps, half a second after the close, is accepted", t, {
        "time_wait_owner": "server", "client_port": 40000, "interval_since_last_segment_s": 0.5, "isn_higher": False, "isn_minus_old_end": 900_000 - 1_000_102,
        "tsval_higher": None, "accepted": True, "legal": False, "syn_frame": 11, "syn_ack_frame": 12})


def tick_rates() -> None:
    """Three hosts behind one address whose timestamp clocks tick 1000, 250 and 100 times a second."""
    t = Trace()
    hosts = (("A", 1.0, 500_000_000), ("B", 0.25, 80_000_000), ("C", 0.1, 3_000_000))
    rows = []
    for i in range(12):
        name, ticks, clock = hosts[i % 3]
        at = i * 5000.0
        f = Flow(t, port=44000 + i, isn=(1_000_000 * (i + 1), 3_000_000 * (i + 1)), clock=(clock, 900_000_000), ticks=ticks)
        f.handshake(at)
        f.exchange(at + 20)
        f.close(at + 4000)
        rows.append({"client_port": 44000 + i, "host": name, "syn_tsval": clock + int(at * ticks)})
    save("nat-tick-rates", 8, "three hosts behind one address, clocks of 1000, 250 and 100 Hz, all answered", t, {
        "address": "10.0.0.1", "clocks": 3, "simulated": True, "unanswered": [],
        "hosts": {n: {"ticks_per_s": r * 1000, "tsval_at_first_syn": c} for n, r, c in hosts}, "flows": rows})


if __name__ == "__main__":
    known_timeouts()
    too_soon()
    tick_rates()
