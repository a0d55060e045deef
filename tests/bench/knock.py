#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""knock.py PORT RATE SECONDS: so many new connections a second with TLS 1.3, each with a whole handshake, one request and
its answer. RATE 0: as many as there can be. The last line is the result as JSON, in load.lua's words."""

import json
import socket
import ssl
import sys
import threading
import time

CALLERS = 8  # at a time
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def knock(context, port):
    """Seconds that it took; the bytes of the answer."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw) as tls:
        assert not tls.session_reused and tls.version() == "TLSv1.3"
        tls.sendall(REQUEST)
        answer = tls.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
    return time.monotonic() - began, len(answer)


class Callers:
    def __init__(self, port, rate, seconds):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.port, self.rate, self.seconds = port, rate, seconds
        self.found, self.n_broken = [], 0
        self.began = time.monotonic()

    def call(self, first):
        n = first
        while (now := time.monotonic()) < self.began + self.seconds:
            if self.rate:
                time.sleep(max(0, self.began + n / self.rate - now))
            try:
                self.found.append(knock(self.context, self.port))
            except (OSError, AssertionError):
                self.n_broken += 1
            n += CALLERS

    def run(self):
        threads = [threading.Thread(target=self.call, args=(n,)) for n in range(CALLERS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        seconds, times = time.monotonic() - self.began, sorted(took * 1e6 for took, _ in self.found)
        return {"requests": len(times), "seconds": seconds, "p50": times[len(times) // 2],
                "p99": times[len(times) * 99 // 100], "bytes": sum(n for _, n in self.found), "refused": 0,
                "broken": self.n_broken}


if __name__ == "__main__":
    print(json.dumps(Callers(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])).run()))
