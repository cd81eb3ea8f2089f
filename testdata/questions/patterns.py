"""Questions 4 to 7: TIME-WAIT piles, CLOSE-WAIT, forged RSTs, RSTs although everything was sent."""
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


# ------------------------------------------------------------------ 4 many short connections

def pile(lab: Lab, count: int = 100, every: float = 0.03) -> None:
    """One request per connection; the client closes."""
    service = Service(lab, lambda app: answer_all(app, 9.0))
    ports: list[int] = []

    def one() -> None:
        c = connect(lab)
        ports.append(c.port)
        exchange(c, b"GET / HTTP/1.1\r\n\r\n")
        c.close()
    together([one] * count, every)
    lab.sleep(0.4)
    service.stop()
    seen = segments(lab, "mid")
    syns = [t for _, t, side, s in seen if side == "client" and s.flags & 18 == 2]
    tell(lab, 4, {"connections": count, "time_wait_owner": "client", "service_port": 80, "exchanges_per_connection": 1,
                  "time_wait_at_end": count, "ports_used": len(set(ports)), "first_syn": round(syns[0], 6),
                  "last_syn": round(syns[-1], 6), "rate_per_s": round((count - 1) / (syns[-1] - syns[0]), 3)})


case("time-wait-pile", "100 connections of one request each, the client closes", pile, kinds("graceful client x100"),
     points=MID, delays=(0.004, 0.004), period=0.02)


# ------------------------------------------------------------------ 5 CLOSE-WAIT

def leak(lab: Lab, leaking: int = 8, sound: int = 4, every: float = 0.7, wait: float = 5.6) -> None:
    """The service forgets to close every connection whose path is /report."""
    kept: list[App] = []

    def serve(app: App) -> None:
        while data := read_request(app):
            app.send(response())
            if b"/report" in data:
                kept.append(app)
                app.recv_eof()
                return
        app.close()
    service = Service(lab, serve)
    bad, good = list(range(45001, 45001 + leaking)), list(range(45101, 45101 + sound))

    def one(port: int) -> None:
        c = connect(lab, port)
        exchange(c, request("/report" if port in bad else "/status"))
        c.close()
    for i in range(leaking):
        one(bad[i])
        if i < sound:
            one(good[i])
        lab.sleep(every)
    lab.sleep(wait)
    alive = connect(lab, 45201)         # so that the capture shows how long the others have waited
    exchange(alive, request("/status"))
    lab.sleep(0.3)
    service.stop()
    end = capture_end(lab)
    flows = []
    for p in bad:
        fin = mark(lab, p, "client", is_fin)
        flows.append({"client_port": p, "fin": fin,
                      "dwell_s": {point: round(end[point] - fin[point]["time"], 6) for point in fin}})
    past = sum(1 for f in flows if f["dwell_s"]["mid"] > 5.0)
    tell(lab, 5, {"leaking_side": "server", "service_port": 80, "leaks": leaking, "longer_than_5_s": past,
                  "still_so_at_the_end": True, "capture_end": end, "flows": flows, "closed_well": good, "open": [45201],
                  "growth": [[f["fin"]["mid"]["time"], i + 1] for i, f in enumerate(flows)]})


case("close-wait-leak-growing", "a service that never closes eight of its connections; four others it does", leak, [
    c for i in range(8) for c in kinds("close-wait-leak client") + (kinds("graceful client") if i < 4 else [])]
    + kinds("still-open"), points=("client", "mid", "server"), sysctl={"client": {"ipv4.tcp_fin_timeout": 60}})


def slow(lab: Lab, delays: tuple[float, ...] = (0.5, 2.0, 6.0), stream: float = 6.5) -> None:
    """A server that closes late, and one that uses the half-open connection to go on sending."""
    delay = {45001 + i: s for i, s in enumerate(delays)}

    def serve(app: App) -> None:
        read_request(app)
        app.send(response())
        app.recv_eof()
        if app.port in delay:
            time.sleep(delay[app.port])
        else:
            for _ in range(int(stream / 0.5)):
                app.send(b"data: tick\n\n")
                time.sleep(0.5)
        app.close()
    service = Service(lab, serve)

    def closes(port: int) -> Any:
        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/slow"))
            c.shutdown()
            c.recv_eof()
            c.close()
        return go
    together([closes(p) for p in [*delay, 45101]], 0.1)
    lab.sleep(0.3)
    service.stop()
    tell(lab, 5, {"slow_side": "server", "flows": [
        {"client_port": p, "meant_s": s,
         "close_wait_s": gap(mark(lab, p, "server", is_fin), mark(lab, p, "client", is_fin)),
         "past_5_s": s > 5.0, "ended": True} for p, s in delay.items()],
        "half_close_used": {"client_port": 45101, "payload_after_fin": 12 * int(stream / 0.5),
                            "seconds": gap(mark(lab, 45101, "server", is_fin), mark(lab, 45101, "client", is_fin))}})


case("close-wait-slow", "the server closes 0.5, 2 and 6 s late; another connection is half-closed and used", slow,
     kinds("graceful client x3; half-close client"))


def slow_burst(lab: Lab, count: int = 20, delay: float = 2.0) -> None:
    """A burst meets a server that answers the end of each connection only after `delay` seconds."""
    def serve(app: App) -> None:
        read_request(app)
        app.send(response())
        app.recv_eof()
        time.sleep(delay)
        app.close()
    service = Service(lab, serve)
    ports = list(range(45001, 45001 + count))

    def one(port: int) -> Any:
        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/burst"))
            c.shutdown()
            c.recv_eof()
            c.close()
        return go
    together([one(p) for p in ports], 0.01)
    lab.sleep(0.3)
    service.stop()
    tell(lab, 5, {"count": count, "delay_s": delay, "close_wait_side": "server", "fin_wait_2_side": "client", "flows": [
        {"client_port": p, "dwell_s": gap(mark(lab, p, "server", is_fin), mark(lab, p, "client", is_fin))} for p in ports]})


case("slow-server-burst", "20 connections at once; the server closes each 2 s after the client", slow_burst,
     kinds("graceful client x20"), points=MID)


# ------------------------------------------------------------------ 6 forged or real

def forged_and_real(lab: Lab) -> None:
    """A RST of the server itself, and RSTs that a box forges in its name in several ways."""
    lst = lab.listen()
    ways = [("real", "the server aborts", {}),
            ("ttl", "TTL 250, ID 0", {"ttl": 250, "ipid": 0}),
            ("ttl-and-id", "TTL 57, ID 31337", {"ttl": 57, "ipid": 31337}),
            ("no-timestamps", "RST+ACK, window 0, no timestamps, TTL as the server's", {"ttl": 60, "ipid": 0, "flags": 20}),
            ("perfect", "bare RST, TTL as the server's, ID 0", {"ttl": 60, "ipid": 0}),
            ("talks-on", "TTL 250; the server's answer follows", {"ttl": 250, "ipid": 7, "answer": True})]
    flows = []
    for i, (name, what, how) in enumerate(ways):
        port = 45001 + i
        p = lab.pair(port, lst, str(i))
        lab.talk(p)
        lab.sleep(0.1)
        if not how:
            p["server"].linger(0)
            p["server"].close()
            p["client"].recv()
        else:
            def shoot(wire: Any, s: Seg, how: dict[str, Any] = how) -> None:
                flags = how.get("flags", 4)
                frame = forge(s, seq=s.ack, ack=s.end if flags & 16 else 0, flags=flags, ttl=how["ttl"],
                              ipid=how["ipid"], reverse=True)
                wire.inject_now(frame, "client", wire.delay["client"] + 0.0002, "forged RST")
            lab.wire.add(Rule("client", lambda s, port=port: s.sport == port and s.paylen > 0, "call", (1,), call=shoot,
                              quiet=True))
            if not how.get("answer"):
                lab.wire.add(drop("client", lambda s, port=port: s.sport == port, None, "after_mid"))
            p["client"].send(request("/"))
            p["client"].recv()
            if how.get("answer"):
                lab.sleep(0.03)
                p["server"].send(response())
        lab.sleep(0.2)
        p["client"].close()
        rst = mark(lab, port, "server", is_rst)
        flows.append({"client_port": port, "way": name, "what": what, "forged": bool(how), "rst": rst,
                      "forged_rst_ttl_at_mid": how.get("ttl"), "server_ttl_at_mid": 60,
                      "tellable": name not in ("real", "perfect")})
    tell(lab, 6, {"flows": flows})


case("rst-forged-and-real", "one RST of the server, five forged ones with more or less care", forged_and_real,
     kinds("abort-linger server; middlebox-rst x5"), points=("client", "mid"))


# ------------------------------------------------------------------ 7 RST although everything was sent

def though_all_sent(lab: Lab) -> None:
    """Unread data at the server, linger 0 at the client, data after the server's close."""
    lst = lab.listen()
    flows = []
    p = lab.pair(45001, lst, "1")
    p["client"].send(request("/upload", "POST", b"x" * 3000))
    p["server"].recv(100)
    lab.sleep(0.1)
    p["server"].send(response("413 Content Too Large", b"too large\n", "Connection: close\r\n"))
    p["server"].close()
    lab.sleep(0.2)
    p["client"].recv()
    p["client"].close()
    flows.append({"client_port": 45001, "cause": "unread-data", "rst_by": "server"})
    p = lab.pair(45002, lst, "2")
    p["client"].send(request("/"))
    p["server"].recv()
    p["server"].send(response())
    read_response(p["client"])
    p["client"].linger(0)
    p["client"].close()
    lab.sleep(0.2)
    p["server"].close()
    flows.append({"client_port": 45002, "cause": "app-abort", "rst_by": "client"})
    p = lab.pair(45003, lst, "3")
    p["client"].send(request("/"))
    p["server"].recv()
    p["server"].send(response())
    p["server"].close()
    read_response(p["client"])
    lab.sleep(0.2)
    p["client"].send(request("/again"))
    lab.sleep(0.2)
    p["client"].close()
    flows.append({"client_port": 45003, "cause": "data-after-close", "rst_by": "server"})
    for f in flows:
        f["rst"] = mark(lab, f["client_port"], f["rst_by"], is_rst)
        f["response"] = mark(lab, f["client_port"], "server", holds(b"HTTP/1.1 "))
    flows[0]["unread_bytes"] = len(request("/upload", "POST", b"x" * 3000)) - 100
    tell(lab, 7, {"flows": flows})


case("rst-though-all-sent", "the response was sent in full; then a RST for unread data, by linger 0, by data after close",
     though_all_sent, kinds("abort-unread server; abort-linger client; data-after-close server"))
