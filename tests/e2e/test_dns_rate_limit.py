# SPDX-License-Identifier: Apache-2.0
"""The rate limit, the limits of TCP and the query log, by dig and by plain sockets. The limit spares loopback unless
`dns.rate_limit_exempt` says something else."""

import os
import re
import signal
import socket
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.tsigkeyring
import pytest

from support.client import until
from support.dns import Dns, framed, receive
from support.secondary import KEY, KEY_NAME, SECRET

NAME = "web.limits.example"
LIMITED = {"dns.rate_limit": "5", "dns.rate_limit_exempt": "127.0.9.0/24", "dns.workers": "2"}
EDNS = {"use_edns": 0, "payload": 1232}


def fill(daemon):
    namespace = daemon.api.namespace("limits.example", "DNS_PUBLIC")
    web = daemon.api.service(namespace, "web", DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 60}]})
    daemon.api.register(web, "one", {"AWS_INSTANCE_IPV4": "10.0.0.1"})
    return Dns(daemon)


def metric(daemon, name):
    text = daemon.api.http("GET", "/metrics").body.decode()
    return int(re.search(rf"^{re.escape('cloudmap_dns_' + name)} (\d+)$", text, re.M)[1])


def flood(asked, source, count, queries=None, ports=8, listen=True, read=dns.message.from_wire):
    """Sends the queries in turn from an address, by several ports, so that all threads see some; the answers."""
    queries = queries or [dns.message.make_query(NAME, "A").to_wire()]
    sockets = []
    for _ in range(ports):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((source, 0))
        s.connect((asked.host, asked.port))
        s.settimeout(0.2)
        sockets.append(s)
    answers = []
    for i in range(count):
        sockets[i % ports].send(queries[i % len(queries)])
    for s in sockets:
        try:
            while listen:
                answers.append(read(s.recv(4096)))
        except TimeoutError:
            pass
        s.close()
    return answers


@pytest.fixture
def limited(start_daemon):
    return fill(start_daemon(LIMITED))


class TestRateLimit:
    def test_all_threads_together(self, limited):
        answers = flood(limited, "127.0.0.2", 200, ports=32)
        whole = [one for one in answers if one.answer]
        slipped = [one for one in answers if one.flags & dns.flags.TC]
        assert 5 <= len(whole) <= 9, len(whole)  # a second's, and what the sending took
        assert len(slipped) == len(answers) - len(whole)
        assert abs(len(slipped) - (200 - len(whole)) / 2) <= 2  # each thread takes turns of its own
        assert all(one.rcode() == 0 and one.question and not one.authority for one in slipped)
        assert metric(limited.daemon, 'rate_limited_total{outcome="slipped"}') == len(slipped)
        assert metric(limited.daemon, 'rate_limited_total{outcome="dropped"}') == 200 - len(answers)

    def test_others_go_on(self, limited):
        flood(limited, "127.0.0.2", 100)
        assert len([one for one in flood(limited, "127.0.1.2", 5) if one.answer]) == 5  # another network
        other = dns.message.make_query("none.limits.example", "A").to_wire()
        assert len([one for one in flood(limited, "127.0.0.2", 5, [other]) if one.authority]) == 5  # another answer

    def test_exempt(self, limited):
        assert len([one for one in flood(limited, "127.0.9.7", 200) if one.answer]) == 200

    def test_loopback_is_exempt_by_default(self, start_daemon):
        asked = fill(start_daemon({"dns.rate_limit": "5"}))
        assert len([one for one in flood(asked, "127.0.0.2", 200) if one.answer]) == 200

    def test_off(self, start_daemon):
        asked = fill(start_daemon(LIMITED | {"dns.rate_limit": "0"}))
        assert len([one for one in flood(asked, "127.0.0.2", 200) if one.answer]) == 200

    def test_names_at_random(self, limited):
        names = [dns.message.make_query(f"r{i}.limits.example", "A").to_wire() for i in range(100)]
        answers = flood(limited, "127.0.0.2", 100, names)
        assert 5 <= sum(bool(one.authority) for one in answers) <= 9

    def test_dig_comes_by_tcp(self, start_daemon):
        """An honest client behind a limited network: truncated or dropped, it gets its answer."""
        limited = fill(start_daemon(LIMITED | {"dns.rate_limit": "1"}))
        truncated = 0
        for _ in range(8):
            flood(limited, "127.0.0.2", 31, listen=False)
            said = limited.dig("-b", "127.0.0.2", "+nocookie", "+tries=5", "+time=1", NAME)
            assert "status: NOERROR" in said and "ANSWER: 1" in said
            truncated += "Truncated, retrying in TCP mode" in said
        assert truncated

    def test_tcp_is_never_limited(self, limited):
        flood(limited, "127.0.0.2", 50)
        query = framed(dns.message.make_query(NAME, "A").to_wire())
        with socket.create_connection((limited.host, limited.port), 10, ("127.0.0.2", 0)) as s:
            s.sendall(query * 200)
            for _ in range(200):
                assert dns.message.from_wire(receive(s)).answer

    def test_dig_with_a_cookie(self, start_daemon):
        """BADCOOKIE comes only when there is too much, with a cookie that dig comes back with; that one is exempt."""
        limited = fill(start_daemon(LIMITED | {"dns.rate_limit": "1"}))
        said = limited.dig("-b", "127.0.0.2", "+nobadcookie", NAME)
        assert "status: NOERROR" in said
        cookie = re.search(r"COOKIE: ([0-9a-f]{48}) \(good\)", said)[1]
        flood(limited, "127.0.0.2", 100, listen=False)
        for _ in range(20):
            said = limited.dig("-b", "127.0.0.2", f"+cookie={cookie}", NAME)
            assert "status: NOERROR" in said and "ANSWER: 1" in said and "tc" not in said.split("flags:")[1].split(";")[0]
        retried = 0
        for _ in range(8):
            flood(limited, "127.0.0.2", 31, listen=False)
            said = limited.dig("-b", "127.0.0.2", "+cookie", "+tries=5", "+time=1", NAME)
            assert "status: NOERROR" in said and "ANSWER: 1" in said
            retried += "BADCOOKIE, retrying" in said
        assert retried

    def test_a_forged_cookie_is_no_help(self, limited):
        flood(limited, "127.0.0.2", 100)
        seen = set()
        for _ in range(12):
            query = dns.message.make_query(NAME, "A", use_edns=0, options=[dns.edns.GenericOption(10, b"c" * 24)])
            for answer in flood(limited, "127.0.0.2", 4, [query.to_wire()], 1):
                seen.add(dns.rcode.to_text(answer.rcode()))
        assert "BADCOOKIE" in seen

    def test_a_signature_is_exempt(self, start_daemon):
        """A secondary with a key of a transferred zone is who it says it is; one that has the key's name alone is not."""
        asked, whole = fill(start_daemon(LIMITED | {"transfer.limits.example.key": KEY})), []
        for secret in (SECRET, "d3Jvbmc="):
            query = dns.message.make_query(NAME, "A")
            query.use_tsig(dns.tsigkeyring.from_text({KEY_NAME: secret}), KEY_NAME)
            answers = flood(asked, "127.0.0.2", 200, [query.to_wire()], read=bytes)
            whole.append(sum(len(one) > len(query.to_wire()) and not one[2] & 2 for one in answers))
        assert whole[0] == 200 and whole[1] <= 10


class TestTcpLimits:
    """First message, parts of a message and idle ones: test_dns_protocol.py."""

    def test_idle_is_short_when_most_places_are_taken(self, start_daemon):
        daemon = start_daemon({"dns.tcp_connections": "8", "dns.workers": "1"})
        asked, query = fill(daemon), framed(dns.message.make_query(NAME, "A").to_wire())
        streams = [asked.connect() for _ in range(7)]
        for s in streams:
            s.sendall(query)
            assert receive(s)
        began = time.monotonic()
        assert receive(streams[0]) is None
        assert 4.5 < time.monotonic() - began < 8
        until(lambda: metric(daemon, "tcp_connections"), lambda n: n == 6)  # three quarters: the others have time
        time.sleep(1)
        assert metric(daemon, "tcp_connections") == 6
        for s in streams:
            s.close()

    def test_a_first_message_octet_by_octet(self, start_daemon):
        asked = fill(start_daemon())
        query, began = framed(dns.message.make_query(NAME, "A").to_wire()), time.monotonic()
        with asked.connect() as s:
            s.settimeout(0.5)
            for one in query:
                try:
                    s.sendall(bytes([one]))
                    assert s.recv(1) == b""
                    break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
        assert 2.5 < time.monotonic() - began < 6

    def test_a_client_has_a_tenth_of_the_places(self, start_daemon):
        said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
        own = [one for one in said.split() if re.fullmatch("[0-9.]+", one)]
        if not own:
            pytest.skip("this machine has no address but loopback's")
        daemon = start_daemon({"dns.tcp_connections": "30", "dns.workers": "1"}, args=["--dns", "0.0.0.0:0"])
        asked, query = fill(daemon), framed(dns.message.make_query(NAME, "A").to_wire())

        def answered(source):
            s = socket.create_connection((own[0], asked.port), 10, (source, 0))
            try:
                s.sendall(query)
                return s if receive(s) else s.close()
            except ConnectionError:
                return s.close()

        streams = [answered(own[0]) for _ in range(5)]
        assert [s is not None for s in streams] == [True, True, True, False, False]
        assert metric(daemon, "tcp_refused_total") == 2
        with socket.create_connection(("127.0.0.1", asked.port), 10) as s:  # others have their places
            s.sendall(query)
            assert receive(s)
        for s in streams[:3]:
            s.close()


class TestQueryLog:
    def lines(self, daemon):
        return daemon.events("dns_query")

    def test_off_by_default(self, start_daemon):
        asked = fill(start_daemon())
        for _ in range(10):
            asked.answers(NAME)
        time.sleep(0.1)
        assert self.lines(asked.daemon) == []

    def test_all(self, start_daemon):
        daemon = start_daemon(LIMITED | {"dns.query_log": "all", "dns.rate_limit": "1"})
        asked = fill(daemon)
        asked.query("wEb.Limits.example")
        asked.query("none.limits.example", "AAAA", tcp=True, **EDNS)
        for _ in range(2):
            flood(asked, "127.0.3.3", 3, ports=1)
        until(lambda: self.lines(daemon), lambda seen: len(seen) == 8)
        lines = self.lines(daemon)  # of different threads: in any order
        [first] = [one for one in lines if one["name"] == "wEb.Limits.example."]
        [second] = [one for one in lines if one["name"] == "none.limits.example."]
        others = [one for one in lines if one not in (first, second)]
        assert first["client"] == "127.0.0.1" and first["type"] == "A"
        assert (first["rcode"], first["flags"], first["size"]) == ("NOERROR", "", 12 + 24 + 16)
        assert second["type"] == "AAAA" and second["rcode"] == "NXDOMAIN" and second["flags"] == "tcp"
        assert {one["client"] for one in others} == {"127.0.3.3"}
        assert {one["flags"] for one in others} >= {"", "truncated limited", "limited"}
        assert all(0 <= one["us"] < 10_000_000 for one in self.lines(daemon))
        assert [one["size"] == 0 for one in others] == [one["rcode"] is None for one in others]

    def test_reload(self, start_daemon, tmp_path):
        config = tmp_path / "cloudmap.conf"
        config.write_text("[dns]\nquery_log = off\n")
        daemon = start_daemon(args=["--config", str(config)])
        asked = fill(daemon)
        asked.query(NAME)
        config.write_text("[dns]\nquery_log = all\n")
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: daemon.events("daemon_reloaded"), lambda seen: len(seen) == 1)
        assert "restart_needed_for" not in daemon.events("daemon_reloaded")[0]
        asked.query(NAME)
        until(lambda: self.lines(daemon), lambda seen: len(seen) == 1)

    def test_a_share(self, start_daemon):
        daemon = start_daemon({"dns.query_log": "0.1"})
        asked = fill(daemon)
        flood(asked, "127.0.0.2", 1000)
        daemon.stop()  # writes what waits
        assert 50 <= len(self.lines(daemon)) <= 150
