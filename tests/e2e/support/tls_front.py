# SPDX-License-Identifier: Apache-2.0
"""TLS before a double: a certificate made for the test, and a relay that takes the TLS off."""

import contextlib
import socket
import ssl
import subprocess
import threading


def certificate(folder, name="IP:127.0.0.1"):
    """A self-signed one for this subject alternative name, key and certificate in one file; returns its path."""
    path = folder / f"{name.replace(':', '-')}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", path, "-out",
                    path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


class TlsFront:
    def __init__(self, port, certificate_path):
        self._port, self._context = port, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate_path)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(near,), daemon=True))
            self._threads[-1].start()

    def _serve(self, near):
        with contextlib.suppress(OSError), near:  # a client that does not like the certificate goes
            with self._context.wrap_socket(near, server_side=True) as inner, \
                    socket.create_connection(("127.0.0.1", self._port)) as far:
                while request := inner.recv(65536):
                    far.sendall(request)
                    inner.sendall(self._answer(far))

    @staticmethod
    def _answer(far):
        """One answer with a Content-Length, whole."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += far.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")).split(b":")[1])
        while len(body) < length:
            body += far.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()


@contextlib.contextmanager
def tls_front(port, certificate_path):
    front = TlsFront(port, certificate_path)
    try:
        yield front
    finally:
        front.close()
