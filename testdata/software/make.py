#!/usr/bin/env python3
"""Real programs between two network namespaces: what passed at each host, and what `ss` listed there afterwards.

    python3 make.py            # all, 5 minutes; root, Linux, Python 3.11, and the programs that README.md names
    python3 make.py NAME...    # some
"""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESSES = {"client": ["192.0.2.1", "2001:db8::1"], "server": ["192.0.2.2", "2001:db8::2"]}
SERVER, SERVER6 = ADDRESSES["server"]
SNAPLEN = "160"


@dataclass
class Host:
    """A network namespace with one cable."""
    name: str
    point: str
    sysctl: dict[str, Any]
    running: list[subprocess.Popen] = field(default_factory=list)

    def command(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(self.command(*command), capture_output=True, text=True)
        assert fails or done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen:
        program = subprocess.Popen(self.command(*command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running.append(program)
        return program

    def stop(self) -> None:
        for program in reversed(self.running):
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
            program.wait(20)


@dataclass
class Run:
    """What a scenario has at hand."""
    client: Host
    server: Host
    folder: str
    did: list[str] = field(default_factory=list)

    def serve(self, *command: str, port: int) -> None:
        """A program on the server, from when it listens on."""
        self.server.start(*command)
        for _ in range(100):
            if f":{port} " in self.server.run("ss", "-Htln"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{command} does not listen")

    def file(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def nginx(self, http: str, port: int = 80) -> None:
        self.serve("nginx", "-p", self.folder, "-e", "/dev/null", "-c", self.file(f"nginx-{port}.conf", f"""
            daemon off; user root; worker_processes 1; pid {self.folder}/nginx-{port}.pid;
            events {{ worker_connections 256; }}
            http {{ access_log off; client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b;
                    fastcgi_temp_path {self.folder}/c; uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
                    {http} }}"""), port=port)

    def curl(self, *urls: str, times: int = 1, fails: bool = False) -> None:
        self.told(f"{times} x curl {' '.join(urls)}")
        for _ in range(times):
            self.client.run("curl", "-sS", "-o", "/dev/null", *[part for url in urls for part in (url, "-o", "/dev/null")][:-2], fails=fails)

    def ran(self, *command: str) -> None:
        self.told(" ".join(command))
        self.client.run(*command)

    def told(self, text: str) -> None:
        self.did.append(text)

    def hold(self, port: int, count: int, text: str, seconds: float) -> None:
        """A program of the client that holds so many connections, closes the first half after so many seconds and keeps the others."""
        self.told(f"{count} connections send {text!r}; after {seconds} s the client closes half of them")
        keeper = self.client.start(sys.executable, os.path.abspath(__file__), "--hold", SERVER, str(port), str(count), text, str(seconds))
        time.sleep(seconds + 0.5)
        assert keeper.poll() is None


def hold(addr: str, port: str, count: str, text: str, seconds: str) -> None:
    socks = [socket.create_connection((addr, int(port))) for _ in range(int(count))]
    for s in socks:
        s.sendall(text.encode().decode("unicode_escape").encode())
        s.recv(4096)
    time.sleep(float(seconds))
    for s in socks[::2]:
        s.close()
    sys.stdin.read()


# ------------------------------------------------------------------ scenarios

ANSWER = 'location / { return 200 "it is well\\n"; }'
SITE = f"server {{ listen 80; listen [::]:80; {ANSWER} }}"
BACKEND = f"server {{ listen 127.0.0.1:8080; {ANSWER} }}"
PAGE, PAGE6 = f"http://{SERVER}/", f"http://[{SERVER6}]/"


@dataclass
class Scenario:
    name: str
    title: str
    act: Callable[[Run], None]
    sysctl: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The server's host is captured on all interfaces.
    any: bool = False
    #: Per cent of the packets that are lost between the hosts.
    loss: int = 0
    points: tuple[str, ...] = ("client", "server")


SCENARIOS: list[Scenario] = []


def scenario(name: str, title: str, **how: Any) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    def note(act: Callable[[Run], None]) -> Callable[[Run], None]:
        SCENARIOS.append(Scenario(name, title, act, **how))
        return act
    return note


@scenario("nginx-no-keepalive", "nginx with keepalive_timeout 0 and curl: the server closes")
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 0; {SITE}")
    run.curl(PAGE, times=12)


@scenario("nginx-keepalive", "nginx with keep-alive and curl, three requests a connection: the client closes")
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 65; {SITE}")
    run.curl(PAGE + "a", PAGE + "b", PAGE + "c", times=8)


@scenario("nginx-idle", "nginx with keepalive_timeout 1s: the server closes idle connections, the client half of them afterwards")
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 1s; {SITE}")
    run.hold(80, 8, r"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2.5)


@scenario("nginx-requests", "nginx with keepalive_requests 2 and curl: the server closes after every second request")
def _(run: Run) -> None:
    run.nginx(f"keepalive_requests 2; {SITE}")
    run.curl(*[PAGE + letter for letter in "abcde"], times=4)


@scenario("nginx-reset", "nginx with reset_timedout_connection, and a client that does not read: RST, no TIME-WAIT")
def _(run: Run) -> None:
    run.nginx(f"reset_timedout_connection on; send_timeout 1s; keepalive_timeout 0; "
              f"server {{ listen 80; sendfile off; location / {{ root {run.folder}; }} }}")
    run.file("large", "x" * 8_000_000)
    run.hold(80, 2, r"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", 3.0)


@scenario("curl-gives-up", "curl --max-time while nginx sends slowly: the client closes in the middle of a response")
def _(run: Run) -> None:
    run.file("slow", "x" * 60_000)
    run.nginx(f"server {{ listen 80; location / {{ root {run.folder}; limit_rate 10k; }} }}")
    run.told("3 x curl --max-time 1 /slow")
    for _ in range(3):
        run.client.run("curl", "-sS", "--max-time", "1", "-o", "/dev/null", PAGE + "slow", fails=True)
    time.sleep(1.5)


@scenario("nginx-tls", "TLS: curl and nginx without and with keep-alive, close_notify and FINs")
def _(run: Run) -> None:
    key, cert = os.path.join(run.folder, "key"), os.path.join(run.folder, "cert")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    tls = f"ssl_certificate {cert}; ssl_certificate_key {key};"
    run.nginx(f"{tls} server {{ listen 443 ssl; keepalive_timeout 0; {ANSWER} }} server {{ listen 8443 ssl; {ANSWER} }}", port=443)
    for port in ("443", "8443"):
        run.told(f"4 x curl -k https://{SERVER}:{port}/")
        for _ in range(4):
            run.client.run("curl", "-sSk", "-o", "/dev/null", f"https://{SERVER}:{port}/")


@scenario("ab", "ab -c 4 -n 40, HTTP/1.0: the server closes every connection")
def _(run: Run) -> None:
    run.nginx(SITE)
    run.ran("ab", "-q", "-c", "4", "-n", "40", PAGE)


@scenario("ab-keepalive", "ab -k -c 4 -n 40: four connections, which the client closes")
def _(run: Run) -> None:
    run.nginx(SITE)
    run.ran("ab", "-q", "-k", "-c", "4", "-n", "40", PAGE)


@scenario("siege", "siege with Connection: close and with keep-alive")
def _(run: Run) -> None:
    run.nginx(SITE)
    for connection in ("close", "keep-alive"):
        conf = run.file(f"siege-{connection}", f"verbose = false\nconnection = {connection}\nlogging = false\nparser = false\n")
        run.told(f"siege -b -c 3 -r 5, connection = {connection}")
        run.client.run("siege", f"--rc={conf}", "-q", "-b", "-c", "3", "-r", "5", PAGE)


@scenario("proxy-nginx", "curl, nginx as proxy without keep-alive to 127.0.0.1:8080", any=True)
def _(run: Run) -> None:
    run.nginx(BACKEND, port=8080)
    run.nginx("server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }")
    run.curl(PAGE, times=10)


@scenario("proxy-nginx-pool", "curl, nginx as proxy with a pool of connections to 127.0.0.1:8080, which closes the idle ones", any=True)
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 1s; {BACKEND}", port=8080)
    run.nginx("upstream b { server 127.0.0.1:8080; keepalive 4; } "
              "server { listen 80; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; } }")
    run.curl(PAGE, times=5)
    time.sleep(2.2)
    run.curl(PAGE, times=5)


@scenario("proxy-haproxy", "curl, haproxy, nginx on 127.0.0.1:8080", any=True)
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 1s; {BACKEND}", port=8080)
    run.serve("haproxy", "-db", "-f", run.file("haproxy.cfg", """
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend all
    bind :80
    use_backend closing if { path_beg /close }
    default_backend keeping
backend keeping
    server one 127.0.0.1:8080
backend closing
    option httpclose
    server one 127.0.0.1:8080
"""), port=80)
    run.curl(PAGE, times=6)
    run.curl(PAGE + "close", times=6)
    time.sleep(1.8)


@scenario("redis-idle", "redis with timeout 1: it closes idle connections, the client half of them afterwards; redis-cli closes its own")
def _(run: Run) -> None:
    run.serve("redis-server", "--timeout", "1", "--save", "", "--protected-mode", "no", "--bind", "*", port=6379)
    run.told("4 x redis-cli ping")
    for _ in range(4):
        run.client.run("redis-cli", "-h", SERVER, "ping")
    run.hold(6379, 6, r"PING\r\n", 3.5)


@scenario("redis-benchmark", "redis-benchmark -n 60 -c 5: the client closes")
def _(run: Run) -> None:
    run.serve("redis-server", "--save", "", "--protected-mode", "no", "--bind", "*", port=6379)
    run.ran("redis-benchmark", "-h", SERVER, "-n", "60", "-c", "5", "-t", "ping_mbulk,set", "-q")


@scenario("ipv6", "over IPv6: curl with and without keep-alive, ab")
def _(run: Run) -> None:
    run.nginx(f"server {{ listen [::]:80; {ANSWER} }} server {{ listen [::]:81; keepalive_timeout 0; {ANSWER} }}")
    run.curl(PAGE6 + "a", PAGE6 + "b", times=6)
    run.curl(f"http://[{SERVER6}]:81/", times=6)
    run.ran("ab", "-q", "-c", "2", "-n", "8", PAGE6)


REUSE = {"ipv4.ip_local_port_range": "40000 40007", "ipv4.tcp_tw_reuse": 1}


@scenario("reuse", "tcp_tw_reuse=1, 8 ephemeral ports, the client closes: a TIME-WAIT of more than a second is used again", sysctl={"client": REUSE})
def _(run: Run) -> None:
    run.nginx(SITE)
    for _ in range(3):
        run.curl(PAGE, times=7)
        time.sleep(1.2)


@scenario("server-waits", "8 ephemeral ports, 40 connections, the server closes: its TIME-WAITs are taken over and no port runs out",
          sysctl={"client": {**REUSE, "ipv4.tcp_tw_reuse": 0}})
def _(run: Run) -> None:
    run.nginx(f"keepalive_timeout 0; {SITE}")
    run.curl(PAGE, times=40)


@scenario("loss", "ab and curl, keep-alive or not, while one packet in twelve is lost between the hosts", loss=8)
def _(run: Run) -> None:
    run.nginx(f"server {{ listen 80; {ANSWER} }} server {{ listen 81; keepalive_timeout 0; {ANSWER} }}")
    run.ran("ab", "-q", "-c", "4", "-n", "24", PAGE)
    run.curl(PAGE + "a", PAGE + "b", times=12)
    run.curl(f"http://{SERVER}:81/", times=12)
    run.told("20 s pass")
    time.sleep(20)


@scenario("expiry", "curl every 1.25 s for 75 s, the client and the server close in turn: the first TIME-WAITs are over")
def _(run: Run) -> None:
    run.nginx(f"server {{ listen 80; {ANSWER} }} server {{ listen 81; keepalive_timeout 0; {ANSWER} }}")
    for i in range(60):
        run.client.run("curl", "-sS", "-o", "/dev/null", PAGE if i % 2 else f"http://{SERVER}:81/")
        time.sleep(1.25)
    run.told("60 x curl, of port 81 and 80 in turn, 1.25 s apart")


def parity(run: Run) -> None:
    run.nginx(SITE)
    run.curl(PAGE, times=80)


@scenario("parity-half", "80 of 200 ephemeral ports from an odd one on, the client closes: all are odd",
          sysctl={"client": {"ipv4.ip_local_port_range": "40001 40200", "ipv4.tcp_tw_reuse": 0}}, points=("client",))
def _(run: Run) -> None:
    parity(run)


@scenario("parity-more", "80 of 100 ephemeral ports: those of one parity first, then the others",
          sysctl={"client": {"ipv4.ip_local_port_range": "40000 40099", "ipv4.tcp_tw_reuse": 0}}, points=("client",))
def _(run: Run) -> None:
    parity(run)


# ------------------------------------------------------------------ the hosts

@contextlib.contextmanager
def hosts(sysctl: dict[str, dict[str, Any]], loss: int) -> Iterator[list[Host]]:
    made = [Host(f"ws-{os.getpid()}-{point}", point, sysctl.get(point, {})) for point in ADDRESSES]
    between = Host(f"ws-{os.getpid()}-between", "between", {})
    ip = lambda *words: subprocess.run(["ip", *words], check=True)
    try:
        ip("netns", "add", between.name)
        ip("-n", between.name, "link", "add", "wire", "type", "bridge")
        ip("-n", between.name, "link", "set", "wire", "up")
        if loss:
            between.run("nft", "add table bridge wire; add chain bridge wire loss { type filter hook forward priority 0; }; "
                        f"add rule bridge wire loss ether type ip numgen random mod 100 < {loss} drop")
        for host in made:
            ip("netns", "add", host.name)
            ip("link", "add", "eth0", "netns", host.name, "type", "veth", "peer", "name", host.point, "netns", between.name)
            ip("-n", between.name, "link", "set", host.point, "up", "master", "wire")
        for host in made:
            v4, v6 = ADDRESSES[host.point]
            ip("-n", host.name, "addr", "add", v4 + "/24", "dev", "eth0")
            ip("-n", host.name, "-6", "addr", "add", v6 + "/64", "dev", "eth0", "nodad")
            for link in ("lo", "eth0"):
                ip("-n", host.name, "link", "set", link, "up")
            for key, value in host.sysctl.items():
                host.run("sysctl", "-qw", f"net.{key}={value}")
        time.sleep(1)
        yield made
    finally:
        for host in made:
            host.stop()
        for host in [*made, between]:
            subprocess.run(["ip", "netns", "del", host.name])


def capture(host: Host, interface: str, path: str) -> subprocess.Popen:
    dump = subprocess.Popen(host.command("tcpdump", "-i", interface, "-s", SNAPLEN, "-U", "--immediate-mode", "-Z", "root", "-w", path, "tcp"),
                            stderr=subprocess.PIPE, text=True)
    while "listening on" not in (line := dump.stderr.readline()):
        assert line, "tcpdump does not start"
    time.sleep(0.2)
    return dump


def listed(host: Host) -> tuple[str, list[float]]:
    before = time.time()
    text = host.run("ss", "-tano")
    return text, [round(before, 6), round(time.time(), 6)]


def version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()[0]


def make(this: Scenario, out: str) -> None:
    with hosts(this.sysctl, this.loss) as (client, server), tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        run = Run(client, server, folder)
        points = {host.point: host for host in (client, server) if host.point in this.points}
        name = lambda point, end: f"{this.name}.{point}.{end}"
        dumps = {}
        for point, host in points.items():
            interface = "any" if this.any and point == "server" else "eth0"
            dumps[point] = capture(host, interface, os.path.join(out, name(point, "pcap")))
        this.act(run)
        time.sleep(0.3)
        truth: dict[str, Any] = {"name": this.name, "title": this.title, "did": run.did, "sysctl": this.sysctl, "loss_percent": this.loss,
                                 "kernel": os.uname().release, "hosts": {}}
        for point, host in points.items():
            text, when = listed(host)
            with open(os.path.join(out, name(point, "ss.txt")), "w") as f:
                f.write(text)
            truth["hosts"][point] = {"addresses": [*ADDRESSES[point], "127.0.0.1", "::1"], "capture": name(point, "pcap"),
                                     "list": name(point, "ss.txt"), "listed": when}
        time.sleep(0.3)
        for dump in dumps.values():
            dump.send_signal(signal.SIGINT)
            dump.wait(10)
    with open(os.path.join(out, this.name + ".json"), "w") as f:
        json.dump(truth, f, indent=1)
        f.write("\n")
    waits = {point: open(os.path.join(out, name(point, "ss.txt"))).read().count("TIME-WAIT") for point in points}
    sizes = {point: os.path.getsize(os.path.join(out, name(point, "pcap"))) for point in points}
    print(f"{this.name}: TIME-WAITs {waits}, bytes {sizes}", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--hold"]:
        return hold(*sys.argv[2:])
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("names", nargs="*")
    args.add_argument("--out", default=HERE)
    asked = args.parse_args()
    for this in SCENARIOS:
        if not asked.names or this.name in asked.names:
            make(this, asked.out)


if __name__ == "__main__":
    main()
