# SPDX-License-Identifier: Apache-2.0
"""Zone transfer: by dig and kdig, and with NSD, Knot and BIND as secondaries that end with what the registry holds."""

import os
import struct
import subprocess
import threading
import time

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import pytest

from support.client import until
from support.daemon import Daemon
from support.dns import Dns
from support.program import cloudmapctl
from support.peer import free_port
from support.secondary import KEY, KEY_NAME, SECRET, Secondary, keyring, transfer
from support.upstream import Upstream, reply

CHANGE_SECONDS = float(os.environ.get("TRANSFER_SECONDS", "5"))  # a minute is the long form
ZONE = "shop.example"


def records(*types, ttl=60, routing=None):
    config = {"DnsRecords": [{"Type": one, "TTL": ttl} for one in types]}
    return {"DnsConfig": config | ({"RoutingPolicy": routing} if routing else {})}


def open_to(port, **more):
    """Settings that let loopback have the zone without a key."""
    return {f"transfer.{ZONE}.secondaries": f"127.0.0.1:{port}"} | more


def kdig_lines(asked, *words):
    command = ["kdig", f"@{asked.host}", "-p", str(asked.port), "+noall", "+answer", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines() if line and not line.startswith(";")]


class TestContents:
    @pytest.fixture
    def asked(self, start_daemon):
        return Dns(start_daemon(open_to(free_port())))

    @pytest.fixture
    def namespace(self, asked):
        return asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")

    def zone(self, asked):
        serial, lines = transfer(asked.port, ZONE)
        assert serial == asked.query(ZONE, "SOA").answer[0][0].serial
        assert f"{ZONE}. 172800 ns.invalid." in lines
        return lines - {f"{ZONE}. 172800 ns.invalid."}

    def test_records_of_every_kind(self, asked, namespace):
        api = asked.daemon.api
        both = api.service(namespace, "web", **records("A", "AAAA", ttl=17))
        api.register(both, "both", {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_IPV6": "fd00::1"})
        api.register(both, "same", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        tcp = api.service(namespace, "_http._tcp", **records("SRV"))
        for one, last in (("I-1", 2), ("i-1", 3)):  # one name
            api.register(tcp, one, {"AWS_INSTANCE_IPV4": f"10.0.0.{last}", "AWS_INSTANCE_PORT": "8001"})
        name = api.service(namespace, "alias", **records("CNAME", routing="WEIGHTED"))
        api.register(name, "c", {"AWS_INSTANCE_CNAME": "elsewhere.example.net"})
        api.service(namespace, "empty", **records("A"))
        apex = api.service(namespace, ".", **records("A"))
        api.register(apex, "a", {"AWS_INSTANCE_IPV4": "10.0.0.9"})
        assert self.zone(asked) == {
            f"web.{ZONE}. 17 10.0.0.1", f"web.{ZONE}. 17 fd00::1",
            f"_http._tcp.{ZONE}. 60 1 1 8001 i-1._http._tcp.{ZONE}.", f"i-1._http._tcp.{ZONE}. 60 10.0.0.2", f"i-1._http._tcp.{ZONE}. 60 10.0.0.3",
            f"alias.{ZONE}. 60 elsewhere.example.net.", f"{ZONE}. 60 10.0.0.9"}

    def test_health_decides(self, asked, namespace):
        api = asked.daemon.api
        service = api.service(namespace, "web", **records("A"), HealthCheckCustomConfig={"FailureThreshold": 1})
        for i in range(3):
            api.register(service, f"i{i}", {"AWS_INSTANCE_IPV4": f"10.0.0.{i}"})
        lines = [f"web.{ZONE}. 60 10.0.0.{i}" for i in range(3)]
        assert self.zone(asked) == set(lines)
        for i in range(3):
            assert self.zone(asked) == set(lines[i:])
            api.ok("UpdateInstanceCustomHealthStatus", ServiceId=service, InstanceId=f"i{i}", Status="UNHEALTHY")
        assert self.zone(asked) == set(lines)

    def test_weighted_name_keeps_its_instance(self, asked, namespace):
        api = asked.daemon.api
        service = api.service(namespace, "web", **records("A", routing="WEIGHTED"))
        api.register(service, "first", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        (chosen,) = self.zone(asked)
        for i in range(20):
            api.register(service, f"later{i}", {"AWS_INSTANCE_IPV4": f"10.1.0.{i}"})
            assert self.zone(asked) == {chosen}
        api.deregister(service, "first")
        (chosen,) = self.zone(asked)
        assert " 10.1.0." in chosen

    def test_names_below_names(self, asked, namespace):
        api = asked.daemon.api
        upper = api.service(namespace, "s", **records("SRV"))
        for one in ("x", "y", "x.y"):
            api.register(upper, one, {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "1"})
        api.register(api.service(namespace, "x.s", **records("A")), "i", {"AWS_INSTANCE_IPV4": "10.0.0.2"})
        lower = api.service(namespace, "y.s", **records("SRV"))
        api.register(lower, "x", {"AWS_INSTANCE_IPV4": "10.0.0.3", "AWS_INSTANCE_PORT": "2"})
        lines = self.zone(asked)
        for line in lines:
            owner, _, *_ = line.split()
            for kind in ("A", "SRV"):
                said = {f"{owner} 60 {text}" for text in asked.answers(owner, kind)}
                assert said == {other for other in lines
                                if other.startswith(f"{owner} ") and ("1 1 " in other) == (kind == "SRV")}
        assert f"x.s.{ZONE}. 60 10.0.0.2" in lines and f"x.y.s.{ZONE}. 60 10.0.0.3" in lines

    def test_many_messages(self, asked, namespace):
        api = asked.daemon.api
        service = api.service(namespace, "_many._tcp", **records("SRV"))
        for i in range(1500):
            api.register(service, f"instance-{i}", {"AWS_INSTANCE_IPV4": f"10.0.{i // 250}.{i % 250}",
                                                    "AWS_INSTANCE_PORT": str(i + 1)})
        assert len(self.zone(asked)) == 3000
        said = asked.dig(ZONE, "AXFR")
        assert "XFR size: 3003 records (messages " in said


class TestSteps:
    def test_ixfr(self, start_daemon):
        asked = Dns(start_daemon(open_to(free_port())))
        api = asked.daemon.api
        namespace = api.namespace(ZONE, "DNS_PUBLIC")
        service = api.service(namespace, "web", **records("A"))
        transfer(asked.port, ZONE)  # the journal begins
        api.register(service, "a", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        first, _ = transfer(asked.port, ZONE)
        api.register(service, "b", {"AWS_INSTANCE_IPV4": "10.0.0.2"})
        transfer(asked.port, ZONE)
        api.deregister(service, "a")
        last, _ = transfer(asked.port, ZONE)
        lines = kdig_lines(asked, ZONE, f"IXFR={first}")
        soa = [line.split()[6] for line in lines if " SOA " in line]
        assert soa[:2] == [str(last), str(first)] and soa[-2:] == [str(last), str(last)] and len(soa) == 6
        assert [line for line in lines if " SOA " not in line] == [f"web.{ZONE}. 60 IN A 10.0.0.2",
                                                                   f"web.{ZONE}. 60 IN A 10.0.0.1"]
        assert len(kdig_lines(asked, ZONE, f"IXFR={last}")) == 1
        # An unknown serial gets all of it; by UDP there is one SOA record, and then TCP.
        whole = kdig_lines(asked, ZONE, f"IXFR={first - 1000}")
        assert whole[0] == whole[-1] and f"web.{ZONE}. 60 IN A 10.0.0.2" in whole and len(whole) == 4
        assert len(kdig_lines(asked, "+notcp", ZONE, f"IXFR={first}")) == 1

    def test_step_of_nothing_but_the_serial(self, start_daemon):
        asked = Dns(start_daemon(open_to(free_port())))
        api = asked.daemon.api
        namespace = api.namespace(ZONE, "DNS_PUBLIC")
        transfer(asked.port, ZONE)
        api.namespace("other.example", "DNS_PUBLIC")
        first, _ = transfer(asked.port, ZONE)
        api.namespace("third.example", "DNS_PUBLIC")
        lines = kdig_lines(asked, ZONE, f"IXFR={first}")
        assert len(lines) == 4 and all(" SOA " in line for line in lines)
        api.done("DeleteNamespace", Id=namespace)
        done = subprocess.run(["kdig", f"@{asked.host}", "-p", str(asked.port), ZONE, "AXFR"], capture_output=True,
                              text=True, check=False)
        assert "NOTAUTH" in done.stdout + done.stderr

    def test_restart(self, start_daemon):
        daemon = start_daemon(open_to(free_port()))
        asked = Dns(daemon)
        daemon.api.namespace(ZONE, "DNS_PUBLIC")
        before, lines = transfer(asked.port, ZONE)
        daemon.stop()
        daemon.start()
        assert transfer(asked.port, ZONE) == (before, lines)
        assert len(kdig_lines(asked, ZONE, f"IXFR={before}")) == 1


    def test_restore(self, start_daemon, tmp_path):
        """What the daemon said after the backup is behind what it says after the restore (RFC 1982)."""
        daemon = start_daemon(open_to(free_port()))
        asked = Dns(daemon)
        namespace = daemon.api.namespace(ZONE, "DNS_PUBLIC")
        file = tmp_path / "backup"
        assert cloudmapctl("--data", daemon.data, "backup", file).returncode == 0
        service = daemon.api.service(namespace, "web", **records("A"))
        for i in range(10):
            daemon.api.register(service, f"i{i}", {"AWS_INSTANCE_IPV4": f"10.0.0.{i}"})
        serials = [transfer(asked.port, ZONE)[0]]
        for _ in range(2):
            daemon.stop()
            assert cloudmapctl("--data", daemon.data, "restore", "--replace", file).returncode == 0
            daemon.start()
            serial, lines = transfer(asked.port, ZONE)
            assert len(lines) == 1 and all(0 < (serial - before) % 2**32 < 2**31 for before in serials)
            serials.append(serial)


class TestPermission:
    def test_off_until_configured(self, start_daemon):
        asked = Dns(start_daemon())
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        for kind in ("AXFR", "IXFR=1"):
            assert "REFUSED" in " ".join(self.said(asked, ZONE, kind))

    @staticmethod
    def said(asked, *words):
        done = subprocess.run(["kdig", f"@{asked.host}", "-p", str(asked.port), *words], capture_output=True,
                              text=True, check=False)
        return [done.stdout, done.stderr]

    def test_only_for_secondaries(self, start_daemon):
        asked = Dns(start_daemon({f"transfer.{ZONE}.secondaries": "127.0.0.2:53"}))
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        assert "REFUSED" in " ".join(self.said(asked, ZONE, "AXFR"))
        assert "SOA" in self.said(asked, "-b", "127.0.0.2", ZONE, "AXFR")[0]

    def test_private_zone_needs_its_vpc(self, start_daemon):
        settings = {f"transfer.{ZONE}.secondaries": "127.0.0.1:1", "transfer.b.example.secondaries": "127.0.0.1:1",
                    "transfer.b.example.vpc": "vpc-1"}
        asked = Dns(start_daemon(settings))
        for name in (ZONE, "b.example"):
            asked.daemon.api.namespace(name, "DNS_PRIVATE")
        assert "NOTAUTH" in " ".join(self.said(asked, ZONE, "AXFR"))
        assert transfer(asked.port, "b.example")[0]

    def test_key(self, start_daemon, tmp_path):
        path = tmp_path / "key"
        path.write_text(KEY + "\n", encoding="ascii")
        asked = Dns(start_daemon({f"transfer.{ZONE}.key": str(path)}))
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        assert "REFUSED" in " ".join(self.said(asked, ZONE, "AXFR"))
        good = f"hmac-sha256:{KEY}"
        assert transfer(asked.port, ZONE, keyring())[0]
        assert f"{KEY_NAME}" in asked.dig("-y", good, ZONE, "AXFR")
        for bad, error in ((f"hmac-sha256:{KEY_NAME}:{'A' * 43}=", "BADSIG"), (f"hmac-sha256:other.:{SECRET}", "BADKEY"),
                           (f"hmac-sha1:{KEY}", "BADKEY")):
            assert error in asked.dig("-y", bad, ZONE, "SOA")
        answer = asked.dig("-y", f"hmac-sha512:{KEY}", ZONE, "SOA")
        assert "status: NOERROR" in answer and "verify" not in answer

    def test_each_message_is_signed(self, start_daemon):
        asked = Dns(start_daemon({f"transfer.{ZONE}.key": KEY}))
        api = asked.daemon.api
        service = api.service(api.namespace(ZONE, "DNS_PUBLIC"), "_many._tcp", **records("SRV"))
        for i in range(800):
            api.ok("RegisterInstance", ServiceId=service, InstanceId=f"instance-{i}",
                   Attributes={"AWS_INSTANCE_IPV4": f"10.0.{i // 250}.{i % 250}", "AWS_INSTANCE_PORT": str(i + 1)})
        assert len(until(lambda: transfer(asked.port, ZONE, keyring())[1], lambda it: len(it) == 1601))
        said = asked.dig("-y", f"hmac-sha512:{KEY}", ZONE, "AXFR")
        assert "XFR size: 1603 records (messages " in said and "verify" not in said
        done = subprocess.run(["kdig", f"@{asked.host}", "-p", str(asked.port), "-y", f"hmac-sha256:{KEY}", ZONE,
                               "AXFR"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "1603 records" in done.stdout and "WARNING" not in done.stdout + done.stderr

    def test_file(self, start_daemon, tmp_path):
        path = tmp_path / "conf"
        path.write_text(f"[transfer {ZONE}]\nsecondaries = 127.0.0.1:53, [::1]:53\nkey = {KEY}\n", encoding="ascii")
        asked = Dns(start_daemon(args=["--config", str(path)]))
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        assert transfer(asked.port, ZONE, keyring())[0]
        assert "REFUSED" in " ".join(self.said(asked, ZONE, "AXFR"))

    def test_time(self, start_daemon, monkeypatch):
        asked = Dns(start_daemon({f"transfer.{ZONE}.key": KEY}))
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        real = time.time
        for apart, fine in ((-290, True), (-310, False), (310, False)):
            monkeypatch.setattr(dns.message.time, "time", lambda apart=apart: real() + apart)
            query = dns.message.make_query(ZONE, "SOA")
            query.use_tsig(keyring(), KEY_NAME)
            if fine:
                assert asked.exchange(query).rcode() == dns.rcode.NOERROR
            else:
                with pytest.raises(dns.tsig.PeerBadTime):
                    asked.exchange(query)

    @pytest.mark.parametrize(("settings", "said"), [
        ({f"transfer.{ZONE}.key": "k:!"}, "not NAME:BASE64"),
        ({f"transfer.{ZONE}.key": "/nowhere"}, "No such file"),
        ({f"transfer.{ZONE}.vpc": "vpc-1"}, "neither secondaries nor a key"),
    ])
    def test_wrong_settings(self, tmp_path, settings, said):
        daemon = Daemon(tmp_path / "data", settings)
        with pytest.raises(AssertionError, match=said):
            daemon.start()
        assert daemon.exit_code == 78
        daemon.check_reports()

    def test_the_key_is_shown_to_nobody(self, start_daemon):
        daemon = start_daemon({f"transfer.{ZONE}.key": KEY})
        assert SECRET not in "\n".join(daemon.stderr_lines)
        shown = subprocess.run([*daemon.command(), "--check-config"], capture_output=True, text=True, check=False)
        assert f"transfer.{ZONE}.key" in shown.stdout and SECRET not in shown.stdout + shown.stderr


class TestHostileClients:
    def test_signatures_that_leave_no_room(self, start_daemon):
        """Names as long as they can be, over UDP without EDNS: an answer of 512 octets at most, or a short one."""
        asked = Dns(start_daemon({f"transfer.{ZONE}.key": KEY}))
        longest = b".".join([b"x" * 61] * 4).decode() + "."
        name = dns.name.from_text(longest).to_wire()
        fixed = struct.pack("!HHI", 250, 255, 0)
        for owner in (name, b"\1k\0", b"\0"):
            for algorithm in (name, b"\x0bhmac-sha256\0", b"\0"):
                for mac in (b"", b"x" * 32, b"x" * 200):
                    data = algorithm + struct.pack("!HIHH", 0, int(time.time()), 300, len(mac)) + mac + bytes(6)
                    for question in (name, b"\4shop\7example\0"):
                        query = (struct.pack("!6H", 7, 0, 1, 0, 0, 1) + question + struct.pack("!2H", 6, 1) + owner +
                                 fixed + struct.pack("!H", len(data)) + data)
                        answer = asked.send(query)
                        assert 12 <= len(answer) <= 512 and answer[:2] == query[:2] and answer[3] & 15 in (1, 9)
                        assert asked.send(query[:-1])[3] & 15 == 1

    def test_more_than_run_at_a_time(self, start_daemon):
        """Clients that do not read take the places, and nothing else: queries are answered, and places come free."""
        asked = Dns(start_daemon(open_to(free_port())))
        api = asked.daemon.api
        namespace = api.namespace(ZONE, "DNS_PUBLIC")
        service = api.service(namespace, "web", **records("A"))
        api.register(service, "a", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        query = dns.message.make_query(ZONE, "AXFR").to_wire()
        idle = [asked.connect() for _ in range(20)]
        for one in idle:
            one.sendall(len(query).to_bytes(2, "big") + query)
        assert asked.answers(f"web.{ZONE}") == ["10.0.0.1"]
        assert asked.answers(f"web.{ZONE}", tcp=True) == ["10.0.0.1"]
        for one in idle:
            one.close()
        until(lambda: "REFUSED" not in " ".join(TestPermission.said(asked, ZONE, "AXFR")), bool)

    def test_queries_before_and_behind(self, start_daemon):
        """SOA, AXFR, AXFR in one write: all are answered, in order."""
        asked = Dns(start_daemon(open_to(free_port())))
        asked.daemon.api.namespace(ZONE, "DNS_PUBLIC")
        queries = [dns.message.make_query(ZONE, kind) for kind in ("SOA", "AXFR", "AXFR")]
        with asked.connect() as stream:
            wires = [query.to_wire() for query in queries]
            stream.sendall(b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires))
            for query in queries:
                n = int.from_bytes(stream.recv(2, 0x100), "big")  # MSG_WAITALL
                answer = dns.message.from_wire(stream.recv(n, 0x100), xfr=True, one_rr_per_rrset=True)
                assert answer.id == query.id and answer.answer[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize("kind", ["nsd", "knot", "bind"])
class TestSecondaries:
    @pytest.fixture
    def pair(self, kind, start_daemon, tmp_path):
        port = free_port()
        daemon = start_daemon({f"transfer.{ZONE}.secondaries": f"127.0.0.1:{port}", f"transfer.{ZONE}.key": KEY},
                              args=["--dns", f"127.0.0.1:{free_port()}"])
        namespace = daemon.api.namespace(ZONE, "DNS_PUBLIC")
        secondary = Secondary(kind, tmp_path / kind, ZONE, port)
        try:
            yield daemon, namespace, secondary
        finally:
            secondary.stop()

    def same(self, asked, secondary):
        """Waits until the secondary holds what the registry does. Its serial is that of the last change of the zone, or
        a later one: what happens elsewhere is no reason to tell it."""
        lines = self.registered(asked.daemon.api)
        held, _ = until(secondary.contents, lambda it: it[1] == lines, 30)
        assert transfer(asked.port, ZONE, keyring())[1] == lines
        assert held <= asked.query(ZONE, "SOA").answer[0][0].serial
        assert secondary.serial() == held

    @staticmethod
    def registered(api):
        """The zone as it follows from what the API says."""
        lines = {f"{ZONE}. 172800 ns.invalid."}
        for service in api.items("ListServices", "Services"):
            owner, kind = f"{service['Name']}.{ZONE}.", service["DnsConfig"]["DnsRecords"][0]["Type"]
            for one in api.items("ListInstances", "Instances", ServiceId=service["Id"]):
                address, port = (one["Attributes"].get(f"AWS_INSTANCE_{key}") for key in ("IPV4", "PORT"))
                if kind == "SRV":
                    lines.add(f"{owner} 60 1 1 {port} {one['Id']}.{owner}")
                    owner_of_address = f"{one['Id']}.{owner}"
                else:
                    owner_of_address = owner
                lines.add(f"{owner_of_address} 60 {address}")
        return lines

    def metric(self, daemon, kind):
        text = daemon.api.http("GET", "/metrics").body.decode()
        return int(text.split(f'cloudmap_dns_transfers_total{{kind="{kind}"}} ')[1].split()[0])

    def test_follows(self, pair):
        daemon, namespace, secondary = pair
        asked = Dns(daemon)
        services = [daemon.api.service(namespace, f"s{i}", **records("A")) for i in range(20)]
        services += [daemon.api.service(namespace, f"_s{i}._tcp", **records("SRV")) for i in range(20)]
        secondary.start(asked.port)
        self.same(asked, secondary)
        daemon.api.register(services[0], "first", {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "1"})
        self.same(asked, secondary)
        # The secondary's first, and two of this test; a transfer is counted after its last octet has been sent.
        whole = until(lambda: self.metric(daemon, "axfr"), lambda n: n >= 3)
        counts = [self.change(daemon, services, n) for n in range(1)]
        self.same(asked, secondary)
        # That of this test is a whole one; the secondary's are not.
        assert until(lambda: self.metric(daemon, "axfr"), lambda n: n > whole) == whole + 1, secondary.said()
        assert self.metric(daemon, "ixfr") >= 2, secondary.said()
        assert sum(counts) > 100

    def test_restart_of_the_primary(self, pair):
        """What a daemon before this one chose for a WEIGHTED name is nothing that steps could begin at."""
        daemon, namespace, secondary = pair
        asked = Dns(daemon)
        service = daemon.api.service(namespace, "w", **records("A", routing="WEIGHTED"))
        for i in range(10):
            daemon.api.register(service, f"i{i}", {"AWS_INSTANCE_IPV4": f"10.0.0.{i}"})
            transfer(asked.port, ZONE, keyring())
        secondary.start(asked.port)
        until(secondary.contents, lambda it: it[1] == transfer(asked.port, ZONE, keyring())[1], 30)
        daemon.restart(crash=True)
        other = daemon.api.service(namespace, "a", **records("A"))
        for i in range(3):
            daemon.api.register(other, f"i{i}", {"AWS_INSTANCE_IPV4": f"10.1.0.{i}"})
            until(secondary.contents, lambda it: it[1] == transfer(asked.port, ZONE, keyring())[1], 30)
        assert len(secondary.contents()[1]) == 5

    def change(self, daemon, services, seed):
        """Registers and deregisters for a while by four clients; returns how many changes that were."""
        counts, end = [0] * 4, time.monotonic() + CHANGE_SECONDS

        def run(k):
            n = 0
            while time.monotonic() < end:
                service, instance = services[(n * 7 + k) % len(services)], f"i{seed}-{k}-{n % 50}"
                if n // 50 % 2:
                    daemon.api.ok("DeregisterInstance", ServiceId=services[((n - 50) * 7 + k) % len(services)],
                                  InstanceId=instance)
                else:
                    daemon.api.ok("RegisterInstance", ServiceId=service, InstanceId=instance,
                                  Attributes={"AWS_INSTANCE_IPV4": f"10.{k}.{n % 50}.{n % 200}",
                                              "AWS_INSTANCE_PORT": str(n % 1000 + 1)})
                counts[k], n = counts[k] + 1, n + 1

        threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return sum(counts)


def alias(api, namespace, name, target, *types):
    service = api.service(namespace, name, **records(*(types or ("A",)), routing="WEIGHTED"))
    api.register(service, "alias", {"AWS_ALIAS_DNS_NAME": target})


class TestAliases:
    """A secondary knows no aliases: it has the addresses that they stand for."""

    def test_by_view(self, start_daemon):
        """Names of ours are those that clients of the zone's VPC see."""
        settings = {f"transfer.{ZONE}.secondaries": "127.0.0.1:1", "transfer.b.example.secondaries": "127.0.0.1:1",
                    "transfer.b.example.vpc": "vpc-1", "vpc.vpc-1.cidr": "10.0.0.0/8", "dns.resolver": "none"}
        asked = Dns(start_daemon(settings))
        api = asked.daemon.api
        for kind, address in (("DNS_PUBLIC", "192.0.2.1"), ("DNS_PRIVATE", "10.0.0.1")):
            service = api.service(api.namespace("both.example", kind), "web", **records("A", ttl=7))
            api.register(service, "i", {"AWS_INSTANCE_IPV4": address})
        alias(api, api.namespace(ZONE, "DNS_PUBLIC"), "lb", "web.both.example")
        alias(api, api.namespace("b.example", "DNS_PRIVATE"), "lb", "web.both.example")
        assert f"lb.{ZONE}. 7 192.0.2.1" in transfer(asked.port, ZONE)[1]
        assert "lb.b.example. 7 10.0.0.1" in transfer(asked.port, "b.example")[1]

    @pytest.fixture
    def knot(self, start_daemon, tmp_path):
        """(daemon, its namespace, Knot as its secondary, the resolver); `said` of the resolver is what it answers."""
        upstream = Upstream(lambda query, _: upstream.said(query))
        upstream.said = lambda query: reply(query, "lb.example.net 1 A 192.0.2.1", "lb.example.net 1 A 192.0.2.2")
        port = free_port()
        daemon = start_daemon({f"transfer.{ZONE}.secondaries": f"127.0.0.1:{port}", f"transfer.{ZONE}.key": KEY,
                               "dns.resolver": upstream.address},
                              args=["--dns", f"127.0.0.1:{free_port()}"])
        secondary = Secondary("knot", tmp_path / "knot", ZONE, port)
        try:
            yield daemon, daemon.api.namespace(ZONE, "DNS_PUBLIC"), secondary, upstream
        finally:
            secondary.stop()
            upstream.close()

    def test_follow_what_resolvers_say(self, knot):
        daemon, namespace, secondary, upstream = knot
        asked, serials = Dns(daemon), []

        def follows(*lines):
            wanted = {f"{ZONE}. 172800 ns.invalid.", *lines}
            held, _ = until(secondary.contents, lambda it: it[1] == wanted, 15)
            assert held <= asked.query(ZONE, "SOA").answer[0][0].serial and held not in serials
            assert not serials or 0 < (held - serials[-1]) % 2**32 < 2**31
            serials.append(held)

        def line(last):
            return f"lb.{ZONE}. 1 192.0.2.{last}"

        web = daemon.api.service(namespace, "web", **records("A"))
        alias(daemon.api, namespace, "own", f"web.{ZONE}")
        secondary.start(asked.port)
        daemon.api.register(web, "a", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
        follows(f"web.{ZONE}. 60 10.0.0.1", f"own.{ZONE}. 60 10.0.0.1")
        daemon.api.deregister(web, "a")
        alias(daemon.api, namespace, "lb", "lb.example.net")
        follows(line(1), line(2))
        upstream.said = lambda query: reply(query, "lb.example.net 1 A 192.0.2.3")
        follows(line(3))
        before = daemon.api.http("GET", "/metrics").body.decode()
        assert 'cloudmap_dns_transfers_total{kind="ixfr"} 0' not in before
        upstream.said = lambda query: reply(query, rcode=dns.rcode.SERVFAIL)
        asked_before = upstream.asked()
        until(lambda: upstream.asked() - asked_before, lambda n: n > 0)
        assert secondary.contents()[1] == {f"{ZONE}. 172800 ns.invalid.", line(3)}  # of old
        # After a restart, too, nobody is given a zone without what a resolver is about to say.
        upstream.said = lambda query: reply(query, "lb.example.net 1 A 192.0.2.3")
        daemon.restart(crash=True)
        assert line(3) in transfer(asked.port, ZONE, keyring())[1]
        upstream.said = lambda query: reply(query, "lb.example.net 1 A 192.0.2.4")
        follows(line(4))
