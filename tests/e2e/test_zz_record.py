# SPDX-License-Identifier: Apache-2.0
"""The last word on a whole run: every response that any client got is one that the API's shapes allow, and nothing that
the API can say was left unsaid. Sorts last; makes sense only after all other files."""

import pytest

from support import shapes

# Errors that no test can bring about, and why.
NO_TRIGGER = {(op, "ResourceInUse") for op in ("UpdateHttpNamespace", "UpdatePrivateDnsNamespace",
                                               "UpdatePublicDnsNamespace")}

# The service model in Debian's botocore is older than these.
NOT_IN_APT_BOTO = {"DiscoverInstancesRevision", "GetServiceAttributes", "UpdateServiceAttributes",
                   "DeleteServiceAttributes"}


@pytest.fixture(scope="module")
def exchanges(recorder):
    return recorder.read()


def test_every_response_has_its_shape(exchanges):
    faults = {}
    for one in exchanges:
        try:
            shapes.judge(one["operation"], one["status"], one["response"])
        except (shapes.Fault, ValueError) as fault:
            key = (one["operation"], type(fault).__name__, str(fault)[:200])
            faults.setdefault(key, []).append(one)
    told = [f"{len(found)}x {op}: {text}\n    {found[0]['request'][:300]}\n    {found[0]['response'][:600]}"
            for (op, _, text), found in faults.items()]
    assert not told, "\n".join(told)


def test_every_operation_succeeded(exchanges):
    seen = {one["operation"] for one in exchanges if one["status"] == 200}
    assert shapes.OPERATIONS.keys() - seen == set()


def test_every_declared_error_was_seen(exchanges):
    declared = {(op, code) for op, rows in shapes.OPERATIONS.items() for code in rows["errors"]}
    assert NO_TRIGGER <= declared
    seen = {(one["operation"], shapes.parse(one["response"])["__type"]) for one in exchanges if one["status"] == 400}
    assert sorted(declared - NO_TRIGGER - seen) == []
    assert sorted(NO_TRIGGER & seen) == [], "has a trigger after all"


@pytest.mark.parametrize("client, without", [("js", set()), ("boto3", NOT_IN_APT_BOTO)])
def test_every_operation_was_driven_by_sdks(exchanges, client, without):
    seen = {one["operation"] for one in exchanges if one["client"] == client and one["status"] == 200}
    assert shapes.OPERATIONS.keys() - without - seen == set()
