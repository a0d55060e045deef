# SPDX-License-Identifier: Apache-2.0
"""DiscoverInstances against nginx that returns the same bytes; other reads for information."""

import json

import wire
from measure import QUICK, Report, SERVER_CORE, fresh_data, load, rounds
from peer_servers import nginx
from server import Server

SMALL, LARGE = ("cart", 10), ("catalog", 72)  # service and instances: about 2 KB and 16 KB
MIN_RATE, MAX_P99 = 0.8, 2.0


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


def run():
    report = Report("api")
    report.say("DiscoverInstances, requests of about 900 bytes with an SDK's headers, keep-alive. nginx returns the "
               "same body from one worker without a log; cloudmapd runs with `--set api.workers=1`.")
    with Server(fresh_data("cloudmapd"), {"api.workers": "1"}, before=SERVER_CORE) as ours:
        with ours.client() as client:
            service_id = fill(client)
            bodies = {service: client.exchange(wire.request("DiscoverInstances", discover_body(service).encode()))[1]
                      for service, _ in (SMALL, LARGE)}
        report.cell_table("situation")
        results = compare(report, ours, bodies)
        other_reads(report, ours, service_id)
    report.bar_table()
    for title, cells in results.items():
        a, b = cells["cloudmapd"], cells["nginx"]
        report.bar(f"{title}: requests/s, of nginx's", a.median("rate") / b.median("rate"), ">=", MIN_RATE)
        report.bar(f"{title}: p99, of nginx's", a.median("p99") / b.median("p99"), "<=", MAX_P99)
    report.table("ratio without a bar", "cloudmapd / nginx")
    for title, cells in results.items():
        report.row(f"{title}: CPU us/request", f"{cells['cloudmapd'].median('us') / cells['nginx'].median('us'):.2f}")
    return report
