# SPDX-License-Identifier: Apache-2.0
"""Switches for what AWS documents in one way and people want in another."""

A = [{"Type": "A", "TTL": 60}]


def test_records_survive_an_update_without_them_when_asked_to(start_daemon):
    api = start_daemon({"services.keep_records": "true"}).api
    namespace = api.namespace("keep.example", "DNS_PRIVATE")
    service = api.service(namespace, "web", DnsConfig={"DnsRecords": A})
    api.done("UpdateService", Id=service, Service={"Description": "kept"})
    shown = api.ok("GetService", Id=service)["Service"]
    assert shown["DnsConfig"]["DnsRecords"] == A and shown["Description"] == "kept"


def test_counts_are_shown_when_asked_for(start_daemon):
    api = start_daemon({"api.counts": "true"}).api
    namespace = api.namespace("counted")
    service = api.service(namespace, "web")
    assert api.ok("GetService", Id=service)["Service"]["InstanceCount"] == 0
    api.done("RegisterInstance", ServiceId=service, InstanceId="i", Attributes={})
    assert api.ok("GetService", Id=service)["Service"]["InstanceCount"] == 1
    assert [one["InstanceCount"] for one in api.ok("ListServices")["Services"]] == [1]
    assert api.ok("GetNamespace", Id=namespace)["Namespace"]["ServiceCount"] == 1
    assert [one["ServiceCount"] for one in api.ok("ListNamespaces")["Namespaces"]] == [1]


def test_requests_are_logged_when_asked_for(start_daemon):
    daemon = start_daemon({"log.level": "debug"})
    daemon.api.ok("ListNamespaces")
    daemon.api.fails("GetNamespace", "NamespaceNotFound", Id="ns-unknown")
    assert daemon.stop() == 0
    logged = {(line["operation"], line["code"]) for line in daemon.events("request")}
    assert {("ListNamespaces", "OK"), ("GetNamespace", "NamespaceNotFound")} <= logged
