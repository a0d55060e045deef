# SPDX-License-Identifier: Apache-2.0
"""Requests as bytes, and a signer of both forms of Signature Version 4 on top of what sigv4_check.py knows of it:
nothing here is ours. For tests that change a signed request and send it as it is."""

import http.client
import re
import socket
import time
from urllib.parse import quote

from support import sigv4_check

NEVER_SIGNED = {"authorization", "user-agent", "content-length"}


class Request:
    """A request whose every byte is the test's: `headers` is a list of pairs, in order."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, list(headers), body

    def copy(self, **changes):
        return Request(**{"method": self.method, "target": self.target, "headers": self.headers, "body": self.body}
                       | changes)

    def value(self, name):
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)

    def with_header(self, name, value):
        """The first one of that name changed, or added at the end."""
        headers, done = [], False
        for other, old in self.headers:
            hit = other.lower() == name.lower() and not done
            headers.append((other, value if hit else old))
            done = done or hit
        return self.copy(headers=headers if done else headers + [(name, value)])

    def without_header(self, name):
        return self.copy(headers=[pair for pair in self.headers if pair[0].lower() != name.lower()])

    def encode(self):
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers),
                 f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class _Seen:
    """A request as sigv4_check.py looks at it."""

    def __init__(self, request, query=None):
        path, _, own = request.target.partition("?")
        self.method, self.body = request.method, request.body
        self.target = path + "?" + (own if query is None else query)
        self.headers = [(name.lower(), value) for name, value in request.headers]

    def header(self, name, default=None):
        return next((value for other, value in self.headers if other == name), default)


class Credentials:
    def __init__(self, key, secret, token=None):
        self.key, self.secret, self.token = key, secret, token


def stamp(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def signed_names(request):
    return sorted({name.lower() for name, _ in request.headers} - NEVER_SIGNED)


def sign_header(request, credentials, when=None, region="us-east-1", service="servicediscovery", signed=None):
    moment = stamp(time.time() if when is None else when)
    request = request.without_header("X-Amz-Date").with_header("X-Amz-Date", moment)
    if credentials.token:
        request = request.with_header("X-Amz-Security-Token", credentials.token)
    names = signed_names(request) if signed is None else signed
    canonical = sigv4_check._canonical_request(_Seen(request), names)
    signature = sigv4_check.signature(credentials.secret, moment[:8], region, service, moment, canonical)
    return request.with_header("Authorization", (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{moment[:8]}/{region}/{service}/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"))


def sign_query(request, credentials, when=None, expires=60, region="us-east-1", service="servicediscovery"):
    moment = stamp(time.time() if when is None else when)
    names = signed_names(request)
    parts = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256",
             "X-Amz-Credential": f"{credentials.key}/{moment[:8]}/{region}/{service}/aws4_request",
             "X-Amz-Date": moment, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": ";".join(names)}
    if credentials.token:
        parts["X-Amz-Security-Token"] = credentials.token
    path, _, query = request.target.partition("?")
    query = "&".join([query] * bool(query) + [f"{name}={quote(value, safe='-_.~')}" for name, value in parts.items()])
    canonical = sigv4_check._canonical_request(_Seen(request, query), names)
    signature = sigv4_check.signature(credentials.secret, moment[:8], region, service, moment, canonical)
    return request.copy(target=f"{path}?{query}&X-Amz-Signature={signature}")


class Line:
    """One connection to a daemon that stays open while it can."""

    def __init__(self, daemon):
        self.daemon, self.socket = daemon, None

    def send(self, request):
        """(status, headers, body)"""
        if self.socket is None:
            self.socket = socket.create_connection((self.daemon.host, self.daemon.port), timeout=60)
        self.socket.sendall(request.encode())
        response = http.client.HTTPResponse(self.socket, method=request.method)
        response.begin()
        body = response.read()
        if response.will_close:
            self.close()
        return response.status, response.headers, body

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None


def read_request_file(text):
    """Headers and query of one of the public vectors, as far as a request for `POST /` can have them."""
    head = text.replace("\r\n", "\n").split("\n\n")[0].split("\n")
    match = re.match(r"\S+ ([^?]*)\??(.*) HTTP/1.1$", head[0])
    headers = [tuple(line.split(":", 1)) for line in head[1:] if ":" in line and line[0] not in " \t"]
    return match[2] if match else "", [(name, value.strip("\r")) for name, value in headers]
