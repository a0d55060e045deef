# SPDX-License-Identifier: Apache-2.0
"""The API as bytes: requests and answers without an HTTP library, for tests that count what was acknowledged and for
load generators. Nothing is retried, nothing is hidden."""

import json
import socket

TARGET = "Route53AutoNaming_v20170314."


class ApiError(Exception):
    """An answer that is not 200."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:400]!r}")
        self.status = status
        try:
            decoded = json.loads(body)
        except ValueError:
            decoded = None
        self.body = decoded if isinstance(decoded, dict) else {}
        self.code = self.body.get("__type", "")


def request(operation, body):
    """The bytes of one call; body is a dictionary or ready bytes."""
    if not isinstance(body, bytes):
        body = json.dumps(body, separators=(",", ":")).encode()
    return (f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"
            f"X-Amz-Target: {TARGET}{operation}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def split_answer(data):
    """(status, body, what follows) of the first whole answer in data; None when more bytes are needed."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = 0
    for line in data[:end].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    begin = end + 4
    if len(data) < begin + length:
        return None
    return int(data[9:12]), data[begin:begin + length], data[begin + length:]


class Client:
    """One keep-alive connection: client.call("GetService", Id="srv-...") is the decoded answer, or an ApiError."""

    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.socket.close()

    def exchange(self, data):
        """(status, body); ConnectionError when the daemon closes before the answer is whole."""
        self.socket.sendall(data)
        while not (answer := split_answer(self.rest)):
            more = self.socket.recv(1 << 20)
            if not more:
                raise ConnectionError("closed before the answer was whole")
            self.rest += more
        status, body, self.rest = answer
        return status, body

    def call(self, operation, **members):
        status, body = self.exchange(request(operation, members))
        if status != 200:
            raise ApiError(status, body)
        return json.loads(body) if body else {}

    def items(self, operation, key, **members):
        """Every element of `key` over all pages; pairs when it is a map."""
        token = {}
        while True:
            answer = self.call(operation, **members, **token)
            found = answer.get(key, [])
            yield from found.items() if isinstance(found, dict) else found
            if "NextToken" not in answer:
                return
            token = {"NextToken": answer["NextToken"]}

    def finished(self, operation, **members):
        """An asynchronous call of a daemon with the default settings: its operation, which must be SUCCESS."""
        found = self.call("GetOperation", OperationId=self.call(operation, **members)["OperationId"])["Operation"]
        assert found["Status"] == "SUCCESS", found
        return found

    def namespace(self, name):
        return self.finished("CreateHttpNamespace", Name=name)["Targets"]["NAMESPACE"]

    def service(self, namespace_id, name, **members):
        return self.call("CreateService", NamespaceId=namespace_id, Name=name, **members)["Service"]["Id"]

    def get(self, path):
        """(status, body) of a plain GET."""
        return self.exchange(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
