"""What the scripts of the table share: services, HTTP, and finding frames in what was recorded."""
from __future__ import annotations

import os
import select
import socket
import struct
import sys
import threading
import time
from typing import Any, Callable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

from lab import App, Lab, length, scenario  # noqa: E402,F401
from packets import FIN, MOD, RST, SYN, Seg, fix_checksums, other, parse, seq_diff  # noqa: E402,F401

NAMES: list[str] = []


# ------------------------------------------------------------------ the table

def case(name: str, title: str, script: Any, expect: Any = None, **kw: Any) -> None:
    """A scenario; `expect` is what the lab checks against the kernel."""
    NAMES.append(name)
    scenario(name, "open", title, script, expect if expect is not None else {}, **kw)


def kinds(text: str) -> list[dict[str, Any]]:
    """'graceful client x5; half-close client': what is claimed of each flow."""
    out: list[dict[str, Any]] = []
    for part in text.split(";"):
        words = part.split()
        times = int(words.pop()[1:]) if words[-1][0] == "x" and words[-1][1:].isdigit() else 1
        claim: dict[str, Any] = {"kind": words[0]}
        if len(words) > 1:
            claim["active_closer"] = words[1]
        out += [dict(claim) for _ in range(times)]
    return out


# ------------------------------------------------------------------ applications

class Service:
    """A listener whose every connection is served by a thread of its own."""

    def __init__(self, lab: Lab, serve: Callable[[App], None], port: int = 80, backlog: int = 512) -> None:
        self.lab, self.serve = lab, serve
        self.listener = lab.listen(port, backlog)
        self.listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, 200000))
        self.stopping = False
        self.apps: dict[int, App] = {}          # by the client's port
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self) -> None:
        while not self.stopping:
            try:
                sock, peer = self.listener.sock.accept()
            except OSError:
                continue
            app = App(self.lab, "server", sock, f"server of {peer[1]}")
            app.port = peer[1]
            self.lab.apps.append(app)
            self.apps[peer[1]] = app
            threading.Thread(target=self.one, args=(app,), daemon=True).start()

    def one(self, app: App) -> None:
        try:
            self.serve(app)
        except OSError:
            pass                                # the client is gone

    def stop(self) -> None:
        self.stopping = True
        self.thread.join(2)


def together(jobs: list[Callable[[], None]], stagger: float = 0.1) -> None:
    """Run the jobs in threads, each started a little after the one before; wait for all."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for t in threads:
        t.start()
        time.sleep(stagger)
    for t in threads:
        t.join(30)


def readable(app: App, seconds: float) -> bool:
    """Whether something (data or the end) comes within that time. It waits in slices, as a socket that is polled lives on
    when it is closed, and would end in the middle of a later scenario."""
    end = time.monotonic() + seconds
    while app.sock.fileno() >= 0:
        left = end - time.monotonic()
        if select.select([app.sock], [], [], max(0.0, min(left, 0.2)))[0]:
            return True
        if left <= 0.2:
            return False
    raise OSError("the lab has closed the socket")


def sleep_until(moment: float) -> None:
    """Sleep up to a time of time.monotonic()."""
    time.sleep(max(0.0, moment - time.monotonic()))


def connect(lab: Lab, port: int = 0, to: int = 80) -> App:
    """A client's connection."""
    app = lab.client(port)
    result = app.connect((lab.addr["server"], to))
    if isinstance(result, OSError):
        raise result
    return app


def request(path: str = "/", method: str = "GET", body: bytes = b"", headers: str = "", version: str = "1.1") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/{version}\r\nHost: shop.example\r\n{headers}{length}\r\n".encode() + body


def response(status: str = "200 OK", body: bytes = b"ok\n", headers: str = "", length: int | None = None) -> bytes:
    n = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {n}\r\n\r\n".encode() + body


def read_request(app: App) -> bytes:
    """One request with its body; empty at the end."""
    data = b""
    while True:
        more = app.sock.recv(65536)
        if not more:
            return b""
        data += more
        head, gap, body = data.partition(b"\r\n\r\n")
        if gap:
            want = [int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")]
            if len(body) >= (want or [0])[0]:
                return data


read_response = read_request


def exchange(app: App, data: bytes) -> bytes:
    """Send a request, return the response."""
    app.send(data)
    return read_response(app)


def answer_all(app: App, idle: float = 9.0, then: Callable[[App], None] = App.close) -> None:
    """Answer requests until the client closes or is silent for `idle` seconds; then close."""
    while readable(app, idle):
        if not read_request(app):
            break
        app.send(response())
    then(app)


# ------------------------------------------------------------------ what was recorded

def segments(lab: Lab, point: str, port: int | None = None) -> list[tuple[int, float, str, Seg]]:
    """(frame, time, sender, segment) of a point's record, of one client port or of all."""
    out = []
    for n, (t, frame, _) in enumerate(list(lab.wire.records[point]), 1):
        s = parse(frame)
        if s is None:
            continue
        side = "server" if s.src == lab.addr["server"] else "client"
        if port in (None, s.sport if side == "client" else s.dport):
            out.append((n, t / 1e9, side, s))
    return out


def mark(lab: Lab, port: int, side: str, match: Callable[[Seg], bool], nth: int = 1) -> dict[str, dict[str, Any]]:
    """Frame and time of the n-th matching segment of a side, at each point that saw it (nth = -1: the last)."""
    out = {}
    for point in lab.sc.points:
        hits = [(n, t) for n, t, who, s in segments(lab, point, port) if who == side and match(s)]
        if len(hits) >= abs(nth):
            n, t = hits[nth - 1 if nth > 0 else nth]
            out[point] = {"frame": n, "time": round(t, 6)}
    return out


def gap(later: dict[str, dict[str, Any]], sooner: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Seconds between two marks, per point (negative: the other order there)."""
    return {p: round(later[p]["time"] - sooner[p]["time"], 6) for p in later if p in sooner}


def silence(lab: Lab, port: int, side: str, match: Callable[[Seg], bool], nth: int = 1) -> dict[str, Any]:
    """Seconds of silence before a segment, per point: since the last payload of either side, and since any segment."""
    out: dict[str, Any] = {}
    for point in lab.sc.points:
        data = last = None
        hits = 0
        for n, t, who, s in segments(lab, point, port):
            if who == side and match(s):
                hits += 1
                if hits == nth:
                    out[point] = {"frame": n, "since_data_s": round(t - data, 6) if data else None,
                                  "since_segment_s": round(t - last, 6) if last else None}
                    break
            data, last = (t if s.paylen else data), t
    return out


def times(lab: Lab, port: int, side: str, match: Callable[[Seg], bool]) -> dict[str, list[dict[str, Any]]]:
    """Frames and times of all matching segments, per point."""
    return {point: [{"frame": n, "time": round(t, 6)} for n, t, who, s in segments(lab, point, port)
                    if who == side and match(s)] for point in lab.sc.points}


def intervals(series: list[dict[str, Any]]) -> list[float]:
    """Seconds from each to the next."""
    return [round(b["time"] - a["time"], 6) for a, b in zip(series, series[1:])]


def capture_end(lab: Lab) -> dict[str, float]:
    """Time of the last frame at each point; nothing more may be sent after this is asked."""
    return {p: round(lab.wire.records[p][-1][0] / 1e9, 6) for p in lab.sc.points}


def is_fin(s: Seg) -> bool:
    return bool(s.flags & FIN)


def is_rst(s: Seg) -> bool:
    return bool(s.flags & RST)


def is_syn(s: Seg) -> bool:
    return bool(s.flags & SYN)


def is_data(s: Seg) -> bool:
    return s.paylen > 0


def holds(text: bytes) -> Callable[[Seg], bool]:
    """A segment whose payload contains the text."""
    return lambda s: text in s.frame[s.l4 + 20 + len(s.opts):]


def tell(lab: Lab, question: int, answer: dict[str, Any]) -> None:
    """Put the answer into the truth file."""
    lab.truth_extra.update(question=question, answer=answer)
