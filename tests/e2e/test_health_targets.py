# SPDX-License-Identifier: Apache-2.0
"""Health checks are no scanner: a cloud's metadata service, played in a network of the test's own, is never asked,
however its address is written and by whichever way it comes into a service."""

import contextlib
import itertools
import socket
import subprocess
import threading

import pytest

from support.client import until
from support.network import own_network

METADATA = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254"]
# As AWS_INSTANCE_IPV4; those that are no address for Cloud Map are one for some programs.
IPV4 = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.1", "127.0.0.1", "127.1.2.3", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "0xa9.0xfe.1.1",
        "169.254.169.254 ", " 169.254.169.254", "169.254.169.254:80", "169.254.169.254/32", "::ffff:169.254.169.254"]
# As AWS_INSTANCE_IPV6
IPV6 = ["fd00:ec2::254", "FD00:EC2::254", "fd00:0ec2:0:0::fe", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe",
        "0:0:0:0:0:ffff:a9fe:a9fe", "::169.254.169.254", "::ffff:0:169.254.169.254", "2002:a9fe:a9fe::", "2002:a9fe:a9fe::1",
        "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::",
        "2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "2001:db8::5efe:169.254.169.254",
        "2001:db8::200:5efe:a9fe:a9fe", "fe80::1", "fe80::a9fe:a9fe", "fe80::1%lo", "::1", "::", "::127.0.0.1",
        "::ffff:127.0.0.1", "ff02::1", "[::1]", "169.254.169.254"]
PORTS = ["1", "80", "443", "8080", "51678", "65535"]
CHECKS = [{"Type": "HTTP"}, {"Type": "HTTP", "ResourcePath": "/latest/meta-data/iam/security-credentials/"},
          {"Type": "HTTPS"}, {"Type": "TCP"}]


class Metadata:
    """Everything that reaches the addresses of the metadata services on this network's ports 80 and 443."""

    def __init__(self):
        self.hits = 0
        self._sockets = []
        for address, port in itertools.product(METADATA, (80, 443)):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            subprocess.run(["ip", "address", "replace", address + ("/128" if ":" in address else "/32"), "dev", "lo"],
                           check=True)
            one = socket.create_server((address, port), family=family)
            self._sockets.append(one)
            threading.Thread(target=self._count, args=(one,), daemon=True).start()

    def _count(self, one):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = one.accept()
                self.hits += 1
                connection.close()

    def close(self):
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture()
def metadata():
    with own_network():
        one = Metadata()
        yield one
        one.close()


def attributes(family, address, port):
    return {f"AWS_INSTANCE_{family}": address, "AWS_INSTANCE_PORT": port}


def test_a_thousand_hostile_registrations_reach_nothing(metadata, start_daemon):
    daemon = start_daemon({"api.workers": "1"})
    api = daemon.api
    spellings = [("IPV4", one) for one in IPV4] + [("IPV6", one) for one in IPV6]
    with socket.create_connection(("169.254.169.254", 80)):
        until(lambda: metadata.hits, lambda hits: hits == 1)
    services = [api.service(api.namespace(f"n{n}"), "s", HealthCheckConfig=check) for n, check in enumerate(CHECKS)]
    n = 0
    for service, (family, address), port in itertools.product(services, spellings, PORTS):
        api.fails("RegisterInstance", "InvalidInput", ServiceId=service, InstanceId=f"i-{n}",
                  Attributes=attributes(family, address, port))
        n += 1
    for service, port in itertools.product(services, (daemon.port, int(daemon.ready["dns"].rpartition(":")[2]))):
        api.fails("RegisterInstance", "InvalidInput", ServiceId=service, InstanceId="own",
                  Attributes=attributes("IPV4", METADATA[0], str(port)))
        n += 1
    assert n >= 1000
    assert metadata.hits == 1
