# SPDX-License-Identifier: Apache-2.0
"""What one run of cloud-unmap does, in boto3: the peer of the benchmark. The same calls in the same order. Debian's boto3
does not know AWS_ENDPOINT_URL_*, so they are handed to it.

    unmap_peer.py SERVICE_ID REGION"""

import os
import sys

import boto3
from botocore.config import Config

FILTER_VALUES = 200
DEAD = ("shutting-down", "terminated")


def addresses(machine):
    yield machine.get("PrivateIpAddress")
    yield machine.get("PublicIpAddress")
    for interface in machine.get("NetworkInterfaces", ()):
        for one in interface.get("PrivateIpAddresses", ()):
            yield one.get("PrivateIpAddress")
            yield one.get("Association", {}).get("PublicIp")


def live_machines(ec2, ids):
    chunks = [ids[n:n + FILTER_VALUES] for n in range(0, len(ids), FILTER_VALUES)] if len(ids) <= 1000 else [None]
    for chunk in chunks:
        filters = [{"Name": "instance-id", "Values": chunk}] if chunk else []
        for page in ec2.get_paginator("describe_instances").paginate(Filters=filters, PaginationConfig={"PageSize": 1000}):
            for reservation in page["Reservations"]:
                for machine in reservation["Instances"]:
                    if machine["State"]["Name"] not in DEAD:
                        yield machine["InstanceId"], set(addresses(machine))


def main(service, region):
    config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 2})
    registry, ec2 = (boto3.client(name, region_name=region, config=config,
                                  endpoint_url=os.environ["AWS_ENDPOINT_URL_" + name.upper()])
                     for name in ("servicediscovery", "ec2"))
    registered = [one for page in registry.get_paginator("list_instances").paginate(
        ServiceId=service, PaginationConfig={"PageSize": 100}) for one in page["Instances"]]
    live = dict(live_machines(ec2, [one["Id"] for one in registered]))
    dead = [one for one in registered if one["Attributes"]["AWS_INSTANCE_IPV4"] not in live.get(one["Id"], ())]
    assert len(dead) < len(registered)
    operations = []
    for one in dead:
        again = registry.get_instance(ServiceId=service, InstanceId=one["Id"])["Instance"]
        if again["Attributes"] == one["Attributes"]:
            operations.append(registry.deregister_instance(ServiceId=service, InstanceId=one["Id"])["OperationId"])
    for one in operations:
        while registry.get_operation(OperationId=one)["Operation"]["Status"] not in ("SUCCESS", "FAIL"):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
