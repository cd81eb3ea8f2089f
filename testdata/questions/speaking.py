"""Questions 14 and 15: what was in flight, and a release that closes worse."""
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


# ------------------------------------------------------------------ 14 what was in flight

def in_flight(lab: Lab) -> None:
    """HTTP/1.1 connections that die at different points of an exchange."""
    lst = lab.listen()
    rows: list[dict[str, Any]] = []

    def begin(port: int, path: str, *more: Any, **kw: Any) -> tuple[App, App]:
        p = lab.pair(port, lst, str(port))
        c, s = p["client"], p["server"]
        c.send(request("/login"))
        read_request(s)
        s.send(response())
        read_response(c)
        lab.sleep(0.05)
        c.send(request(path, *more, **kw))
        return c, s

    def row(port: int, what: str, method: str | None, path: str | None, acked: bool | None, got: int | None = None,
            of: int | None = None, status: int | None = None) -> None:
        lab.sleep(0.15)
        rows.append({"client_port": port, "what": what, "in_flight": None if method is None else {
            "method": method, "path": path, "acknowledged": acked,
            "frame": {p: v["frame"] for p, v in mark(lab, port, "client", holds(f"{method} {path}".encode())).items()},
            "response_bytes": got, "response_length": of, "status": status}, "exchanges_complete": 2 if method is None else 1})
    c, s = begin(45001, "/orders", "POST", b"item=1")
    read_request(s)
    lab.sleep(0.1)
    s.linger(0)
    s.close()
    c.recv()
    c.close()
    row(45001, "the server aborts with the request read and unanswered", "POST", "/orders", True)
    c, s = begin(45002, "/report?year=2026")
    read_request(s)
    lab.sleep(0.1)
    s.close()
    c.recv_eof()
    c.close()
    row(45002, "the server closes (FIN) without an answer", "GET", "/report?year=2026", True)
    c, s = begin(45003, "/download")
    read_request(s)
    s.send(response(body=b"z" * 300, length=1000))
    lab.sleep(0.1)
    s.linger(0)
    s.close()
    lab.sleep(0.05)
    c.recv()
    c.close()
    row(45003, "300 of 1000 bytes of the response, then a RST", "GET", "/download", True, 300, 1000, 200)
    c, s = begin(45004, "/stream")
    read_request(s)
    s.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    lab.sleep(0.1)
    s.close()
    c.recv_eof()
    c.close()
    row(45004, "a chunked response without its last chunk, then a FIN", "GET", "/stream", True, None, None, 200)
    c, s = begin(45005, "/status")
    read_request(s)
    s.send(response())
    read_response(c)
    lab.sleep(0.05)
    c.close()
    s.recv_eof()
    s.close()
    row(45005, "two exchanges, both complete, the client closes", None, None, None)
    p = lab.pair(45006, lst, "45006")
    c, s = p["client"], p["server"]
    c.send(request("/login"))
    read_request(s)
    s.send(response())
    read_response(c)
    lab.sleep(0.05)
    hole = lab.wire.add(drop("client", lambda g: g.sport == 45006 and g.paylen > 0, None, "after_mid"))
    c.send(request("/lost", "PUT", b"v=1"))
    lab.sleep(0.8)
    s.linger(0)
    s.close()
    c.recv()
    c.close()
    hole.on = False
    row(45006, "the request never arrived; the server aborts", "PUT", "/lost", False)
    c, s = begin(45007, "/slow", "DELETE")
    read_request(s)
    lab.sleep(0.6)
    c.close()
    s.recv_eof()
    s.send(response("504 Gateway Timeout"))
    lab.sleep(0.1)
    s.close()
    row(45007, "the client gives up 0.6 s after its request; the late response gets a RST", "DELETE", "/slow", True)
    tell(lab, 14, {"protocol": "HTTP/1.1", "flows": rows})


case("http-in-flight", "HTTP/1.1: seven connections that die before, within and after the last exchange", in_flight,
     kinds("abort-linger server; graceful server; abort-linger server; graceful server; graceful client; abort-linger server; "
           "data-after-close client"))


def complete(lab: Lab) -> None:
    """Responses that are complete though they do not look it, and one pipelined request without its answer."""
    lst = lab.listen()
    no_body = b"Content-Length: 5000\r\n\r\n"
    ways: list[tuple[str, list[bytes], list[bytes], str, int]] = [
        ("HEAD: a length and no body", [request("/big", "HEAD")], [b"HTTP/1.1 200 OK\r\n" + no_body], "client", 1),
        ("204 without a length", [request("/ping")], [b"HTTP/1.1 204 No Content\r\n\r\n"], "client", 1),
        ("304 with a length and no body", [request("/cached", headers='If-None-Match: "1"\r\n')],
         [b"HTTP/1.1 304 Not Modified\r\n" + no_body], "client", 1),
        ("100 Continue, then 200", [b"POST /up HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", b"data"],
         [b"HTTP/1.1 100 Continue\r\n\r\n", response()], "client", 1),
        ("chunked, with its last chunk", [request("/stream")],
         [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"0\r\n\r\n"], "client", 1),
        ("no length: the FIN ends the body", [request("/old")], [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome text\n"], "server", 1),
        ("a body in three segments", [request("/form", "POST", b"a" * 900)], [response(body=b"b" * 700)[:400], response(body=b"b" * 700)[400:]],
         "client", 1),
        ("two requests at once, two responses", [request("/one") + request("/two")], [response() + response()], "client", 2),
        ("two requests at once, the second unanswered", [request("/one") + request("/two")], [response()], "server RST", 1)]
    rows = []
    for i, (what, asks, answers, closer, done) in enumerate(ways):
        port = 45001 + i
        p = lab.pair(port, lst, str(port))
        c, s = p["client"], p["server"]
        for n in range(max(len(asks), len(answers))):
            if n < len(asks):
                if len(asks[n]) > 900:
                    c.tcp_option("TCP_NODELAY", 1)
                    for part in (asks[n][:300], asks[n][300:]):
                        c.send(part)
                        lab.sleep(0.01)
                else:
                    c.send(asks[n])
                lab.sleep(0.05)
                s.recv()
            if n < len(answers):
                s.send(answers[n])
                lab.sleep(0.05)
        if closer == "server RST":
            s.linger(0)
            s.close()
            lab.sleep(0.05)
            c.recv()
            c.close()
        else:
            one, two = (c, s) if closer == "client" else (s, c)
            one.recv() if one is c else None
            one.close()
            two.recv_eof()
            two.close()
        lab.sleep(0.15)
        rows.append({"client_port": port, "what": what, "exchanges_complete": done, "in_flight": {
            "method": "GET", "path": "/two", "acknowledged": True} if closer == "server RST" else None})
    tell(lab, 14, {"protocol": "HTTP/1.1", "flows": rows})


case("http-complete", "HTTP/1.1: eight ways for a response to be complete, and a pipelined request without one", complete,
     kinds("graceful client x5; graceful server; graceful client x2; abort-linger server"))


def http_close(lab: Lab) -> None:
    """Who said that the connection would be closed."""
    lst = lab.listen()
    rows = []

    def talk(port: int, ask: str = "", announce: str = "", version: str = "1.1", closer: str = "server") -> None:
        p = lab.pair(port, lst, str(port))
        c, s = p["client"], p["server"]
        c.send(request("/", headers=ask, version=version))
        read_request(s)
        s.send(response(headers=announce))
        if closer == "server":
            s.close()
            c.recv_eof()
            c.close()
        else:
            read_response(c)
            c.close()
            s.recv_eof()
            s.close()
        lab.sleep(0.2)
        rows.append({"client_port": port, "version": version, "asked_by_client": "close" if "close" in ask else
                     "keep-alive" if ask else None, "announced_by_server": "close" if "close" in announce else
                     "keep-alive" if announce else None, "closer": closer,
                     "request": mark(lab, port, "client", holds(b"GET /")), "response": mark(lab, port, "server", holds(b"HTTP/1.1 200"))})
    talk(45001, announce="Connection: close\r\n")
    talk(45002, ask="Connection: close\r\n", announce="Connection: close\r\n")
    talk(45003, ask="Connection: close\r\n", closer="client")
    talk(45004, version="1.0")
    talk(45005, ask="Connection: keep-alive\r\n", announce="Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", closer="client")
    talk(45006)
    tell(lab, 14, {"protocol": "HTTP/1", "flows": rows})


case("http-connection-close", "Connection: close announced by the server, asked by the client, HTTP/1.0, neither", http_close,
     kinds("graceful server x2; graceful client; graceful server; graceful client; graceful server"))


def h2(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """An HTTP/2 frame."""
    return struct.pack("!I", len(body))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + body


def goaway(lab: Lab) -> None:
    """Clear-text HTTP/2 with prior knowledge: two GOAWAYs of the server, one of the client."""
    lst = lab.listen()
    rows = []
    ask = bytes.fromhex("828684") + b"\x41\x0cshop.example"      # GET / http, :authority
    for port, code, name, last, by in ((45001, 0, "NO_ERROR", 1, "server"), (45002, 11, "ENHANCE_YOUR_CALM", 3, "server"),
                                       (45003, 0, "NO_ERROR", 0, "client")):
        p = lab.pair(port, lst, str(port))
        c, s = p["client"], p["server"]
        c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2(4, 0, 0, b"") + h2(1, 5, 1, ask))
        s.recv()
        s.send(h2(4, 0, 0, b"") + h2(4, 1, 0, b""))
        s.send(h2(1, 4, 1, b"\x88") + h2(0, 1, 1, b"hello\n"))
        lab.sleep(0.1)
        c.send(h2(4, 1, 0, b""))
        if last == 3:
            c.send(h2(1, 5, 3, ask))
            lab.sleep(0.05)
        lab.sleep(0.05)
        one, two = (s, c) if by == "server" else (c, s)
        one.send(h2(7, 0, 0, struct.pack("!II", last, code) + (b"too_many_pings" if code else b"")))
        lab.sleep(0.05)
        one.recv()              # nothing may be left unread
        one.close()
        two.recv_eof()
        two.close()
        lab.sleep(0.2)
        rows.append({"client_port": port, "goaway_by": by, "error_code": code, "error": name, "last_stream_id": last,
                     "debug": "too_many_pings" if code else "", "closer": by,
                     "goaway": mark(lab, port, by, lambda g, c=code, l=last: g.paylen > 0 and holds(
                         b"\x07\0\0\0\0\0" + struct.pack("!II", l, c))(g)),
                     "stream_unanswered": 3 if last == 3 else None})
    tell(lab, 14, {"protocol": "h2c", "flows": rows})


case("h2c-goaway", "clear-text HTTP/2: GOAWAY NO_ERROR and ENHANCE_YOUR_CALM by the server, NO_ERROR by the client", goaway,
     kinds("graceful server x2; graceful client"))


def tls(lab: Lab, version: str) -> None:
    """TLS over the wire: orderly closes with close_notify, one without, and a refused handshake."""
    import ssl
    import tempfile
    with tempfile.TemporaryDirectory() as d:
        key, cert = os.path.join(d, "key.pem"), os.path.join(d, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "36500", "-subj", "/CN=shop.example"], check=True,
                       capture_output=True)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cert, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    v = getattr(ssl.TLSVersion, "TLSv" + version.replace(".", "_"))
    server.minimum_version = server.maximum_version = v
    client.minimum_version, client.maximum_version = v, v
    server.num_tickets = 0
    lst = lab.listen(443)
    rows = []
    for port, by, notify in ((45001, "client", True), (45002, "server", True), (45003, "client", False), (45004, None, None),
                             (45005, "client", "both"), (45006, None, "distrust")):
        p = lab.pair(port, lst, str(port))
        ends: dict[str, Any] = {}
        refuse = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        refuse.check_hostname, refuse.verify_mode = False, ssl.CERT_NONE
        wrong = ssl.TLSVersion.TLSv1_3 if version == "1.2" else ssl.TLSVersion.TLSv1_2
        refuse.minimum_version = refuse.maximum_version = wrong
        if notify == "distrust":        # the right version, but a certificate that the client does not trust
            refuse.minimum_version = refuse.maximum_version = v
            refuse.verify_mode = ssl.CERT_REQUIRED

        def serve() -> None:
            try:
                ends["server"] = server.wrap_socket(p["server"].sock.dup(), server_side=True)
                ends["server"].recv(1000)
                ends["server"].send(response())
            except OSError:
                pass
        with lab.background(serve):
            try:
                ends["client"] = (client if by else refuse).wrap_socket(p["client"].sock.dup(), server_hostname="shop.example")
                ends["client"].send(request("/"))
                ends["client"].recv(1000)
            except OSError:
                pass
        lab.sleep(0.1)
        first = by or ("client" if notify == "distrust" else "server")
        lab.did(f"{first}: {'close_notify, then ' if by and notify else ''}close")
        if notify == "both":        # each waits for the other's close_notify
            ends["server"].settimeout(1)
            with lab.background(lambda: ends["server"].unwrap()):
                ends["client"].unwrap()
        for side in (first, other(first)):
            end = ends.get(side)
            if end and notify is True:
                try:
                    end.settimeout(0.05)
                    end.unwrap()
                except (OSError, ValueError):
                    pass
            if end:
                end.close()
            p[side].sock.close()
            lab.sleep(0.1)
        lab.sleep(0.1)
        # record types by their first byte; in TLS 1.3 an encrypted alert looks like data (23)
        types = {side: [s.frame[s.l4 + 20 + len(s.opts)] for _, _, who, s in segments(lab, "mid", port)
                        if who == side and s.paylen] for side in ("client", "server")}
        rows.append({"client_port": port, "closed_first_by": first, "close_notify": bool(by and notify), "first_bytes_of_segments": types,
                     "alert": {side: mark(lab, port, side, lambda s: s.paylen and s.frame[s.l4 + 20 + len(s.opts)] == 21)
                               for side in ("client", "server")},
                     "clear_alert": clear_alert(lab, port) if not by else None,
                     "rst_by": first if notify in (True, "distrust") else None})
    tell(lab, 14, {"protocol": "TLS " + version, "flows": rows})


def clear_alert(lab: Lab, port: int) -> dict[str, Any] | None:
    """The alert of a handshake that fails, if it is in clear: two bytes in a record of type 21."""
    for _, _, side, s in segments(lab, "mid", port):
        payload = s.frame[s.l4 + 20 + len(s.opts):]
        if payload[:1] == b"\x15" and payload[3:5] == b"\0\x02":
            return {"level": payload[5], "description": payload[6], "by": side,
                    "name": {70: "protocol_version", 48: "unknown_ca"}.get(payload[6])}
    return None


TLS = kinds("data-after-close client; data-after-close server; graceful client; graceful server; graceful client; abort-unread client")
case("tls12-close", "TLS 1.2: closes with and without close_notify (record type 21), a refused handshake", tls, TLS, version="1.2")
case("tls13-close", "TLS 1.3: the same; close_notify is hidden in a record of type 23", tls, TLS, version="1.3")


# ------------------------------------------------------------------ 15 healthy, and a regression

def many(lab: Lab, count: int = 300, resets: tuple[int, ...] = (), leaks: tuple[int, ...] = ()) -> None:
    """Short exchanges, the client closes; in the regression the server aborts some and never closes others."""
    kept: list[App] = []

    def serve(app: App) -> None:
        n = int(read_request(app).split()[1][1:])
        if n in resets:
            app.linger(0)
            app.close()
            return
        app.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        app.recv_eof()
        if n in leaks:
            kept.append(app)
        else:
            app.close()
    service = Service(lab, serve)

    def one(n: int) -> Any:
        def go() -> None:
            c = lab.client()
            c.connect((lab.addr["server"], 80))
            c.send(b"GET /%d HTTP/1.1\r\n\r\n" % n)
            c.recv()
            c.close()
        return go
    together([one(n) for n in range(count)], 0.012)
    lab.sleep(0.4)
    if leaks:
        lab.sleep(5.5)
        late = connect(lab, 45999)      # the capture has to last past the threshold
        exchange(late, b"GET /999 HTTP/1.1\r\n\r\n")
        late.close()
        lab.sleep(0.3)
    service.stop()
    tell(lab, 15, {"connections": count + bool(leaks), "graceful": count - len(resets) - len(leaks) + bool(leaks),
                   "closer": "client", "aborted_by_server": len(resets), "never_closed_by_server": len(leaks),
                   "healthy": not resets and not leaks,
                   "requests_reset": [f"/{n}" for n in resets], "requests_leaked": [f"/{n}" for n in leaks]})


BAD = tuple(range(7, 300, 10))[:30]
LEAKED = tuple(range(4, 300, 20))[:15]
case("healthy-300", "300 connections of a healthy service", many, kinds("graceful client x300"), points=MID,
     delays=(0.002, 0.002), period=0.03)
case("regression-300", "the same service after a bad release: 30 connections aborted, 15 never closed", many,
     [*({"kind": "abort-linger"} if n in BAD else {"kind": "close-wait-leak"} if n in LEAKED else {"kind": "graceful"}
        for n in range(300)), {"kind": "graceful"}], points=MID, delays=(0.002, 0.002), period=0.03, resets=BAD, leaks=LEAKED)
