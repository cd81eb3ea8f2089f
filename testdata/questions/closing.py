"""Questions 1 to 3: who closed, the keep-alive race, idle timeouts."""
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


# ------------------------------------------------------------------ 1 who closed

def who_closed(lab: Lab) -> None:
    """Six ways to end, one after the other."""
    lst = lab.listen()
    ways = ["client", "server", "both", "client RST", "server RST", "nobody"]
    flows = []
    for i, way in enumerate(ways):
        p = lab.pair(45001 + i, lst, str(i))
        lab.talk(p)
        lab.sleep(0.1)
        who = way.split()[0]
        if way == "both":
            p["client"].close()
            p["server"].close()
        elif way.endswith("RST"):
            p[who].linger(0)
            p[who].close()
        elif way != "nobody":
            p[who].close()
            p[other(who)].recv_eof()
            p[other(who)].close()
        lab.sleep(0.2)
        closing = mark(lab, 45001 + i, who if who != "both" else "client", lambda s: is_fin(s) or is_rst(s))
        flows.append({"client_port": 45001 + i, "first_fin": way if way in ("client", "server", "both") else "none",
                      "rst_by": who if way.endswith("RST") else None, "closing": closing})
    tell(lab, 1, {"flows": flows})


case("who-closed", "client, server, both, RST of the client, RST of the server, nobody", who_closed,
     kinds("graceful client; graceful server; simultaneous both; abort-linger client; abort-linger server; still-open"))


# ------------------------------------------------------------------ 2 keep-alive race

def keepalive_race(lab: Lab, idle: float = 2.0, offsets: tuple[float, ...] = (-0.012, -0.006, 0.0, 0.006, 0.012),
                   quiet: int = 2, prompt: int = 3) -> None:
    """The server closes after `idle` seconds; some requests cross its FIN, and are sent again on a new connection."""
    began: dict[int, float] = {}

    def serve(app: App) -> None:
        while readable(app, idle):
            if not read_request(app):
                break
            app.send(response())
            began[app.port] = time.monotonic()
        app.close()
    service = Service(lab, serve)
    ports = iter(range(45001, 45100))
    race, retry, silent, reused = [], {}, [], []

    def racer(offset: float) -> Any:
        port = next(ports)
        race.append(port)

        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/cart"))
            sleep_until(began[port] + idle + offset)
            c.send(request("/orders", "POST", b"item=42&count=1"))
            c.recv()
            c.close()
            retry[port] = port + 100
            again = connect(lab, port + 100)
            exchange(again, request("/orders", "POST", b"item=42&count=1"))
            again.close()
        return go

    def left_alone() -> Any:
        port = next(ports)
        silent.append(port)

        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/cart"))
            c.recv_eof()
            c.close()
        return go

    def in_time() -> Any:
        port = next(ports)
        reused.append(port)

        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/cart"))
            lab.sleep(idle / 2)
            exchange(c, request("/orders", "POST", b"item=1"))
            c.close()
        return go
    jobs = [racer(o) for o in offsets] + [left_alone() for _ in range(quiet)] + [in_time() for _ in range(prompt)]
    together(jobs, 0.12)
    lab.sleep(0.4)
    service.stop()
    flows = []
    for port in race:
        fin, post = mark(lab, port, "server", is_fin), mark(lab, port, "client", holds(b"POST /orders"))
        rst = mark(lab, port, "server", is_rst)
        flows.append({
            "client_port": port, "closer": "server", "idle_s": gap(fin, mark(lab, port, "server", is_data)),
            "fin": fin, "request": post, "rst": rst, "method": "POST", "path": "/orders",
            "request_sent_after_fin_sent_s": round(post["client"]["time"] - fin["server"]["time"], 6),
            "fin_arrived_after_request_sent_s": round(fin["client"]["time"] - post["client"]["time"], 6),
            "request_after_fin_s": gap(post, fin), "rst_after_request_s": gap(rst, post),
            "retried_on_port": retry[port],
            "retried_after_s": gap(mark(lab, retry[port], "client", is_syn), rst)})
    tell(lab, 2, {"races": len(race), "server_idle_timeout_s": idle, "round_trip_s": 0.04, "flows": flows,
                  "closed_while_idle": silent, "reused_in_time": reused, "retries": sorted(retry.values())})


case("keepalive-race", "the server closes after 2 s of silence; five requests cross its FIN and are sent again",
     keepalive_race, kinds("data-after-close server x5; graceful server x2; graceful client x8"))


# ------------------------------------------------------------------ 3 idle timeouts

def idle_timeout(lab: Lab, idle: float = 5.0, count: int = 14, early: tuple[float, ...] = (0.7, 1.3, 2.9, 4.2)) -> None:
    """One client's connections to a service that closes the silent ones; `early` ones the client closes itself."""
    service = Service(lab, lambda app: answer_all(app, idle))

    def waits(port: int, requests: int) -> Any:
        def go() -> None:
            c = connect(lab, port)
            for _ in range(requests):
                exchange(c, request("/status"))
                lab.sleep(0.15)
            c.recv_eof()
            c.close()
        return go

    def leaves(port: int, after: float) -> Any:
        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/status"))
            lab.sleep(after)
            c.close()
        return go
    ports = list(range(45001, 45001 + count))
    own = {45101 + i: s for i, s in enumerate(early)}
    together([waits(p, 1 + p % 3) for p in ports] + [leaves(p, s) for p, s in own.items()], 0.09)
    lab.sleep(0.3)
    service.stop()
    tell(lab, 3, {
        "closer": "server", "service_port": 80, "idle_timeout_s": idle, "count": count,
        "flows": [{"client_port": p, "fin": mark(lab, p, "server", is_fin), "idle": silence(lab, p, "server", is_fin)}
                  for p in ports],
        "other_closes": [{"client_port": p, "closer": "client", "idle": silence(lab, p, "client", is_fin)} for p in own]})


case("idle-timeout-server", "14 connections that the server closes after 5 s of silence, 4 that the client closes sooner",
     idle_timeout, kinds("graceful server x14; graceful client x4"), hops=(2, 4))


class Forgetful:
    """A box at mid that keeps no state longer than `limit` seconds of silence; it may answer what follows with a RST."""

    def __init__(self, lab: Lab, limit: float, answers: bool, ttl: int = 253) -> None:
        self.limit, self.answers, self.ttl = limit, answers, ttl
        self.last: dict[Any, float] = {}
        self.forgotten: set[Any] = set()
        self.told: list[int] = []
        lab.wire.add(Rule("any", self.unknown, "call", None, call=self.answer, quiet=True))
        lab.wire.add(drop("any", self.gone, None, label="no state at mid"))

    def unknown(self, s: Seg) -> bool:
        key, now = s.flow.key, s.time_ns / 1e9
        if s.flags & 2 and s.side == "client":
            self.forgotten.discard(key)
        elif now - self.last.get(key, now) > self.limit:
            self.forgotten.add(key)
        self.last[key] = now
        return key in self.forgotten

    def gone(self, s: Seg) -> bool:
        return s.flow.key in self.forgotten

    def answer(self, wire: Any, s: Seg) -> None:
        if self.answers and not s.flags & 4:
            self.told.append(s.flow.key[1])
            frame = forge(s, seq=s.ack, ack=0, flags=4, ttl=self.ttl, reverse=True)
            wire.inject_now(frame, s.side, wire.delay[s.side] + 0.0002, "RST of the box that forgot")


def idle_box(lab: Lab, limit: float = 3.0, answers: bool = True, good: tuple[float, ...] = (1.0, 2.0, 2.6),
             bad: tuple[float, ...] = (3.4, 3.6, 4.0, 4.5, 5.0)) -> None:
    """Connections silent for some time and then used again; the box at mid forgets after `limit` seconds."""
    service = Service(lab, lambda app: answer_all(app, 30.0))
    Forgetful(lab, limit, answers)

    def uses(port: int, seconds: float) -> Any:
        def go() -> None:
            c = connect(lab, port)
            exchange(c, request("/first"))
            lab.sleep(seconds)
            c.send(request("/second"))
            c.recv()            # the response, ECONNRESET, or ETIMEDOUT after the last repetition
            c.close()
        return go
    well = {45001 + i: s for i, s in enumerate(good)}
    ill = {45101 + i: s for i, s in enumerate(bad)}
    together([uses(p, s) for p, s in {**well, **ill}.items()], 0.1)
    lab.sleep(0.4)
    service.stop()
    second = holds(b"GET /second")
    flows = []
    for p, s in ill.items():
        copies = times(lab, p, "client", second)
        flows.append({"client_port": p, "meant_idle_s": s, "idle": silence(lab, p, "client", second),
                      "request": mark(lab, p, "client", second), "path": "/second",
                      "rst": mark(lab, p, "server", is_rst) if answers else None,
                      "copies_sent": len(copies["client"]), "copy_intervals_s": intervals(copies["client"])})
    tell(lab, 3, {
        "box_forgets_after_s": limit, "rst_from": "middlebox" if answers else None,
        "rst_ttl_at_mid": 253 if answers else None, "answers": answers, "flows": flows,
        "survived": [{"client_port": p, "idle": silence(lab, p, "client", second)} for p in well],
        "known_bounds_s": [max(good), min(bad)]})


case("idle-box-rst", "a box at mid forgets after 3 s of silence and answers what follows with a RST (TTL 253)", idle_box,
     kinds("graceful client x3; middlebox-rst x5"))
case("idle-box-silent", "a box at mid forgets after 3 s of silence and drops what follows", idle_box, [
    *kinds("graceful client x3; retransmission-timeout client x5")], answers=False,
     sysctl={"client": {"ipv4.tcp_retries2": 4}})


def host_forgot(lab: Lab, idle: tuple[float, ...] = (2.0, 2.5, 3.0, 3.5)) -> None:
    """The server's sockets vanish without a word (a restart); the silent connections are used again."""
    service = Service(lab, lambda app: answer_all(app, 30.0))
    ports = {45001 + i: s for i, s in enumerate(idle)}
    socks = {p: connect(lab, p) for p in ports}
    for c in socks.values():
        exchange(c, request("/first"))
    lab.sleep(0.5)
    rule = lab.wire.blackhole("server")
    lab.did("ss -K on server")
    lab.ns["server"].run("ss", "-K", "-t", "state", "established", "sport", "=", ":80")
    lab.sleep(0.3)
    rule.on = False
    began = time.monotonic()

    def uses(port: int) -> Any:
        def go() -> None:
            sleep_until(began + ports[port] - 0.8)
            socks[port].send(request("/second"))
            socks[port].recv()
            socks[port].close()
        return go
    together([uses(p) for p in ports], 0.0)
    lab.sleep(0.3)
    service.stop()
    second = holds(b"GET /second")
    tell(lab, 3, {"rst_from": "server", "why": "the host restarted: no socket", "flows": [
        {"client_port": p, "idle": silence(lab, p, "client", second), "request": mark(lab, p, "client", second),
         "path": "/second", "rst": mark(lab, p, "server", is_rst)} for p in ports]})


case("idle-host-forgot", "the server restarts while four connections are silent; what comes then gets a RST", host_forgot,
     kinds("no-socket server x4"), points=("client", "mid"))
