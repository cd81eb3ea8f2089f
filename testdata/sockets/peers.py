"""The applications of both hosts, in one process: sockets are made in the network namespace that is
entered at the time. Writes sockets.pcap, the listings of both hosts and truth.json."""
import ctypes, json, os, socket, subprocess, sys, time

A, B = sys.argv[1:3]
LIBC = ctypes.CDLL(None, use_errno=True)
V4, V6 = "192.0.2.2", "2001:db8::2"
kept, truth = [], {}


def enter(space):
    with open(f"/run/netns/{space}") as file:
        if LIBC.setns(file.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


def listen(addr, port):
    enter(B)
    sock = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((addr, port))
    sock.listen(16)
    kept.append(sock)
    return sock


def connect(listener, port):
    enter(A)
    client = socket.socket(listener.family)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("2001:db8::1" if client.family == socket.AF_INET6 else "192.0.2.1", port))
    client.connect(listener.getsockname()[:2])
    server, _ = listener.accept()
    kept.extend([client, server])
    client.sendall(b"GET")
    server.recv(3)
    server.sendall(b"answer")
    client.recv(6)
    return client, server


def cut(port):
    """From now on nothing reaches the client's port."""
    subprocess.run(["ip", "netns", "exec", A, "nft", "add", "element", "inet", "cut", "ports", f"{{ {port} }}"], check=True)


def close_by_server(listener, port):
    client, server = connect(listener, port)
    server.close()
    client.recv(1)
    client.close()
    time.sleep(0.05)


def close_by_client(listener, port):
    client, server = connect(listener, port)
    client.close()
    server.recv(1)
    server.close()
    time.sleep(0.05)


def says(what, **ports):
    truth.setdefault("ports", {}).update({str(port): what for port in ports.values()})


def run(space, name, *command):
    began = time.time()
    out = subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True).stdout
    with open(name, "w") as file:
        file.write(out)
    truth.setdefault("taken", {})[name] = [began, time.time()]


web, web6 = listen(V4, 80), listen(V6, 80)
# Before the capture begins.
close_by_server(web, 41000); says("TIME-WAIT before the capture", a=41000)
connect(web, 41001); says("ESTABLISHED before the capture, silent since", a=41001)
time.sleep(2)
enter(B)
dump = subprocess.Popen(["ip", "netns", "exec", B, "tcpdump", "-i", "vb", "-w", "sockets.pcap", "-U", "tcp"],
                        stderr=subprocess.DEVNULL)
time.sleep(1)

for port in range(42000, 42006):
    close_by_server(web, port); says("closed by the server", a=port)
    time.sleep(0.4)
close_by_server(web6, 42010); says("closed by the server", a=42010)
close_by_client(web, 42020); says("closed by the client", a=42020)

connect(web, 43000); says("ESTABLISHED", a=43000)
client, server = connect(web, 43001); client.close(); says("CLOSE-WAIT, end of stream not read", a=43001)
client, server = connect(web, 43002); client.close(); server.recv(1); says("CLOSE-WAIT, end of stream read", a=43002)
client, server = connect(web, 43003); client.sendall(b"x" * 100); client.close(); says("CLOSE-WAIT, 100 bytes not read", a=43003)
client, server = connect(web, 43004); server.close(); says("FIN-WAIT-2, closed", a=43004)
client, server = connect(web, 43005); server.shutdown(socket.SHUT_WR); says("FIN-WAIT-2, shut down", a=43005)
client, server = connect(web, 43006)
server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); server.shutdown(socket.SHUT_WR); says("FIN-WAIT-2, shut down, keepalive", a=43006)
client, server = connect(web, 43007); cut(43007); server.close(); says("FIN-WAIT-1", a=43007)
client, server = connect(web, 43008); client.close(); time.sleep(0.1); cut(43008); server.close(); says("LAST-ACK", a=43008)
client, server = connect(web, 43009); cut(43009); server.close(); time.sleep(0.1); client.close(); says("CLOSING", a=43009)
cut(43010); enter(A); half = socket.socket(); half.bind(("192.0.2.1", 43010)); half.setblocking(False)
half.connect_ex((V4, 80)); kept.append(half); says("SYN-RECV", a=43010)
client, server = connect(web, 43011); server.close(); client.recv(1); client.close(); time.sleep(0.1)
killed = subprocess.run(["ip", "netns", "exec", B, "ss", "-tanK", "state", "time-wait", "dport", "=", ":43011"], capture_output=True, text=True)
says("TIME-WAIT, taken away on the host", a=43011); truth["killed"] = killed.stdout + killed.stderr
time.sleep(1)

run(B, "server.ss-tano.txt", "ss", "-tano")
run(B, "server.ss-tanp.txt", "ss", "-tanp")
run(B, "server.ss-time-wait.txt", "ss", "-tano", "state", "time-wait")
run(B, "server.netstat-tanop.txt", "netstat", "-tanop")
run(B, "server.lsof.txt", "lsof", "-a", "-nP", "-iTCP", "-p", str(os.getpid()))
run(A, "client.ss-tan.txt", "ss", "-tan")
run(A, "client.ss-tanoi.txt", "ss", "-tanoiem")
run(B, "server.ss-named.txt", "ss", "-tao")
time.sleep(2)
dump.terminate()
dump.wait()
with open("truth.json", "w") as file:
    json.dump(truth, file, indent=1)
    file.write("\n")
