# SPDX-License-Identifier: Apache-2.0
"""The record of every exchange between any client and any daemon of the run: one JSON object a line. Plain calls are
recorded by their client; SDKs and the AWS CLI talk through a tap, a TCP relay that passes bytes on unchanged and reads
along."""

import io
import json
import socket
import threading

from support.client import TARGET


class Recorder:
    def __init__(self, path):
        self.path = path
        self._file = open(path, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def exchange(self, client, op, request, status, response):
        line = json.dumps({"client": client, "operation": op, "request": request.decode("utf-8", "replace"),
                           "status": status, "response": response.decode("utf-8")})
        with self._lock:
            self._file.write(line + "\n")

    def read(self):
        with self._lock:
            self._file.flush()
        with open(self.path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def close(self):
        self._file.close()


def _messages(data):
    """The complete messages in one direction of a connection: (first line, headers, body) each. Clients and daemon
    give every length; a chunked message would be a surprise."""
    stream = io.BytesIO(data)
    while line := stream.readline():
        fields = {}
        while (header := stream.readline()) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            fields[name.strip().lower()] = value.strip()
        assert b"transfer-encoding" not in fields, line
        length = int(fields.get(b"content-length", 0))
        body = stream.read(length)
        if len(body) == length:
            yield line.split(), fields, body


def _exchanges(sent, answered):
    """Pairs what the client sent with what came back: (target, body, status, answer) each."""
    responses = [m for m in _messages(answered) if m[0][1] != b"100"]
    for (_, fields, body), (status, _, answer) in zip(_messages(sent), responses):
        yield fields.get(b"x-amz-target", b"").decode(), body, int(status[1]), answer


class Tap:
    """Listens on a port of its own in front of a daemon."""

    def __init__(self, where, recorder, client):
        self.where, self.recorder, self.client = where, recorder, client
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._connections = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((self.where.host, self.where.port))
            thread = threading.Thread(target=self._serve, args=(near, far), daemon=True)
            self._connections.append((thread, near, far))
            thread.start()

    def _serve(self, near, far):
        sent, answered = bytearray(), bytearray()
        with near, far:
            back = threading.Thread(target=self._relay, args=(far, near, answered), daemon=True)
            back.start()
            self._relay(near, far, sent)
            back.join()
        for target, body, status, answer in _exchanges(bytes(sent), bytes(answered)):
            if target.startswith(TARGET):
                self.recorder.exchange(self.client, target[len(TARGET):], body, status, answer)

    @staticmethod
    def _relay(source, sink, copy):
        try:
            while data := source.recv(65536):
                copy += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # either side may go at any time; what came through until then is recorded

    def close(self):
        """Cuts what is still connected and returns when all is recorded."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for thread, near, far in self._connections:
            for one in (near, far):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # closed already
            thread.join()
