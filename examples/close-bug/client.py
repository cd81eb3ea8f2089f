#!/usr/bin/env python3
"""The test of the server: ten requests with a body, each answered with 200."""

import socket
import time


def request():
    with socket.create_connection(("127.0.0.1", 8080)) as connection:
        head = b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n"
        connection.sendall(head + b"x" * 2000)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        # It has the answer and does not look at the connection any more.
        time.sleep(0.02)


for _ in range(10):
    request()
print("ten requests, ten answers")
