# SPDX-License-Identifier: Apache-2.0
"""The EC2 instances of a test: a plain object that the test changes and the double shows."""

import copy
import hashlib
import itertools
import threading

ACCOUNT, REGION = "000000000000", "us-east-1"
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
LAUNCHED = "2024-05-06T07:08:09.000Z"


class Interface:
    """A network interface: pairs of (private address, public address or None), the primary one first, and IPv6."""

    def __init__(self, number, addresses, v6=()):
        self.id = f"eni-{number:017x}"
        self.addresses, self.v6 = list(addresses), list(v6)


class Machine:
    def __init__(self, number, region, account, zone, tags, is_managed, launched):
        self.id = "i-" + hashlib.sha256(f"machine {number}".encode()).hexdigest()[:17]
        self.region, self.account, self.zone = region, account, zone or region + "a"
        self.tags, self.is_managed, self.launched = dict(tags or {}), is_managed, launched
        self.state, self.interfaces = "running", []

    @property
    def private(self):
        """The primary private address."""
        return self.interfaces[0].addresses[0][0] if self.interfaces else None

    @property
    def public(self):
        return self.interfaces[0].addresses[0][1] if self.interfaces else None

    @property
    def v6(self):
        return self.interfaces[0].v6[0] if self.interfaces and self.interfaces[0].v6 else None


class Fleet:
    def __init__(self):
        self.machines, self.lock = {}, threading.RLock()
        self._numbers = itertools.count(1)

    def add(self, *, region=REGION, account=ACCOUNT, zone=None, private=None, public=None, v6=None, tags=None,
            state="running", is_managed=False, launched=LAUNCHED):
        """A new instance with one interface and the addresses given, else ones of its own."""
        with self.lock:
            number = next(self._numbers)
            one = Machine(number, region, account, zone, tags, is_managed, launched)
            place = f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            one.interfaces = [Interface(number << 8, [(private or f"10.{place}", public)], [v6] if v6 else [])]
            self.machines[one.id] = one
            if state != "running":
                self.set_state(one, state)
            return one

    def add_many(self, count, **members):
        return [self.add(**members) for _ in range(count)]

    def add_interface(self, machine, *addresses, v6=()):
        """Addresses are private ones, or pairs of private and public."""
        with self.lock:
            pairs = [one if isinstance(one, tuple) else (one, None) for one in addresses]
            machine.interfaces.append(Interface(next(self._numbers) << 8, pairs, v6))

    def set_state(self, machine, state):
        assert state in STATES
        with self.lock:
            machine.state = state
            if state == "terminated":
                machine.interfaces = []  # EC2 takes the addresses away

    def terminate(self, *machines):
        for one in machines:
            self.set_state(one, "terminated")

    def move(self, machine, private):
        """Another primary private address."""
        with self.lock:
            machine.interfaces[0].addresses[0] = (private, machine.public)

    def forget(self, *machines):
        """A terminated instance disappears after about an hour."""
        with self.lock:
            for one in machines:
                del self.machines[one.id]

    def snapshot(self):
        """A fleet that stays as this one is now."""
        with self.lock:
            frozen = Fleet()
            frozen.machines = copy.deepcopy(self.machines)
            return frozen

    def of(self, account, region):
        with self.lock:
            return [one for one in self.machines.values() if (one.account, one.region) == (account, region)]
