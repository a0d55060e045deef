# SPDX-License-Identifier: Apache-2.0
"""DNS answers beside NSD and Knot serving the same zone: CPU time per query. Then the same while instances are being
registered, and with a hundred times as many."""

import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

from measure import LOAD_CORE, QUICK, Report, Sample, SERVER_CORE, children_seconds, fresh_data, rounds, SECONDS
from peer_servers import Peer, free_port, knot, nsd
from scale import fill, write_lines
from server import ROOT, Server

NAMES, EACH = (200 if QUICK else 10_000), 8
FEW, MANY = (1_000, 4_000) if QUICK else (10_000, 1_000_000)
ZONE = "dns.example"
A, SRV = 1, 33
NOERROR, NXDOMAIN = 0, 3
MAX_A, MAX_SRV, MAX_TCP, MAX_BUSY, MAX_MANY = 1.0, 0.77, 1.0, 1.1, 1.25

Question = namedtuple("Question", "format type edns rcode answers names")
QUESTIONS = {
    "A": Question(f"a%05d.{ZONE}", A, 0, NOERROR, EACH, NAMES),
    "SRV": Question(f"s%05d.{ZONE}", SRV, 1, NOERROR, EACH, NAMES),
    "NXDOMAIN": Question(f"x%05d.{ZONE}", A, 0, NXDOMAIN, 0, NAMES),
}


def build_blast():
    program = ROOT / "build" / "bench" / "dns_blast"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", program, ROOT / "tests" / "bench" / "dns_blast.c"], check=True)
    return str(program)


def blast(program, port, cpu, question, transport="udp", seconds=SECONDS):
    """One sample: 64 queries in flight over 2 sockets, or over 10 connections."""
    sockets, in_flight = (2, 64) if transport == "udp" else (10, 100)
    command = [*LOAD_CORE, program, port, transport, seconds, sockets, in_flight, question.type, question.edns,
               question.rcode, question.answers, question.names, question.format]
    before, load_before = cpu(), children_seconds()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    after, load_after = cpu(), children_seconds()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["requests"] > 0 and found["wrong"] == 0, f"{question}: {found}"
    assert found["lost"] < found["requests"] / 1000 + 1, found
    return Sample(found | {"refused": 0, "broken": 0}, after - before, load_after - load_before)


def address(n):
    """As load.lua registers it."""
    return f"10.{100 + n // 10000 % 100}.{100 + n // 100 % 100}.{100 + n % 100}"


def zone_text():
    """What the registry answers, for the peers: instance n is one of service n modulo NAMES."""
    lines = [f"$ORIGIN {ZONE}.", "$TTL 60",
             f"@ 15 IN SOA ns.invalid. hostmaster.{ZONE}. 1 7200 900 1209600 86400", "@ 172800 IN NS ns.invalid."]
    for name in range(NAMES):
        for n in range(name, NAMES * EACH, NAMES):
            lines.append(f"a{name:05d} IN A {address(n)}")
            lines.append(f"s{name:05d} IN SRV 1 1 8080 i-{n:08d}.s{name:05d}")
            lines.append(f"i-{n:08d}.s{name:05d} IN A {address(n)}")
    return "\n".join(lines) + "\n"


def services(client, namespace, letter, record, count):
    config = {"DnsRecords": [{"Type": record, "TTL": 60}]}
    return [client.service(namespace, f"{letter}{n:05d}", DnsConfig=config) for n in range(count)]


def private_namespace(client, name):
    return client.finished("CreatePrivateDnsNamespace", Name=name, Vpc="vpc-1")["Targets"]["NAMESPACE"]


def start(home, before=SERVER_CORE):
    return Server(home / "data", {"api.workers": "1", "dns.workers": "1"}, before=before).start()


def dns_port(server):
    return int(server.ready["dns"].rpartition(":")[2])


def fill_both(server, home, count):
    with server.client() as client:
        namespace = private_namespace(client, ZONE)
        ids = {letter: services(client, namespace, letter, record, count) for letter, record in (("a", "A"), ("s", "SRV"))}
    for letter, ones in ids.items():
        fill(server, write_lines(home / letter, ones), 0, count * EACH)


def echo(program, size):
    home, port = fresh_data(f"echo-{size}"), free_port()
    return Peer([program, str(port), "echo", str(size)], port, home)


def compare(report, program, ours, peers):
    results = {}
    for title, question in QUESTIONS.items():
        for transport in ("udp", "tcp") if title == "A" else ("udp",):
            samplers = {"cloudmapd": (dns_port(ours), ours.cpu_seconds)}
            samplers |= {name: (peer.port, peer.cpu) for name, peer in peers.items()}
            samplers = {name: lambda where=where: blast(program, *where, question, transport)
                        for name, where in samplers.items()}
            for sampler in () if QUICK else samplers.values():
                sampler()  # warm
            key = title if transport == "udp" else f"{title} over TCP"
            results[key] = rounds(samplers)
            for name, cell in results[key].items():
                report.cell_row(f"{key}, {cell.median('bytes'):.0f} bytes", name, cell)
    return results


def limits(report, program):
    """What packets cost without any thought."""
    for size in (167, 549):
        with echo(program, size) as peer:
            any_answer = QUESTIONS["A"]._replace(answers=-1)
            cell = rounds({"echo": lambda: blast(program, peer.port, peer.cpu, any_answer)})["echo"]
            report.cell_row(f"packets turned round, {size} bytes", "echo", cell)


def thread_cpu(pid, wanted):
    """CPU seconds of the threads with that name so far: of the scheduler's own nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text(encoding="ascii").strip() == wanted:
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def while_registering(report, program, ours, home):
    """The UDP thread's CPU per query, quiet and with 1,000 registrations a second into the zone that is asked."""
    cpu = lambda: thread_cpu(ours.pid, "dns-udp")  # noqa: E731
    with ours.client() as client:
        (namespace,) = [one["Id"] for one in client.items("ListNamespaces", "Namespaces") if one["Name"] == ZONE]
        write_lines(home / "churn", services(client, namespace, "c", "A", 100))

    def busy():
        command = [sys.executable, "-B", ROOT / "tests" / "bench" / "dns_churn.py", str(ours.port),
                   str(home / "churn"), "1000", str(SECONDS + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as churn:
            assert churn.stdout.readline() == "started\n"
            sample = blast(program, dns_port(ours), cpu, QUESTIONS["A"])
            said = churn.stdout.read()
        assert churn.returncode == 0 and int(said) > (0 if QUICK else 900), said
        return sample

    cells = rounds({"quiet": lambda: blast(program, dns_port(ours), cpu, QUESTIONS["A"]), "busy": busy}, wanted_busy=0)
    report.cell_row("A, UDP thread alone, quiet", "cloudmapd", cells["quiet"])
    report.cell_row("A, UDP thread alone, 1,000 registrations a second", "cloudmapd", cells["busy"])
    return cells["busy"].median("us") / cells["quiet"].median("us")


def many(report, program):
    """A hundred times as many instances, every name of them asked; the daemons take turns."""
    counts = {"few": FEW // EACH // 2, "many": MANY // EACH // 2}
    servers = {}
    try:
        for size, count in counts.items():
            home = fresh_data(f"dns-{size}")
            servers[size] = start(home)
            fill_both(servers[size], home, count)
        ratios = {}
        for title in ("A", "SRV"):
            cells = rounds({size: lambda server=server, question=QUESTIONS[title]._replace(names=counts[size]):
                            blast(program, dns_port(server), server.cpu_seconds, question)
                            for size, server in servers.items()})
            for size, instances in (("few", FEW), ("many", MANY)):
                report.cell_row(f"{title}, {instances:,} instances, all {counts[size]:,} names asked", "cloudmapd",
                                cells[size])
            ratios[title] = cells["many"].median("us") / cells["few"].median("us")
        for size, server in servers.items():
            report.say(f"Resident memory with {FEW if size == 'few' else MANY:,} instances: "
                       f"{server.memory() / 2**20:,.0f} MiB.")
        return ratios
    finally:
        for server in servers.values():
            server.end()


def run():
    report = Report("dns")
    program = build_blast()
    home = fresh_data("dns")
    report.say(f"{NAMES:,} names with {EACH} A records and {NAMES:,} with {EACH} SRV records, asked at random; 64 "
               "queries in flight over 2 sockets, or 100 over 10 connections (generator: tests/bench/dns_blast.c). One "
               "UDP worker each, rate limits off. cloudmapd: `dns.workers=1`.")
    ours = start(home)
    try:
        fill_both(ours, home, NAMES)
        zone = zone_text()
        report.cell_table("situation")
        limits(report, program)
        with nsd(ZONE, zone) as nsd_peer, knot(ZONE, zone) as knot_peer:
            results = compare(report, program, ours, {"nsd": nsd_peer, "knot": knot_peer})
        busy = while_registering(report, program, ours, home)
    finally:
        ours.end()
    ratios = many(report, program)
    report.bar_table()
    for title, limit in (("A", MAX_A), ("NXDOMAIN", MAX_A), ("SRV", MAX_SRV)):
        cells = {name: cell.median("us") for name, cell in results[title].items()}
        best = min(us for name, us in cells.items() if name != "cloudmapd")
        report.bar(f"{title}: CPU per query, of the better of NSD and Knot", cells["cloudmapd"] / best, "<=", limit)
    cells = results["A over TCP"]
    report.bar("A over TCP: CPU per query, of Knot's", cells["cloudmapd"].median("us") / cells["knot"].median("us"),
               "<=", MAX_TCP)
    report.bar("A: UDP thread's CPU per query with 1,000 registrations a second, of quiet", busy, "<=", MAX_BUSY)
    for title, ratio in ratios.items():
        report.bar(f"{title}: CPU per query with {MANY:,} instances, of that with {FEW:,}", ratio, "<=", MAX_MANY)
    return report
