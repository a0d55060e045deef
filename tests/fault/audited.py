# SPDX-License-Identifier: Apache-2.0
"""The judge of the audit trail over sudden deaths: what was acknowledged and what is recorded are one to one."""

import json
from collections import Counter

from support import trail
from support.program import cloudmapctl

# A trail that is short enough to be read after each round, so that it is trimmed under way, too.
SETTINGS = {"audit.calls": "on", "audit.keep_size": "32MiB"}
FREE = "Attributes", "TagKeys"  # what is in it are no members


def parameters(members):
    """As CloudTrail writes a request."""
    if isinstance(members, list):
        return [parameters(one) for one in members]
    if not isinstance(members, dict):
        return members
    return {name[0].lower() + name[1:]: value if name in FREE else parameters(value) for name, value in members.items()}


def key_of(operation, request):
    return operation, json.dumps(request, sort_keys=True)


class Judge:
    def __init__(self, data):
        self.data, self.last = data, 0
        self.records = self.checkpoints = self.without_acknowledgement = 0

    def begin(self):
        """What is there is not asked for."""
        self.last = max((number for number, _ in trail.since(self.data, self.last)), default=self.last)

    def changes(self):
        """Of the records that came since the last time, those of changes that were done."""
        rows = trail.since(self.data, self.last)
        assert [number for number, _ in rows] == list(range(self.last + 1, self.last + 1 + len(rows))), "rows are missing"
        self.last += len(rows)
        for _, text in rows:
            record = json.loads(text)
            self.checkpoints += record["eventName"] == "AuditCheckpoint"
            if not record["readOnly"] and "errorCode" not in record:
                yield key_of(record["eventName"], record["requestParameters"])

    def judge(self, workload):
        """After workload.verify(): each acknowledged change has one record, each record its change."""
        def keys(calls):
            return Counter(key_of(call.operation, parameters(call.members)) for call in calls)

        recorded = Counter(self.changes())
        acknowledged = keys(call for call in workload.history if call.answered is not None)
        unrecorded = acknowledged - recorded
        assert not unrecorded, f"acknowledged, and not in the audit trail: {unrecorded}"
        others = recorded - acknowledged
        done, unknown = keys(workload.applied), keys(workload.undecided)
        assert not done - others, f"done without an acknowledgement, and not in the audit trail: {done - others}"
        assert not others - done - unknown, f"in the audit trail, and not done: {others - done - unknown}"
        self.records += recorded.total()
        self.without_acknowledgement += others.total()
        verified = cloudmapctl("--data", self.data, "audit", "verify")
        assert verified.returncode == 0, verified.stderr

    def line(self):
        return (f"audit: {self.records:,} records of changes, one to one ({self.without_acknowledgement:,} of changes whose "
                f"answer the kill cut off), {self.checkpoints:,} checkpoints, verified after each round")
