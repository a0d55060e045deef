# SPDX-License-Identifier: Apache-2.0
"""DiscoverInstances against nginx that returns the same bytes; other reads for information."""

import contextlib
import json

import wire
from measure import QUICK, Report, SECONDS, SERVER_CORE, background, fresh_data, load, rounds, wrk
from peer_servers import nginx
from server import Server
from support.program import cloudmapctl
from support.signing import Credentials, Request, sign_header

SMALL, LARGE = ("cart", 10), ("catalog", 72)  # service and instances: about 2 KB and 16 KB
MIN_RATE, MAX_P99 = 0.8, 2.0
MIN_SIGNED_RATE, MIN_FLOODED_RATE = 0.65, 0.5
FLOOD_CONNECTIONS, FLOOD_RATE = 260, 20000
SETTINGS = {"api.workers": "1", "auth.mode": "open"}
MIN_TLS_RATE = 0.6
TLS_NAME = "cloudmap.localhost"


def fill(client):
    """Both services; the id of the small one."""
    namespace, ids = client.namespace("shop"), {}
    for service, count in (SMALL, LARGE):
        ids[service] = client.service(namespace, service)
        for n in range(count):
            client.finished("RegisterInstance", ServiceId=ids[service], InstanceId=f"i-{n:017x}", Attributes={
                "AWS_INSTANCE_IPV4": f"10.0.0.{n + 1}", "AWS_INSTANCE_PORT": "8080", "zone": "eu-central-1a",
                "version": "1.4.2"})
    return ids[SMALL[0]]


def discover_body(service):
    return json.dumps({"NamespaceName": "shop", "ServiceName": service, "HealthStatus": "ALL", "MaxResults": 100})


def loader(*arguments, **options):
    return lambda: load(*arguments, **options)


def compare(report, ours, bodies):
    """Every size and number of connections, ours and nginx in turn; {situation: cells}."""
    results = {}
    for service, body in bodies.items():
        arguments = ("call", "DiscoverInstances", discover_body(service))
        with nginx(body) as peer:
            for connections in (32, 256):
                title = f"{len(body) / 1024:.1f} KiB, {connections} connections"
                samplers = {"cloudmapd": loader(ours.url, ours.cpu_seconds, connections, *arguments),
                            "nginx": loader(peer.url, peer.cpu, connections, *arguments)}
                for sampler in () if QUICK else samplers.values():
                    sampler()  # warm
                results[title] = rounds(samplers)
                for name, cell in results[title].items():
                    report.cell_row(title, name, cell)
    return results


def make_certificate():
    """Its file and that of its key."""
    home = fresh_data("tls")
    done = cloudmapctl("cert", TLS_NAME, "127.0.0.1", "--out", home)
    assert done.returncode == 0, done.stderr
    return home / f"{TLS_NAME}.pem", home / f"{TLS_NAME}-key.pem"


def compare_tls(report, ours, body, certificate):
    """The same over TLS 1.3 on connections that stay; {name: cell}."""
    arguments = ("call", "DiscoverInstances", discover_body(SMALL[0]))
    title = f"{len(body) / 1024:.1f} KiB, 32 connections, TLS"
    url = f"https://127.0.0.1:{ours.ready['tls'].rpartition(':')[2]}/"
    with nginx(body, *certificate) as peer:
        samplers = {"cloudmapd": loader(url, ours.cpu_seconds, 32, *arguments),
                    "nginx": loader(peer.url.replace("http:", "https:"), peer.cpu, 32, *arguments)}
        cells = rounds(samplers)
    for name, cell in cells.items():
        report.cell_row(title, name, cell)
    return title, cells


def other_reads(report, ours, service_id):
    calls = {
        "GetInstance": json.dumps({"ServiceId": service_id, "InstanceId": f"i-{0:017x}"}),
        "ListInstances": json.dumps({"ServiceId": service_id}),
        "DiscoverInstancesRevision": json.dumps({"NamespaceName": "shop", "ServiceName": SMALL[0]}),
        "GetInstancesHealthStatus": json.dumps({"ServiceId": service_id}),
    }
    cells = rounds({name: loader(ours.url, ours.cpu_seconds, 32, "call", name, body, seconds=1)
                    for name, body in calls.items()})
    report.cell_table("for information, 32 connections")
    for name, cell in cells.items():
        report.cell_row(name, "cloudmapd", cell)


def discoverer(ours):
    """The key of a user whom a policy allows to discover, and nothing else does."""
    def ctl(*words):
        done = cloudmapctl("--data", ours.data, "-o", "json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ctl("user", "create", "reader")
    ctl("policy", "attach", "discoverer", "--user", "reader")
    made = ctl("key", "create", "--user", "reader")
    return Credentials(made["access_key_id"], made["secret_access_key"])


def signed_call(port, key, body):
    return sign_header(Request("POST", "/", [
        ("Host", f"127.0.0.1:{port}"), ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", wire.TARGET + "DiscoverInstances")], body.encode()), key)


def signature(port, key, body):
    """What load.lua is told of a call that it sends again and again: each time it is verified anew."""
    signed = signed_call(port, key, body)
    return signed.value("X-Amz-Date"), signed.value("Authorization")


def compare_signed(report, ours, key, answer):
    """As `compare`, of the small answer, with the signature verified and the policy evaluated; {situation: cells}."""
    results, body = {}, discover_body(SMALL[0])
    with nginx(answer) as peer:
        for connections in (32, 256):
            title = f"signed, {len(answer) / 1024:.1f} KiB, {connections} connections"
            call = lambda url, cpu: load(url, cpu, connections, "call", "DiscoverInstances", body,
                                         *signature(ours.port, key, body))
            results[title] = rounds({"cloudmapd": lambda: call(ours.url, ours.cpu_seconds),
                                     "nginx": lambda: call(peer.url, peer.cpu)})
            for name, cell in results[title].items():
                report.cell_row(title, name, cell)
    return results


def flooded(report, ours, key):
    """The signed client's share of its rate, while strangers send what they cannot sign."""
    body, strangers = discover_body(SMALL[0]), []

    def sample(flood):
        with background(wrk(ours.url, FLOOD_CONNECTIONS, SECONDS, ("flood", "DiscoverInstances"))) if flood else \
                contextlib.nullcontext(strangers) as sent:
            found = load(ours.url, ours.cpu_seconds, 32, "call", "DiscoverInstances", body,
                         *signature(ours.port, key, body))
        if flood:
            strangers.append(sent[0]["requests"] / sent[0]["seconds"])
        return found

    cells = rounds({"alone": lambda: sample(False), "with strangers": lambda: sample(True)})
    for name, cell in cells.items():
        report.cell_row("signed, 32 connections", f"cloudmapd, {name}", cell)
    rate = sum(strangers) / len(strangers)
    report.say("")
    report.say(f"The strangers were refused {rate:,.0f} times a second.")
    return cells["with strangers"].median("rate") / cells["alone"].median("rate"), rate


def run():
    report = Report("api")
    report.say("DiscoverInstances, requests of about 900 bytes with an SDK's headers, keep-alive. nginx returns the "
               "same body from one worker without a log; cloudmapd runs with `--set api.workers=1`, for signed calls with "
               "`--set auth.mode=required`: each is verified, and allowed by a policy of its user.")
    certificate = make_certificate()
    tls = {"tls.listen": "127.0.0.1:0", "tls.certificate": certificate[0], "tls.key": certificate[1]}
    with Server(fresh_data("cloudmapd"), SETTINGS, before=SERVER_CORE) as ours:
        with ours.client() as client:
            service_id = fill(client)
            bodies = {service: client.exchange(wire.request("DiscoverInstances", discover_body(service).encode()))[1]
                      for service, _ in (SMALL, LARGE)}
        report.cell_table("situation")
        results = compare(report, ours, bodies)
        ours.restart(SETTINGS | tls)
        tls_title, tls_cells = compare_tls(report, ours, bodies[SMALL[0]], certificate)
        other_reads(report, ours, service_id)
        key = discoverer(ours)
        ours.restart(SETTINGS | {"auth.mode": "required"})
        report.cell_table("situation")
        signed = compare_signed(report, ours, key, bodies[SMALL[0]])
        share, rate = flooded(report, ours, key)
    report.bar_table()
    for title, cells in results.items():
        a, b = cells["cloudmapd"], cells["nginx"]
        report.bar(f"{title}: requests/s, of nginx's", a.median("rate") / b.median("rate"), ">=", MIN_RATE)
        report.bar(f"{title}: p99, of nginx's", a.median("p99") / b.median("p99"), "<=", MAX_P99)
    for title, cells in signed.items():
        a, b = cells["cloudmapd"], cells["nginx"]
        report.bar(f"{title}: requests/s, of nginx's", a.median("rate") / b.median("rate"), ">=", MIN_SIGNED_RATE)
    report.bar("signed calls, of their rate without unsigned ones", share, ">=", MIN_FLOODED_RATE)
    report.bar("unsigned calls refused a second meanwhile", rate, ">=", FLOOD_RATE)
    a, b = tls_cells["cloudmapd"], tls_cells["nginx"]
    report.bar(f"{tls_title}: requests/s, of nginx's", a.median("rate") / b.median("rate"), ">=", MIN_TLS_RATE)
    report.table("ratio without a bar", "cloudmapd / nginx")
    for title, cells in (results | signed).items():
        report.row(f"{title}: CPU us/request", f"{cells['cloudmapd'].median('us') / cells['nginx'].median('us'):.2f}")
    return report
