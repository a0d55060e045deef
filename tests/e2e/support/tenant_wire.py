# SPDX-License-Identifier: Apache-2.0
"""Signed calls as fast as Python makes them: one signing key a day, region and service, one connection a daemon. A
request is sent and its answer read apart, so that several are under way at once."""

import functools
import hashlib
import hmac
import socket
import time

JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"
CLOUD_MAP = "Route53AutoNaming_v20170314."
CLOUD_TRAIL = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."
SERVICES = {CLOUD_MAP: "servicediscovery", CLOUD_TRAIL: "cloudtrail", None: "sts"}


def _hmac(key, text):
    return hmac.digest(key, text.encode(), "sha256")


@functools.lru_cache(maxsize=4096)
def _signing_key(secret, day, region, service):
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def signed(credentials, region, target, body):
    """The bytes of a call; `target` is a prefix and an operation, or (None, None) for STS."""
    prefix, operation = target
    service = SERVICES[prefix]
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = [("content-type", FORM if prefix is None else JSON), ("host", "cloudmap.test"), ("x-amz-date", moment)]
    if credentials.token:
        headers.append(("x-amz-security-token", credentials.token))
    if prefix is not None:
        headers.append(("x-amz-target", prefix + operation))
    names = ";".join(name for name, _ in headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers)
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac(_signing_key(credentials.secret, moment[:8], region, service), text).hex()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (f"POST / HTTP/1.1\r\n{head}Authorization: AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


class Wire:
    """One connection to a daemon."""

    def __init__(self, daemon):
        self.socket = socket.create_connection((daemon.host, daemon.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        part = self.socket.recv(262144)
        assert part, f"the daemon closed the connection after {self.rest[:200]!r}"
        self.rest += part

    def receive(self):
        """(status, head, body), the head as text."""
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        length = int(next(line[15:] for line in lines if line.startswith("content-length:")))
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(lines[0][9:12]), head.decode(), body.decode()

    def close(self):
        self.socket.close()
