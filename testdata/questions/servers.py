"""Real servers (nginx, haproxy, redis of Debian 12) in the lab's server host, and what a capture on that host with `-i any` holds."""
from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from typing import Any, Iterator

from speaking import h2
from tools import *  # noqa: F403
from tools import App, Lab, case, kinds

LOOPBACK = ("127.0.0.1", 8080)


@contextmanager
def running(lab: Lab, *command: str, stop: int = signal.SIGTERM, until: str = "", ready: float = 0.5) -> Iterator[subprocess.Popen]:
    """A program in the server's namespace; it is ready when it has written `until` to its standard error."""
    p = subprocess.Popen(["ip", "netns", "exec", lab.ns["server"].name, *command], stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE if until else subprocess.DEVNULL, text=True)
    lab.did(" ".join(os.path.basename(c) for c in command[:2]) + " starts on server")
    if until:
        while until not in (line := p.stderr.readline()):
            assert line, command
    else:
        time.sleep(ready)
    try:
        yield p
    finally:
        if p.poll() is None:
            p.send_signal(stop)
        p.wait(10)


@contextmanager
def capture_any(lab: Lab) -> Iterator[None]:
    """Two captures on all interfaces of the server's host, cooked v2: tcpdump's, which leaves out the outgoing copy of what passes
    over the loopback, and one of a bare packet socket, which has both copies."""
    path = os.path.join(tempfile.mkdtemp(), lab.sc.name + ".any.pcap")
    both = PacketSocket(lab)
    with running(lab, "tcpdump", "-i", "any", "-y", "LINUX_SLL2", "-U", "--immediate-mode", "-Z", "root", "-s", "600", "-w", path,
                 "tcp", stop=signal.SIGINT, until="listening on"):
        time.sleep(0.1)
        yield
        time.sleep(0.3)
    double = os.path.join(tempfile.mkdtemp(), lab.sc.name + ".any-double.pcap")
    both.write(double)
    lab.truth_extra["extra_captures"] = {"any": path, "any-double": double}


class PacketSocket(threading.Thread):
    """Records all TCP/IPv4 packets of the server's namespace, both copies of those on the loopback."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(daemon=True)
        with lab.ns["server"].entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
            self.index = {name: i for i, name in socket.if_nameindex()}
        self.sock.setsockopt(socket.SOL_SOCKET, 35, 1)      # SO_TIMESTAMPNS
        self.sock.settimeout(0.2)
        self.records: list[tuple[int, bytes]] = []
        self.stopping = False
        self.start()

    def run(self) -> None:
        while not self.stopping:
            try:
                data, aux, _, (name, proto, kind, hardware, mac) = self.sock.recvmsg(65536, 200)
            except TimeoutError:
                continue
            if proto != 0x0800 or data[9] != 6:
                continue
            s, ns = struct.unpack("@qq", aux[0][2][:16])
            head = struct.pack("!HHIHBB8s", proto, 0, self.index[name], hardware, kind, len(mac), mac)
            self.records.append((s * 10**9 + ns, head + data))

    def write(self, path: str) -> None:
        self.stopping = True
        self.join(2)
        self.sock.close()
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 276))
            for t, data in self.records:
                f.write(struct.pack("<IIII", t // 10**9, t % 10**9 // 1000, len(data), len(data)) + data)


def kernel_account(lab: Lab, ports: list[int], service: tuple[str, int]) -> list[dict[str, Any]]:
    """What the kernel did with the loopback connections: who sent a FIN before it had the other's, resets, TIME-WAITs."""
    events = lab.tracer.read({service[0]})
    out = []
    for port in ports:
        keys = {"client": (service[0], port, *service), "server": (*service, service[0], port)}
        path = {side: [e.new for e in events if e.key == key and e.name == "inet_sock_set_state"] for side, key in keys.items()}
        active = [side for side in keys if "FIN_WAIT1" in path[side]]
        resets = {side: [e.reason for e in events if e.key == key and e.name == "tcp_send_reset"] for side, key in keys.items()}
        owners = [side for side, key in keys.items() if any(
            r.mini and r.state == "TIME_WAIT" for r in lab.sampler.runs.get(("server", key), []))]
        out.append({"client_port": port, "first_fin": "both" if len(active) == 2 else (active or ["none"])[0],
                    "rst_by": {side: r for side, r in resets.items() if r}, "time_wait": owners,
                    "path": {side: " ".join(p) for side, p in path.items()}})
    return out


class Backend:
    """An HTTP/1 service on 127.0.0.1:8080 that keeps account of its connections."""

    def __init__(self, lab: Lab) -> None:
        self.rows: list[dict[str, Any]] = []
        with lab.ns["server"].entered():
            self.sock = socket.create_server(LOOPBACK, backlog=64)
        self.sock.settimeout(0.2)
        self.stopping = False
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self) -> None:
        while not self.stopping:
            try:
                s, peer = self.sock.accept()
            except OSError:
                continue
            row: dict[str, Any] = {"client_port": peer[1], "requests": 0, "closed_by": None}
            self.rows.append(row)
            threading.Thread(target=self.one, args=(s, row), daemon=True).start()
        self.sock.close()

    def one(self, s: socket.socket, row: dict[str, Any]) -> None:
        s.settimeout(20)
        try:
            while data := read_request(Plain(s)):
                row["requests"] += 1
                time.sleep(0.03)        # so that requests overlap
                last = b"HTTP/1.0" in data or b"onnection: close" in data
                s.sendall(response(headers="Connection: close\r\n" if last else ""))
                if last:
                    row["closed_by"] = "server"
                    break
            else:
                row["closed_by"] = "client"
        except ConnectionResetError:
            row["closed_by"] = "client RST"
        except OSError:
            row["closed_by"] = "nobody"
        s.close()

    def stop(self) -> list[dict[str, Any]]:
        self.stopping = True
        self.thread.join(2)
        return sorted(self.rows, key=lambda r: r["client_port"])


class Plain:
    """What read_request wants of an App."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


def config(text: str) -> str:
    path = os.path.join(tempfile.mkdtemp(), "server.conf")
    with open(path, "w") as f:
        f.write(text)
    return path


def nginx(lab: Lab, server: str, upstream: str = "", keepalive: str = "3s") -> Any:
    """nginx in the foreground."""
    path = config(f"""daemon off; master_process off; worker_processes 1; error_log stderr; pid {tempfile.mkdtemp()}/pid;
events {{ worker_connections 256; }}
http {{ access_log off; keepalive_timeout {keepalive}; {upstream}
server {{ {server} }} }}
""")
    return running(lab, "nginx", "-c", path, stop=signal.SIGQUIT)


# ------------------------------------------------------------------ client, proxy, backend

def behind_proxy(lab: Lab, proxy: str, clients: int = 4, requests: int = 5) -> None:
    """Clients keep their connections to a proxy, which asks 127.0.0.1:8080 with a pool of connections or without."""
    backend = Backend(lab)
    pool = "keepalive 4;" if proxy == "nginx-pool" else ""
    more = "proxy_http_version 1.1; proxy_set_header Connection '';" if pool else ""
    if proxy == "haproxy":
        path = config("""global
  maxconn 100
defaults
  mode http
  option http-server-close
  timeout connect 2s
  timeout client 3s
  timeout server 3s
frontend f
  bind 203.0.113.80:80
  default_backend b
backend b
  server s 127.0.0.1:8080
""")
        server = running(lab, "haproxy", "-db", "-f", path)
    else:
        server = nginx(lab, f"listen 80; location / {{ proxy_pass http://app; {more} }}",
                       f"upstream app {{ server 127.0.0.1:8080; {pool} }}")
    ports = [45001 + i for i in range(clients)]

    def one(port: int) -> Any:
        def go() -> None:
            c = connect(lab, port)
            for n in range(requests):
                exchange(c, request(f"/page/{n}"))
            if port == ports[-1]:
                c.recv_eof()            # left idle: the proxy closes after 3 s
            c.close()
        return go
    with capture_any(lab):
        with server:
            together([one(p) for p in ports], 0.03)
            lab.sleep(0.3)
        lab.sleep(0.3)
    rows = backend.stop()
    told = kernel_account(lab, [r["client_port"] for r in rows], LOOPBACK)
    for row, flow in zip(rows, told):
        row.pop("closed_by")
        row.update(flow)
    closers = {who: sum(1 for r in rows if r["first_fin"] == who) for who in ("client", "server", "both", "none")}
    owners = {who: sum(1 for r in rows if who in r["time_wait"]) for who in ("client", "server")}
    tell(lab, 4, {
        "topic": "hops", "proxy": proxy, "proxy_address": lab.addr["server"],
        "front": {"service": [lab.addr["server"], 80], "connections": clients, "exchanges": clients * requests,
                  "exchanges_per_connection": requests, "closed_by_client": ports[:-1],
                  "closed_by_proxy_when_idle": {"client_port": ports[-1], "idle": silence(lab, ports[-1], "server", is_fin),
                                                "idle_timeout_s": 3.0}},
        "back": {"service": list(LOOPBACK), "connections": len(rows), "exchanges": sum(r["requests"] for r in rows),
                 "exchanges_per_connection": sum(r["requests"] for r in rows) / len(rows), "first_fin": closers, "time_wait_owners": owners,
                 "reset_by_proxy": sum(1 for r in rows if "client" in r["rst_by"]), "flows": rows,
                 "pool": bool(pool)},
        "loopback_copies": {"any": 1, "any-double": 2}})


PROXY = kinds("graceful client x3; graceful server")
case("proxy-no-pool", "client, nginx, 127.0.0.1:8080: a connection per request behind the proxy", behind_proxy, PROXY,
     proxy="nginx", points=("client",))
case("proxy-pool", "the same with a pool of kept connections behind the proxy", behind_proxy, PROXY, proxy="nginx-pool",
     points=("client",))
case("proxy-haproxy", "the same with haproxy and option http-server-close", behind_proxy, PROXY, proxy="haproxy",
     points=("client",))


def waits_for_itself(lab: Lab, count: int = 6, wait: float = 6.0) -> None:
    """A service asks itself through 127.0.0.1 and never closes the server's ends."""
    kept: list[socket.socket] = []
    with lab.ns["server"].entered():
        listener = socket.create_server(("0.0.0.0", 80), backlog=64)
        own = [socket.socket() for _ in range(count)]
    listener.settimeout(0.2)
    ports: list[int] = []
    stopping = threading.Event()

    def serve(s: socket.socket, peer: tuple[str, int]) -> None:
        if not read_request(Plain(s)):
            return
        if peer[0] != "127.0.0.1":
            for c in own:
                c.connect(("127.0.0.1", 80))
                ports.append(c.getsockname()[1])
                c.sendall(request("/part"))
                c.recv(1000)
                c.close()
                time.sleep(0.1)
            s.sendall(response())
            s.recv(10)
            s.close()
        else:
            s.sendall(response())
            kept.append(s)              # nobody closes it

    def loop() -> None:
        while not stopping.is_set():
            try:
                s, peer = listener.accept()
            except OSError:
                continue
            s.settimeout(5)
            threading.Thread(target=serve, args=(s, peer), daemon=True).start()
    thread = threading.Thread(target=loop, daemon=True)
    with capture_any(lab):
        thread.start()
        c = connect(lab, 45001)
        exchange(c, request("/whole"))
        c.close()
        lab.sleep(wait)
        c = connect(lab, 45002)         # so that the capture shows how long
        c.close()
        lab.sleep(0.2)
    stopping.set()
    thread.join(2)
    tell(lab, 5, {"leaking_side": "server", "service": ["127.0.0.1", 80], "leaks": count, "flows":
        kernel_account(lab, ports, ("127.0.0.1", 80)), "same_host": True, "longer_than_s": wait, "still_so_at_the_end": True})
    for s in kept + [listener]:
        s.close()


case("waits-for-itself", "a service connects to itself on 127.0.0.1 and never closes the server's ends", waits_for_itself,
     kinds("graceful client x2"), points=("client",))


def loopback_reuse(lab: Lab, ports: int = 10, tries: int = 12, later: int = 5) -> None:
    """A client on 127.0.0.1 runs out of ports; after a second it may have them again, as tcp_tw_reuse is 2 by default."""
    backend = Backend(lab)
    used, refused = [], []
    lab.ns["server"].sysctl("ipv4.ip_local_port_range", f"50000 {50000 + ports - 1}")
    with open("/proc/sys/net/ipv4/tcp_tw_reuse") as f:
        default = int(f.read())

    def one() -> None:
        with lab.ns["server"].entered():
            c = socket.socket()
        try:
            c.connect(LOOPBACK)
        except OSError as e:
            refused.append(errno.errorcode[e.errno])
            return
        used.append(c.getsockname()[1])
        c.sendall(request("/"))
        c.recv(1000)
        c.close()
    with capture_any(lab):
        for _ in range(tries):
            one()
        lab.sleep(1.2)
        for _ in range(later):
            one()
    backend.stop()
    tell(lab, 10, {"service": list(LOOPBACK), "ports": ports, "connections": len(used), "distinct_ports": len(set(used)),
                   "reused_ports": len(used) - len(set(used)), "refused_calls": refused, "time_wait_owner": "client",
                   "tcp_tw_reuse": default, "loopback_copies": {"any": 1, "any-double": 2}})


case("loopback-reuse", "127.0.0.1, ten ports: used up, and a second later reused without any setting", loopback_reuse, [], points=())


# ------------------------------------------------------------------ idle timeouts of real servers

def idle_server(lab: Lab, server: str, seconds: float, count: int = 6) -> None:
    """Connections left idle until the server closes them."""
    port = 6379 if server == "redis" else 80
    if server == "redis":
        run = running(lab, "redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--timeout", str(int(seconds)), "--save", "",
                      "--dir", tempfile.mkdtemp())
        ask, ports = b"PING\r\n", [45001 + i for i in range(count)]
    else:
        run = nginx(lab, "listen 80; location / { return 204; }", keepalive=f"{seconds:g}s")
        ask, ports = request("/"), [45001 + i for i in range(count)]

    def one(p: int) -> Any:
        def go() -> None:
            c = connect(lab, p, port)
            c.send(ask)
            c.recv()
            c.recv_eof()
            c.close()
        return go
    with run:
        together([one(p) for p in ports], 0.15)
        lab.sleep(0.3)
    tell(lab, 3, {"closer": "server", "server": server, "service_port": port, "idle_timeout_s": seconds, "count": count,
                  "exact": server != "redis", "flows": [
                      {"client_port": p, "fin": mark(lab, p, "server", is_fin), "idle": silence(lab, p, "server", is_fin)} for p in ports],
                  "note": "redis looks at its clients about once a second: up to 1 s later" if server == "redis" else ""})


case("idle-timeout-nginx", "nginx with keepalive_timeout 2s closes six idle connections", idle_server, kinds("graceful server x6"),
     server="nginx", seconds=2.0, points=("client", "mid"))
case("idle-timeout-redis", "redis with timeout 2 closes six idle connections", idle_server, kinds("graceful server x6"),
     server="redis", seconds=2.0, points=("client", "mid"))


def nginx_goaway(lab: Lab) -> None:
    """nginx ends idle clear-text HTTP/2 connections with GOAWAY."""
    rows = []
    ask = bytes.fromhex("828684") + b"\x41\x0cshop.example"
    with nginx(lab, "listen 80 http2; location / { return 204; }", keepalive="1s"):
        for port in (45001, 45002):
            c = connect(lab, port)
            c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2(4, 0, 0, b"") + h2(1, 5, 1, ask))
            lab.sleep(0.2)
            c.send(h2(4, 1, 0, b""))
            c.recv_eof()
            c.close()
            lab.sleep(0.2)
            found = mark(lab, port, "server", holds(b"\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"))
            rows.append({"client_port": port, "goaway_by": "server", "error_code": 0, "error": "NO_ERROR", "last_stream_id": 1,
                         "goaway": found, "closer": "server"})
    tell(lab, 14, {"protocol": "h2c", "server": "nginx", "flows": rows})


case("h2c-goaway-nginx", "nginx ends idle clear-text HTTP/2 connections with GOAWAY", nginx_goaway, kinds("graceful server x2"),
     points=("client", "mid"))
