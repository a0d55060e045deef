# SPDX-License-Identifier: Apache-2.0
"""Random policies and requests: decided as by another evaluator of IAM (@cloud-copilot/iam-simulate), or for a reason.

POLICY_PAIRS says how many (1,000), POLICY_SEED from where (1); ./dev soak policy takes 100,000.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent / "js"
PAIRS, SEED = os.environ.get("POLICY_PAIRS", "1000"), os.environ.get("POLICY_SEED", "1")


@pytest.fixture(scope="module")
def verdicts():
    build = Path(os.environ["CLOUDMAPD"]).parents[2]
    program = build / "tests/unit/auth/policy_verdicts"
    assert program.exists(), f"{program} is not built"
    return program


# --- looking into requests ------------------------------------------------------------------------------------------

def listed(value):
    return value if isinstance(value, list) else [value]


def statements(request):
    texts = request["identity"] + [request[kind] for kind in ("session", "resource", "trust") if kind in request]
    for document in map(json.loads, texts):
        for statement in listed(document["Statement"]):
            yield document, statement


def conditions(request):
    """operator, what the call has (None: nothing), what the policy says"""
    has = {key.lower(): value for key, value in request["context"].items()}
    for _, statement in statements(request):
        for operator, keys in statement.get("Condition", {}).items():
            for key, says in keys.items():
                yield operator, has.get(key.lower()), [str(value) for value in listed(says)]


# --- differences, each with its reason ------------------------------------------------------------------------------

EXPLAINED = {
    "`${*}` is a star where wildcards mean nothing, too":
        lambda r: any(re.search(r"\$\{[*?$]\}", text) and re.search("Equals", op)
                      for op, _, says in conditions(r) for text in says),
    "a variable without a value is equal to nothing, so that negated operators hold (IAM: policy variables with no "
    "value)":
        lambda r: any("Not" in op and "${aws:" in text for op, _, says in conditions(r) for text in says) or
        any("${aws:" in str(statement.get("NotResource")) for _, statement in statements(r)),
    "documents without a version are of 2008 and have no variables":
        lambda r: any("Version" not in document and "${" in json.dumps(statement)
                      for document, statement in statements(r)),
    "a variable whose value is empty has a value":
        lambda r: any(r["context"].get(key) == "" and "${" + key in json.dumps(r)
                      for key in ("aws:username", "aws:ResourceTag/team")),
    "an address of one family is not one of the other":
        lambda r: any("NotIpAddress" in op and any("/" not in text and (":" in text) != (":" in str(has))
                                                   for text in says) for op, has, says in conditions(r)),
    "seconds since 1970 are compared with dates in one unit":
        lambda r: any("Date" in op and any(text.isdigit() for text in [str(has), *says])
                      for op, has, says in conditions(r)),
    "a network of prefix 0 has every address of its family":
        lambda r: any("IpAddress" in op and any(text.endswith("/0") for text in says)
                      for op, _, says in conditions(r)),
    "a key that is absent makes a condition with IfExists true, with ForAnyValue too":
        lambda r: any(re.fullmatch("ForAnyValue:.*IfExists", op) and has is None for op, has, _ in conditions(r)),
    "a resource's policy that names a session outright is not narrowed by the session's policy (IAM: session policies)":
        lambda r: "session" in r and r["principal"]["arn"] in r.get("resource", ""),
}


def explanation(request):
    return next((reason for reason, applies in EXPLAINED.items() if applies(request)), None)


def test_decisions_are_those_of_another_evaluator(node, verdicts):
    made = subprocess.run([node, "policies.mjs", PAIRS, SEED], cwd=JS, capture_output=True, text=True, check=True)
    pairs = [json.loads(line) for line in made.stdout.splitlines()]
    assert len(pairs) == int(PAIRS)
    requests = "".join(json.dumps(pair["request"]) + "\n" for pair in pairs)
    ours = subprocess.run([verdicts], input=requests, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(ours) == len(pairs)
    reasons, unexplained = {}, []
    for pair, verdict in zip(pairs, ours):
        if pair["verdict"] == verdict:
            continue
        reason = explanation(pair["request"])
        reasons[reason] = reasons.get(reason, 0) + 1
        if not reason:
            unexplained.append(f"ours {verdict}, theirs {pair['verdict']}: {json.dumps(pair['request'])}")
    print({word: ours.count(word) for word in ("allow", "deny", "none")}, reasons)
    assert not unexplained, "\n".join(unexplained[:5])
    assert min(ours.count(word) for word in ("allow", "deny", "none")) > len(pairs) / 20
    assert sum(reasons.values()) < len(pairs) / 50
