"""Questions 11 to 13: stuck states, RSTs after the close, openings that fail."""
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


# ------------------------------------------------------------------ 11 stuck states

def stuck_zero_window(lab: Lab, wait: float = 6.5) -> None:
    """The server never reads; the client closes behind a full window: its FIN cannot leave."""
    lst = lab.listen()
    lst.sock_option("SO_RCVBUF", 4096)
    p = lab.pair(45001, lst)
    p["client"].send(12000)
    lab.sleep(0.3)
    p["client"].close()
    closed = lab.calls[-1]["time"]
    lab.sleep(wait)
    top = {}
    for point in lab.sc.points:
        end, probes = None, []
        for n, t, side, s in segments(lab, point, 45001):
            if side == "client" and s.flags & 22 == 16:
                if s.paylen == 0 and end is not None and seq_diff(s.seq, end) < 0:
                    probes.append({"frame": n, "time": round(t, 6)})
                elif end is None or seq_diff(s.end, end) > 0:
                    end = s.end
        top[point] = {"probes": len(probes), "intervals_s": intervals(probes), "first": probes[0] if probes else None}
    zero = mark(lab, 45001, "server", lambda s: s.win == 0)
    tell(lab, 11, {"state": "FIN-WAIT-1", "side": "client", "why": "zero window", "fin_on_the_wire": False,
                   "client_closed": closed, "zero_window": zero, "probes": top, "capture_end": capture_end(lab)})


case("fin-wait-1-zero-window", "the client closes behind a shut window: FIN-WAIT-1 with no FIN on the wire, probes only",
     stuck_zero_window, {"first_fin": "client", "fins_sent": {"client": 0, "server": 0}, "rst_by": []})


def stuck_fin(lab: Lab, state: str, wait: float = 6.5) -> None:
    """The FIN, or the ACK of the second FIN, never arrives."""
    p = lab.pair(45001)
    lab.talk(p)
    lab.sleep(0.1)
    if state == "FIN-WAIT-1":
        lab.wire.blackhole("server", "before_mid")
        p["client"].close()
        lab.sleep(wait)
    else:
        lab.wire.add(drop("client", final_ack, None))
        p["client"].close()
        p["server"].recv_eof()
        lab.sleep(0.1)
        p["server"].close()
        lab.sleep(wait)
    side = "client" if state == "FIN-WAIT-1" else "server"
    fins = times(lab, 45001, side, is_fin)
    tell(lab, 11, {"state": state, "side": side, "fins": {p: len(v) for p, v in fins.items()},
                   "series": fins, "intervals_s": {p: intervals(v) for p, v in fins.items()},
                   "why": "nothing of the server arrives" if state == "FIN-WAIT-1" else "the final ACK is lost every time"})


case("fin-wait-1-loss", "the client's FIN is repeated and never acknowledged", stuck_fin,
     {"kind": "fin-unanswered", "active_closer": "client"}, state="FIN-WAIT-1", sysctl={"both": {"ipv4.tcp_orphan_retries": 4}})
case("last-ack-loss", "the server's FIN is repeated and never acknowledged", stuck_fin,
     {"kind": "last-ack-timeout", "active_closer": "client"}, state="LAST-ACK",
     sysctl={"both": {"ipv4.tcp_orphan_retries": 3}})


def stuck_fin_wait_2(lab: Lab, timeout: float = 3.0, late: float = 5.0) -> None:
    """The client's orphan leaves FIN-WAIT-2 by timeout; the server's late FIN meets no socket."""
    service = Service(lab, lambda app: answer_all(app, 9.0, lambda a: (time.sleep(late), a.close())))
    c = connect(lab, 45001)
    exchange(c, request("/"))
    c.close()
    d = connect(lab, 45002)         # this one keeps its socket, and so its FIN-WAIT-2
    exchange(d, request("/"))
    d.shutdown()
    d.recv_eof()
    d.close()
    lab.sleep(0.3)
    service.stop()
    fin, answer = mark(lab, 45001, "client", is_fin), mark(lab, 45001, "server", is_fin)
    tell(lab, 11, {"state": "FIN-WAIT-2", "side": "client", "tcp_fin_timeout_s": timeout, "flows": [
        {"client_port": 45001, "expired": True, "dwell_until_late_fin_s": gap(answer, fin), "fin": fin, "late_fin": answer,
         "rst": mark(lab, 45001, "client", is_rst)},
        {"client_port": 45002, "expired": False,
         "dwell_s": gap(mark(lab, 45002, "server", is_fin), mark(lab, 45002, "client", is_fin))}]})


case("fin-wait-2-long", "FIN-WAIT-2 of an orphan ends after tcp_fin_timeout (3 s), that of a held socket does not",
     stuck_fin_wait_2, [{"kind": "last-ack-reset", "active_closer": "client", "rst_by": ["client"]},
                        {"kind": "graceful", "active_closer": "client"}], sysctl={"client": {"ipv4.tcp_fin_timeout": 3}})


# ------------------------------------------------------------------ 12 RST after an orderly close

def after_close(lab: Lab) -> None:
    """RSTs that do no harm, and one that does."""
    lst = lab.listen()
    flows = []

    def orderly(port: int) -> dict[str, App]:
        p = lab.pair(port, lst, str(port))
        lab.talk(p)
        lab.sleep(0.08)
        return p

    def finish(p: dict[str, App]) -> None:
        p["client"].close()
        p["server"].recv_eof()
        lab.sleep(0.05)
        p["server"].close()
    p = orderly(45001)
    lab.wire.add(dup("server", lambda s: s.dport == 45001 and bool(s.flags & 1), 0.2, (1,)))
    finish(p)
    lab.sleep(0.5)
    flows.append({"client_port": 45001, "what": "a copy of the server's FIN: TIME-WAIT answers, the closed server resets that",
                  "rst_by": "server", "harmless": True, "time_wait_ended": True})
    p = orderly(45002)
    lab.wire.add(dup("client", lambda s: s.sport == 45002 and bool(s.flags & 1), 0.3, (1,)))
    finish(p)
    lab.sleep(0.5)
    flows.append({"client_port": 45002, "what": "a copy of the client's FIN reaches the closed server: RST",
                  "rst_by": "server", "harmless": True, "time_wait_ended": False})
    p = orderly(45003)
    finish(p)
    lab.sleep(0.2)
    last = [s for _, _, side, s in segments(lab, "server", 45003) if side == "client"][-1]
    lab.wire.inject(forge(last, seq=last.seq + 5000, ack=0, flags=4, ttl=62), "server", note="RST to the closed server")
    lab.sleep(0.2)
    flows.append({"client_port": 45003, "what": "a RST outside of the window after the close", "rst_by": "client",
                  "harmless": True, "time_wait_ended": False})
    p = orderly(45004)
    p["server"].shutdown()
    p["client"].recv_eof()
    p["client"].linger(0)
    p["client"].close()
    lab.sleep(0.2)
    p["server"].close()
    flows.append({"client_port": 45004, "what": "the server's FIN is answered by the client's RST, not by a FIN",
                  "rst_by": "client", "harmless": False, "time_wait_ended": None})
    lab.sleep(0.2)
    for f in flows:
        f["rst"] = mark(lab, f["client_port"], f["rst_by"], is_rst)
    tell(lab, 12, {"flows": flows})


case("rst-after-close", "RSTs after an orderly close (three), and one in place of a FIN", after_close,
     [{"kind": "time-wait-assassinated"}, {"kind": "time-wait-survived", "active_closer": "client"},
      {"kind": "graceful", "active_closer": "client", "time_wait": ["client"]}, {"kind": "abort-linger", "active_closer": "server"}])


# ------------------------------------------------------------------ 13 openings that fail

def ways_to_fail(lab: Lab) -> None:
    """Refused by the host, by its firewall in three ways, by a box in between; dropped; and one that works."""
    lst = lab.listen()
    ns = lab.ns["server"]
    ns.run("nft", "add table inet t; add chain inet t c { type filter hook input priority 0; };"
           "add rule inet t c tcp dport 82 reject with tcp reset;"
           "add rule inet t c tcp dport 83 reject with icmpx type port-unreachable;"
           "add rule inet t c tcp dport 84 reject with icmpx type admin-prohibited;"
           "add rule inet t c tcp dport 85 drop")

    def shoot(wire: Any, s: Seg) -> None:
        wire.inject_now(forge(s, seq=0, ack=s.end, flags=20, ttl=254, reverse=True), "client",
                        wire.delay["client"] + 0.0002, "RST of a box")
    lab.wire.add(Rule("client", lambda s: s.dport == 86 and bool(s.flags & 2), "call", None, call=shoot, quiet=True))
    lab.wire.add(drop("client", lambda s: s.dport == 86, None, "after_mid"))
    flows = []
    for port, how in ((80, "open"), (81, "refused by the host"), (82, "refused by its firewall: tcp reset"),
                      (83, "refused by its firewall: icmp port unreachable"), (84, "refused by its firewall: icmp admin prohibited"),
                      (85, "dropped"), (86, "refused by a box in between")):
        c = lab.client(45000 + port)
        began = time.monotonic()
        r = c.connect((lab.addr["server"], port))
        took = time.monotonic() - began
        if port == 80:
            s = lab.accept(lst)
            exchange_once(c, s)
        syns = times(lab, c.port, "client", lambda s: s.flags & 18 == 2)
        flows.append({"server_port": port, "client_port": 45000 + port, "how": how,
                      "errno": lab.calls[-1].get("errno") if port != 80 else None, "connect_took_s": round(took, 4),
                      "syns": {p: len(v) for p, v in syns.items()},
                      "rst": mark(lab, c.port, "server", is_rst) or None,
                      "rst_ttl_at_mid": {81: 60, 82: 60, 86: 254}.get(port)})
        c.close()
        lab.sleep(0.1)
    lab.sleep(0.2)
    icmp = {p: [n for n, (t, f, _) in enumerate(lab.wire.records[p], 1) if f[12:14] == b"\x08\x00" and f[23] == 1]
            for p in lab.sc.points}
    codes = {str(f[14 + 20 + 1]): n for n, (t, f, _) in enumerate(lab.wire.records["client"], 1)
             if f[12:14] == b"\x08\x00" and f[23] == 1}
    tell(lab, 13, {"flows": flows, "icmp_frames": icmp, "icmp_code_at_client_frame": codes,
                   "note": "81 and 82 cannot be told apart on the wire"})


def ignored(lab: Lab) -> None:
    """The server's SYN-ACKs never reach the client (its firewall, or the way back)."""
    lab.listen()
    lab.wire.add(drop("server", lambda s: s.flags & 18 == 18, None, "after_mid"))
    c = lab.client(45001)
    c.connect((lab.addr["server"], 80))
    lab.sleep(0.2)
    syns = times(lab, 45001, "client", lambda s: s.flags & 18 == 2)
    answers = times(lab, 45001, "server", lambda s: s.flags & 18 == 18)
    tell(lab, 13, {"client_port": 45001, "how": "the SYN-ACKs are lost behind mid", "errno": lab.calls[-1]["errno"],
                   "syns": {p: len(v) for p, v in syns.items()}, "syn_acks": {p: len(v) for p, v in answers.items()},
                   "syn_intervals_s": intervals(syns["client"])})


case("syn-ack-ignored", "every SYN is answered, and no SYN-ACK arrives", ignored, {"kind": "syn-timeout", "opened": False},
     sysctl={"client": {"ipv4.tcp_syn_retries": 2, "ipv4.tcp_syn_linear_timeouts": 0}, "server": {"ipv4.tcp_synack_retries": 1}})


def exchange_once(c: App, s: App) -> None:
    c.send(request("/"))
    s.recv()
    s.send(response())
    read_response(c)
    c.close()
    s.recv_eof()
    s.close()
    time.sleep(0.1)


case("openings", "seven ports: open, closed, rejected in three ways, dropped, reset by a box", ways_to_fail,
     [*kinds("graceful client"), {"kind": "refused"}, {"kind": "refused"}, {"kind": "refused-icmp"},
      {"kind": "refused-icmp"}, {"kind": "syn-timeout"}, {"kind": "refused"}],
     sysctl={"client": {"ipv4.tcp_syn_retries": 2, "ipv4.tcp_syn_linear_timeouts": 0}})


def overflow(lab: Lab, abort: bool, clients: int = 8, backlog: int = 2, late: int = 2) -> None:
    """A server that accepts nothing: the queue holds backlog + 1 connections."""
    lst = lab.listen(backlog=backlog)
    apps = []
    for i in range(clients):
        c = lab.client(45001 + i)
        c.sock.setblocking(False)
        c.connect((lab.addr["server"], 80))
        apps.append(c)
        lab.sleep(0.1 if i < backlog else 0.002)
    lab.sleep(0.3)
    for c in apps:
        c.send(b"hello\n")
    for i in range(late):
        c = lab.client(45101 + i)
        c.sock.setblocking(False)
        c.connect((lab.addr["server"], 80))
        apps.append(c)
    lab.sleep(3.3)
    for c in apps:
        c.error()
    rows = []
    for c in apps:
        port = c.port
        syn_acks = times(lab, port, "server", lambda s: s.flags & 18 == 18)["mid"]
        rst = mark(lab, port, "server", is_rst)
        acked = any(side == "server" and s.flags & 18 == 16 and s.is_pure_ack for _, _, side, s in segments(lab, "mid", port))
        copies = times(lab, port, "client", has_data)["mid"]
        syns = times(lab, port, "client", lambda s: s.flags & 18 == 2)["mid"]
        rows.append({"client_port": port, "syns": len(syns), "syn_acks": len(syn_acks), "data_acked": acked, "rst": rst or None,
                     "data_copies": len(copies)})
    tell(lab, 13, {"backlog": backlog, "queue_holds": backlog + 1, "tcp_abort_on_overflow": abort, "flows": rows,
                   "accepted": [r["client_port"] for r in rows if r["data_acked"]],
                   "reset": [r["client_port"] for r in rows if r["rst"]],
                   "no_syn_ack": [r["client_port"] for r in rows if not r["syn_acks"]],
                   "ignored": [r["client_port"] for r in rows if r["syn_acks"] and not r["data_acked"] and not r["rst"]]})


GIVE_UP = {"ipv4.tcp_syn_retries": 1, "ipv4.tcp_syn_linear_timeouts": 0}
case("accept-queue-full", "eight connections to a server whose accept queue holds three, and two SYNs later", overflow,
     kinds("still-open x3; backlog-wait x5; syn-timeout x2"), abort=False, sysctl={"client": GIVE_UP})
case("accept-queue-full-abort", "the same with tcp_abort_on_overflow=1", overflow,
     kinds("still-open x3; backlog-reset x2; backlog-wait x3; syn-timeout x2"), abort=True,
     sysctl={"server": {"ipv4.tcp_abort_on_overflow": 1}, "client": GIVE_UP})


def flood(lab: Lab, spoofed: int = 120, over: float = 0.6) -> None:
    """SYNs with made-up senders from one side of the net, and three honest clients."""
    service = Service(lab, lambda app: answer_all(app, 9.0), backlog=16)
    with lab.ns["server"].entered():
        script = ["route add 192.0.2.0/24 dev eth0"]
        script += [f"neigh add 192.0.2.{i} lladdr 02:00:00:00:0e:01 dev eth0 nud permanent" for i in range(1, 251)]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(script) + "\n", text=True, check=True)
    c = connect(lab, 45001)
    exchange(c, request("/"))
    c.close()
    lab.sleep(0.1)
    like = [s for _, _, side, s in segments(lab, "client", 45001) if side == "client"][0]
    opts = b"\x02\x04\x05\xb4"
    for i in range(spoofed):
        frame = bytearray(forge(like, seq=i * 7919, ack=0, flags=2, win=1024, ttl=47, ipid=i + 1, opts=opts))
        frame[26:30] = bytes((192, 0, 2, 1 + i % 250))
        struct.pack_into("!H", frame, 34, 1024 + i * 37)
        lab.wire.inject(fix_checksums(bytes(frame)), "server", note="spoofed SYN")
        lab.sleep(over / spoofed)
        if i in (spoofed // 3, 2 * spoofed // 3):
            c = connect(lab, 45002 + (i > spoofed // 2))
            exchange(c, request("/"))
            c.close()
    lab.sleep(0.5)
    service.stop()
    seen = segments(lab, "mid")
    spoof = {s.sport for _, _, side, s in seen if side == "client" and s.src.startswith("192.0.2.")}
    answered = {s.dport for _, _, side, s in seen if side == "server" and s.flags & 18 == 18 and s.dst.startswith("192.0.2.")}
    lab.wire.flows[:] = [f for f in lab.wire.flows if f.key[0] == lab.addr["client"]]
    lab.wire.log[:] = [e for e in lab.wire.log if e["what"] != "spoofed SYN"]
    tell(lab, 13, {"spoofed_syns": len(spoof), "spoofed_answered": len(answered), "spoofed_completed": 0,
                   "sources": len({s.src for _, _, side, s in seen if s.src.startswith("192.0.2.")}),
                   "honest_ports": [45001, 45002, 45003], "ttl_at_mid": 47,
                   "syn_ack_copies": sum(1 for _, _, side, s in seen if side == "server" and s.dst.startswith("192.0.2.")),
                   "note": "the 120 spoofed flows are not among the truth file's flows"})


case("syn-flood", "120 SYNs with made-up senders and three honest connections", flood, kinds("graceful client x3"),
     points=MID, sysctl={"server": {"ipv4.tcp_synack_retries": 1, "ipv4.tcp_max_syn_backlog": 64, "ipv4.tcp_syncookies": 1}})
