#!/usr/bin/env python3
"""A tiny HTTP server that answers each request with 200 and closes.

Without an argument it has a bug that no test of its answers finds: it closes before it has read the
request's body. What is unread turns its close into a RST, and a RST throws away what the client has
not read of the answer yet. With `fixed` it reads the request to its end before it closes.
"""

import socket
import sys


def answer(connection, fixed):
    head, _, body = receive_head(connection)
    if fixed:
        missing = content_length(head) - len(body)
        while missing > 0:
            data = connection.recv(65536)
            if not data:
                break
            missing -= len(data)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
    connection.close()


def receive_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1024)
        if not more:
            break
        data += more
    return data.partition(b"\r\n\r\n")


def content_length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def main():
    fixed = sys.argv[1:] == ["fixed"]
    with socket.create_server(("127.0.0.1", 8080)) as server:
        while True:
            connection, _ = server.accept()
            answer(connection, fixed)


if __name__ == "__main__":
    main()
