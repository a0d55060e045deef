# SPDX-License-Identifier: Apache-2.0
"""Many cases of a fault at once: several single runs side by side, each with a key of its own and several targets, each
target a service whose instances are in a region of its own. So the waits before retries cost little. The fault finds
its case by key and region (EC2) or by key and service (Cloud Map)."""

import itertools
import subprocess

from support.faults import Fault
from support.sdk import REGION
from support.unmap import Done, unmap_binary

REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
           "ap-south-1", "sa-east-1")
AT_ONCE = 16


class ByCase(Fault):
    """Does what the case of a call says: `cases` maps (key id, region or service) to a fault."""

    def __init__(self, cases, place):
        self.cases, self.place = cases, place

    def before(self, call):
        case = self.cases.get((call.key_id, self.place(call)))
        return case.before(call) if case else None

    def after(self, call, reply):
        case = self.cases.get((call.key_id, self.place(call)))
        return case.after(call, reply) if case else reply


class Swarm:
    """A world with a service a region: a live instance and a dead one, which would go."""

    def __init__(self, make_world, where):
        self.world = make_world(where, regions=REGIONS)
        self.services = {region: self.world.add_service() for region in REGIONS}
        self._numbers = itertools.count(1)
        for region, service in self.services.items():
            self.world.live(service=service, region=region)
            self.world.dead(service=service, region=region)

    def registered(self):
        return {region: self.world.registered(service) for region, service in self.services.items()}

    def start(self, key, regions):
        """One run over these regions' targets."""
        home = self.world.base / f"swarm-{next(self._numbers)}"
        home.mkdir()
        lines = [f"service-region = {REGION}", f"state-dir = {home}"]
        for region in regions:
            lines += [f"[target {region}]", f"service-id = {self.services[region]}", f"instances-region = {region}"]
        (home / "conf").write_text("\n".join(lines) + "\n")
        return subprocess.Popen([unmap_binary(), "--single-run", "--config", str(home / "conf")], cwd=home, text=True,
                                env=self.world.env(key), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def all_unknown(self, cases, each=len(REGIONS), at_once=16):
        """Each of `cases`, pairs of an endpoint and a fault of its listing, alone in a target, leaves the service unknown
        and the registry as it was. A run has `each` targets; few of them where each waits before it tries again."""
        before, faults = self.registered(), {}
        self.world.ec2.breaks(ByCase(faults, lambda call: call.region), "DescribeInstances")
        self.world.cloud_map.breaks(ByCase(faults, lambda call: call.params.get("ServiceId")), "ListInstances")
        count = -(-len(cases) // each)
        jobs = [cases[n::count] for n in range(count)]
        for start in range(0, len(jobs), at_once):
            self._wave(jobs[start:start + at_once], faults)
        assert self.registered() == before

    def _wave(self, jobs, faults):
        running = []
        for job in jobs:
            key = self.world.amazon.cloud.add_key()
            for region, (endpoint, fault) in zip(REGIONS, job):
                faults[key.id, region if endpoint == "ec2" else self.services[region]] = fault
            running.append((self.start(key, REGIONS[:len(job)]), job, key))
        for process, job, key in running:
            out, err = process.communicate(timeout=120)
            done, services = Done(process.returncode, out, err), [self.services[region] for region in REGIONS[:len(job)]]
            tried = {one.params["ServiceId"] for one in self.world.cloud_map.mutations() if one.key_id == key.id}
            wrong = [case for service, case in zip(services, job) if service in tried]
            assert not tried, f"acted upon {wrong}: {done}"
            unknown = {entry.get("service_id") for entry in done.told("unmap_unknown")}
            missed = [case for service, case in zip(services, job) if service not in unknown]
            assert done.code == 1 and not missed, f"took for whole {missed}: {done}"
