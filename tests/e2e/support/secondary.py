# SPDX-License-Identifier: Apache-2.0
"""NSD, Knot and BIND as secondaries of one zone, with their packages unpacked below build/peers/."""

import os
import signal
import subprocess
import sys
import time

import dns.message
import dns.query
import dns.rdatatype
import dns.tsigkeyring

from support.daemon import ROOT

sys.path.append(str(ROOT / "tests" / "lib"))
from peers import peer  # noqa: E402

START_SECONDS = 20
KEY_NAME, SECRET = "transfer-key.", "bm90IGEgc2VjcmV0LCBidXQgb2YgaXRzIGxlbmd0aC4="
KEY = f"{KEY_NAME}:{SECRET}"

NSD = """\
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{home}"
    database: ""
    pidfile: "{home}/pid"
    xfrdfile: "{home}/xfrd"
    xfrdir: "{home}"
    zonelistfile: "{home}/zones"
    logfile: "{home}/log"
    verbosity: 3
    xfrd-reload-timeout: 0
remote-control:
    control-enable: no
key:
    name: "{key}"
    algorithm: hmac-sha256
    secret: "{secret}"
zone:
    name: "{zone}"
    zonefile: "{zone}.zone"
    request-xfr: 127.0.0.1@{primary} {key}
    allow-notify: 127.0.0.1 {key}
    provide-xfr: 127.0.0.1 NOKEY
"""

KNOT = """\
server:
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    rundir: "{home}"
log:
  - target: stderr
    any: info
database:
    storage: "{home}"
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: {key}
acl:
  - id: primary
    address: 127.0.0.1
    key: {key}
    action: notify
  - id: tests
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: "{home}"
    zonefile-sync: -1
    journal-content: changes
zone:
  - domain: "{zone}"
    master: primary
    acl: [primary, tests]
"""

BIND = """\
options {{
    directory "{home}";
    pid-file "{home}/pid";
    session-keyfile "{home}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
    allow-transfer {{ 127.0.0.1; }};
    serial-query-rate 1000;
}};
controls {{ }};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{
    type secondary;
    file "{home}/{zone}.zone";
    primaries {{ 127.0.0.1 port {primary} key "{key}"; }};
    allow-notify {{ key "{key}"; }};
    min-refresh-time 1;
}};
"""

COMMANDS = {
    "nsd": (NSD, "nsd.conf", lambda conf, home: [peer("usr/sbin/nsd", "nsd"), "-d", "-c", conf]),
    "knot": (KNOT, "knot.conf", lambda conf, home: [peer("usr/sbin/knotd", "knot"), "-c", conf]),
    "bind": (BIND, "named.conf", lambda conf, home: [peer("usr/sbin/named", "bind9"), "-g", "-n", "1", "-c", conf]),
}


def transfer(port, zone, keyring=None):
    """Every record of a zone, as a set of lines, with the SOA record's serial apart: (serial, lines)."""
    serial, lines = None, set()
    answers = dns.query.xfr("127.0.0.1", zone, port=port, relativize=False, lifetime=60, keyring=keyring,
                            keyname=KEY_NAME if keyring else None, keyalgorithm="hmac-sha256")
    for message in answers:
        for rrset in message.answer:
            for item in rrset:
                if rrset.rdtype == dns.rdatatype.SOA:
                    serial = item.serial
                else:
                    lines.add(f"{rrset.name} {rrset.ttl} {item.to_text()}")
    return serial, lines


def keyring():
    return dns.tsigkeyring.from_text({KEY_NAME: SECRET})


class Secondary:
    """One server, which is told of the primary's port when that is known."""

    def __init__(self, kind, home, zone, port):
        self.kind, self.home, self.zone, self.port = kind, home, zone, port
        self.process = None
        home.mkdir()

    def start(self, primary):
        text, name, command = COMMANDS[self.kind]
        conf = self.home / name
        conf.write_text(text.format(home=self.home, port=self.port, zone=self.zone, key=KEY_NAME.rstrip("."),
                                    secret=SECRET, primary=primary), encoding="utf-8")
        env = os.environ | {"HOME": str(self.home)}
        with open(self.home / "out", "wb") as log:
            self.process = subprocess.Popen(command(str(conf), self.home), cwd=self.home, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, env=env, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while self.serial() is None:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def said(self):
        return "".join(path.read_text(encoding="utf-8", errors="replace")
                       for path in (self.home / "out", self.home / "log") if path.exists())

    def serial(self):
        """The serial that it answers with; None while it has no zone."""
        try:
            answer = dns.query.udp(dns.message.make_query(self.zone, "SOA"), "127.0.0.1", port=self.port, timeout=1)
        except (OSError, dns.exception.Timeout):
            return None
        return answer.answer[0][0].serial if answer.answer else None

    def contents(self):
        """(serial, lines); (None, None) while it takes a change in and lets nobody have the zone."""
        try:
            return transfer(self.port, self.zone)
        except (ConnectionError, EOFError):
            return None, None

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(START_SECONDS)
