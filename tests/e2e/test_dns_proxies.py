# SPDX-License-Identifier: Apache-2.0
"""HAProxy and nginx in front of a service whose instances are replaced one after the other, each time in the order that loses
nothing: the new one is registered, serves, and only then the old one is deregistered, and stopped a while later. No
client of the proxy may see an error. DNS_REPLACE_SECONDS says for how long."""

import http.client
import http.server
import os
import threading
import time

import pytest

from support import peer
from support.client import until
from support.dns import Dns

SECONDS = float(os.environ.get("DNS_REPLACE_SECONDS", "6"))  # 60 is the long form
INSTANCES = 3
CLIENTS = 4
TTL = 1
DRAIN_SECONDS = TTL + 1.5  # what is deregistered may be asked as long as its records are kept, and a look-up longer


class Backend:
    """An HTTP server that says which one it is."""

    def __init__(self, number, port):
        self.id, self.address, self.port = f"i-{number}", f"127.0.{53 + number // 250}.{number % 250 + 1}", port
        name = self.id.encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer((self.address, port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Clients:
    """Ask the proxy without rest; `served` counts the answers of each backend, `faults` keeps what was no answer."""

    def __init__(self, place):
        self.place, self.served, self.faults = place, {}, []
        self.lock, self.over = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n % 2,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, keep):
        """Over one connection when `keep`, else a new one for each request."""
        connection = None
        while not self.over.is_set():
            try:
                connection = connection or http.client.HTTPConnection(*self.place, timeout=10)
                connection.request("GET", "/")
                answer = connection.getresponse()
                status, body = answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                status, body = 0, repr(error)
            with self.lock:
                if status == 200:
                    self.served[body] = self.served.get(body, 0) + 1
                else:
                    self.faults.append((time.monotonic(), status, body))
            if not keep or status != 200 or answer.will_close:
                connection.close()
                connection = None
            time.sleep(0.002)


class Service:
    """The instances of one service and their backends, all at one port."""

    def __init__(self, api, kind):
        self.api, self.port, self.started = api, peer.free_port("0.0.0.0"), 0
        namespace = api.namespace(f"{kind.lower()}.proxies.example", "DNS_PRIVATE")
        self.name = f"_http._tcp.{kind.lower()}.proxies.example" if kind == "SRV" else "web.a.proxies.example"
        self.id = api.service(namespace, self.name.partition(f".{kind.lower()}.proxies")[0],
                              DnsConfig={"DnsRecords": [{"Type": kind, "TTL": TTL}]})
        self.live, self.leaving = [], []

    def add(self):
        one = Backend(self.started, self.port)
        self.started += 1
        self.api.register(self.id, one.id, {"AWS_INSTANCE_IPV4": one.address, "AWS_INSTANCE_PORT": str(self.port)})
        self.live.append(one)
        return one

    def remove_oldest(self):
        one = self.live.pop(0)
        self.api.deregister(self.id, one.id)
        self.leaving.append((time.monotonic() + DRAIN_SECONDS, one))

    def stop_drained(self):
        while self.leaving and self.leaving[0][0] <= time.monotonic():
            self.leaving.pop(0)[1].stop()

    def stop(self):
        for one in [*self.live, *(one for _, one in self.leaving)]:
            one.stop()


def follow(service, place):
    """Replaces instances for the time; returns what the clients saw."""
    until(lambda: _status(place), lambda status: status == 200)  # the proxy has looked the name up
    with Clients(place) as clients:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            new = service.add()
            until(lambda: clients.served.get(new.id, 0), lambda count: count > 0)  # noqa: B023
            service.remove_oldest()
            service.stop_drained()
        time.sleep(DRAIN_SECONDS)
        service.stop_drained()
        time.sleep(0.5)
    return clients


def _status(place):
    connection = http.client.HTTPConnection(*place, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(("kind", "start"), [("SRV", peer.haproxy), ("A", peer.nginx)], ids=["haproxy", "nginx"])
def test_a_proxy_follows_a_service(daemon, tmp_path, kind, start):
    asked, service = Dns(daemon), Service(daemon.api, kind)
    try:
        for _ in range(INSTANCES):
            service.add()
        with start(tmp_path, service.name, service.port, (asked.host, asked.port)) as place:
            clients = follow(service, place)
    finally:
        service.stop()
    print(f"{sum(clients.served.values())} requests, {service.started - INSTANCES} replacements")
    assert not clients.faults, clients.faults[:10]
    assert set(clients.served) == {f"i-{n}" for n in range(service.started)}, clients.served
    assert service.started >= INSTANCES + 2
