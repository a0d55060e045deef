# SPDX-License-Identifier: Apache-2.0
"""What health checks probe: small servers on loopback whose mood a test changes, and a real nginx."""

import contextlib
import os
import socket
import ssl
import threading

from support.peer import free_port, peer, running

NGINX = """\
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/error.log crit;
{user}
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{port};
    {locations}
  }}
  server {{
    listen 127.0.0.1:{tls} ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate};
    location / {{ return 200 'shop'; }}
  }}
}}
"""


class Target:
    """Answers every connection as `mood` says: a whole answer in bytes, None to accept and say nothing, or "closed":
    nobody listens. What was asked is in `requests`."""

    def __init__(self, mood=b"200 OK", host="127.0.0.1", port=0, certificate=None):
        self.host, self.requests, self._mood = host, [], mood
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._open, self._held = None, []
        self._listen(port)
        self.port = self._open.getsockname()[1]
        if mood == "closed":
            self._shut()

    def _listen(self, port):
        self._open = socket.create_server((self.host, port), backlog=128)
        threading.Thread(target=self._accept, args=(self._open,), daemon=True).start()

    def _shut(self):
        if self._open:
            with contextlib.suppress(OSError):
                self._open.shutdown(socket.SHUT_RDWR)
            self._open.close()
            self._open = None

    @property
    def mood(self):
        return self._mood

    @mood.setter
    def mood(self, mood):
        self._mood = mood
        if mood == "closed":
            self._shut()
        elif not self._open:
            self._listen(self.port)

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with contextlib.suppress(OSError), near:
            near.settimeout(20)
            if self._context:
                near = self._context.wrap_socket(near, server_side=True)
            asked = b""
            while b"\r\n\r\n" not in asked:
                more = near.recv(4096)
                if not more:
                    return
                asked += more
            self.requests.append(asked.decode())
            if self._mood is None:
                near.recv(1)  # until the other side gives up
            else:
                near.sendall(self._answer())

    def _answer(self):
        status, _, rest = self._mood.partition(b"\n")
        head, _, body = rest.rpartition(b"\n")
        head = b"".join(line + b"\r\n" for line in head.split(b"\n") if line)
        return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, head, len(body), body)

    @property
    def attributes(self):
        return {"AWS_INSTANCE_IPV4": self.host, "AWS_INSTANCE_PORT": str(self.port)}

    def close(self):
        self._shut()


@contextlib.contextmanager
def targets():
    """A factory of them; all are closed at the end."""
    made = []

    def make(*args, **kwargs):
        made.append(Target(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@contextlib.contextmanager
def nginx(home, certificate, statuses):
    """A real one: /STATUS answers with it. Yields its plain and its TLS port."""
    port, tls = free_port(), free_port()
    locations = " ".join(f"location = /{status} {{ return {status}; }}" for status in statuses)
    user = "user root;" if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port, tls=tls, user=user, locations=locations,
                                                  certificate=certificate))
    with running([peer("usr/sbin/nginx", "nginx"), "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"], home,
                 ("127.0.0.1", port)):
        yield port, tls
