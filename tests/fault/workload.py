# SPDX-License-Identifier: Apache-2.0
"""Writers whose memory is the oracle: what was acknowledged must be there, what was not may be there as a whole or not
at all.

The registry is seen as cells: ("instance", service, id), ("health", service, id), ("tag", service, writer) and so on.
Each call changes one or more cells. A writer owns its cells and has one call under way, so that after a crash each cell
has one lawful value, or two where a call was under way. All writers share one thread; no lock, one order of events."""

import copy
import json
import random
import selectors
import socket
import time
from collections import Counter, deque

import wire

WRITERS = 8
IDS = 12  # a writer's instance ids in each service
NAMESPACE = "crash"
OPERATIONS_KEPT = 50_000  # of older rounds; the daemon keeps operations.max = 100,000
SERVICES = {"plain": {}, "custom": {"HealthCheckCustomConfig": {}}, "second": {"HealthCheckCustomConfig": {}}}
OPERATION_TYPES = {"RegisterInstance": "REGISTER_INSTANCE", "DeregisterInstance": "DEREGISTER_INSTANCE",
                   "UpdateService": "UPDATE_SERVICE"}
WEIGHTS = {"register": 46, "deregister": 12, "health": 14, "tag": 8, "untag": 3, "attribute": 6, "unattribute": 3,
           "own_service": 5, "describe": 3}


def attributes_of(number):
    """The attributes that write `number` gives an instance: how many, and every value, tell which write it was."""
    return {f"k{n}": f"{number}.{n}" for n in range(2 + number % 4)}


def number_of(attributes):
    """The write that gave these attributes, or the attributes themselves when they are of no single write."""
    number = attributes.get("k0", "").partition(".")[0]
    whole = number.isdigit() and attributes == attributes_of(int(number))
    return int(number) if whole else ("torn", json.dumps(attributes, sort_keys=True))


class Call:
    """One call under way: the cells it changes, and their values once it took effect. Numbers grow with every call."""

    def __init__(self, operation, members, effects, number=0):
        self.operation, self.members, self.effects, self.number = operation, members, effects, number
        self.sent = self.answered = None  # moments of Workload.now
        self.operation_id = None
        self.type = OPERATION_TYPES.get(operation)

    def targets(self):
        """What the operation record of this call names."""
        service = self.members.get("ServiceId") or self.members.get("Id")
        return self.type, service, self.members.get("InstanceId")


class Writer:
    def __init__(self, index, seed):
        self.index = index
        self.random = random.Random(seed)
        self.call = None
        self.refused = False
        self.socket = None
        self.rest = b""


class Workload:
    """setup() once; then, over and over: connect(), run(), a crash, drain(), verify()."""

    def __init__(self, seed):
        self.seed = seed
        self.writers = [Writer(n, f"{seed}/{n}") for n in range(WRITERS)]
        self.reader = Writer(WRITERS, f"{seed}/reader")
        self.numbers = 0
        self.cells = {}  # what is acknowledged; no cell where there is nothing
        self.changed_by = Counter()  # cell -> number of the call that changed it last
        self.services = {}  # name -> id
        self.arns = {}
        self.operations = {}  # acknowledged operation id -> targets, of this round
        self.older_operations = deque(maxlen=OPERATIONS_KEPT)
        self.began = None
        self.seen_revisions = Counter()
        self.seen_numbers = Counter()  # instance cell -> newest write that the reader saw
        self.acknowledged = Counter()
        self.applied = []  # those of the round before that were found done, whatever their cells had held,
        self.undecided = []  # and those that would have changed nothing: nobody can tell
        self.in_doubt = []  # calls that were under way when the round ended
        self.refused = []  # (status, body) of calls that were answered with an error
        self.selector = None
        self.sending = False
        self.now = lambda: 0  # a clock that whoever replays the history may set
        self.history = []  # all calls of this round, in the order in which they were sent

    # --- the world ---

    def setup(self, client):
        namespace = client.namespace(NAMESPACE)
        self.namespace_id = namespace
        for name, config in SERVICES.items():
            service = client.call("CreateService", NamespaceId=namespace, Name=name, **config)["Service"]
            self.services[name], self.arns[name] = service["Id"], service["Arn"]
            self.cells["service", name] = service["Id"]

    def next_number(self):
        self.numbers += 1
        return self.numbers

    # --- what a writer does next: each returns a Call, or None when it does not apply just now ---

    def choose(self, writer):
        while True:
            kind = writer.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
            call = getattr(self, "_" + kind)(writer)
            if call:
                return call

    def _instance(self, writer, services=tuple(SERVICES)):
        service = writer.random.choice(services)
        return service, f"w{writer.index}-{writer.random.randrange(IDS)}"

    def _register(self, writer):
        service, instance = self._instance(writer)
        number = self.next_number()
        effects = {("instance", service, instance): number}
        attributes = attributes_of(number)
        if service != "plain":
            effects["health", service, instance] = "HEALTHY"
        return Call("RegisterInstance", {"ServiceId": self.services[service], "InstanceId": instance,
                                         "CreatorRequestId": f"c{number}", "Attributes": attributes}, effects, number)

    def _deregister(self, writer):
        service, instance = self._instance(writer)
        if ("instance", service, instance) not in self.cells:
            return None
        effects = {("instance", service, instance): None, ("health", service, instance): None}
        return Call("DeregisterInstance", {"ServiceId": self.services[service], "InstanceId": instance}, effects,
                    self.next_number())

    def _health(self, writer):
        service, instance = self._instance(writer, ("custom", "second"))
        if ("instance", service, instance) not in self.cells:
            return None
        status = writer.random.choice(("HEALTHY", "UNHEALTHY"))
        return Call("UpdateInstanceCustomHealthStatus",
                    {"ServiceId": self.services[service], "InstanceId": instance, "Status": status},
                    {("health", service, instance): status})

    def _tag(self, writer):
        service, number = writer.random.choice(list(SERVICES)), str(self.next_number())
        return Call("TagResource", {"ResourceARN": self.arns[service], "Tags": [
            {"Key": f"w{writer.index}", "Value": number}, {"Key": f"w{writer.index}-copy", "Value": number}]},
            {("tag", service, f"w{writer.index}"): number, ("tag", service, f"w{writer.index}-copy"): number})

    def _untag(self, writer):
        service = writer.random.choice(list(SERVICES))
        keys = [f"w{writer.index}", f"w{writer.index}-copy"]
        return Call("UntagResource", {"ResourceARN": self.arns[service], "TagKeys": keys},
                    {("tag", service, key): None for key in keys})

    def _attribute(self, writer):
        service, number = writer.random.choice(list(SERVICES)), str(self.next_number())
        keys = [f"w{writer.index}", f"w{writer.index}-copy"]
        return Call("UpdateServiceAttributes", {"ServiceId": self.services[service],
                                                "Attributes": dict.fromkeys(keys, number)},
                    {("attribute", service, key): number for key in keys})

    def _unattribute(self, writer):
        service = writer.random.choice(list(SERVICES))
        keys = [f"w{writer.index}", f"w{writer.index}-copy"]
        if ("attribute", service, keys[0]) not in self.cells:
            return None
        return Call("DeleteServiceAttributes", {"ServiceId": self.services[service], "Attributes": keys},
                    {("attribute", service, key): None for key in keys})

    def _own_service(self, writer):
        name = f"own-{writer.index}-{writer.random.randrange(2)}"
        if ("service", name) in self.cells:
            return Call("DeleteService", {"Id": self.services[name]}, {("service", name): None})
        # the id of a name never changes; the first creation tells it
        return Call("CreateService", {"NamespaceId": self.namespace_id, "Name": name, "CreatorRequestId": name},
                    {("service", name): self.services.get(name, "new")})

    def _describe(self, writer):
        if writer.index >= len(SERVICES):
            return None
        service, number = list(SERVICES)[writer.index], str(self.next_number())
        return Call("UpdateService", {"Id": self.services[service], "Service": {"Description": number}},
                    {("description", service): number})

    # --- running ---

    def connect(self, port):
        self.began = time.time()
        self.older_operations += self.operations
        self.operations, self.history = {}, []
        self.selector = selectors.DefaultSelector()
        for writer in [*self.writers, self.reader]:
            writer.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
            writer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            writer.rest, writer.call, writer.refused = b"", None, False
            self.selector.register(writer.socket, selectors.EVENT_READ, writer)

    def run(self, seconds, until=lambda: False):
        """Keeps every writer busy; returns when the time is over, with calls under way, or when all were refused."""
        deadline = time.monotonic() + seconds
        self.sending = True
        for writer in [*self.writers, self.reader]:
            self._send(writer)
        while (left := deadline - time.monotonic()) > 0 and not all(w.refused for w in self.writers) and not until():
            for key, _ in self.selector.select(left):
                self._receive(key.data, more=True)

    def settle(self):
        """Takes the answers that are still to come, and sends nothing more; the daemon lives on."""
        self.sending = False
        while waiting := [w for w in [*self.writers, self.reader] if w.call and not w.refused]:
            assert self.selector.select(20), [w.call.members for w in waiting]
            for key, _ in self.selector.select(0):
                assert self._receive(key.data, more=True), "the connection broke"
        self.drain()

    def drain(self, count=True):
        """After the daemon's end: an answer that was sent before it counts as acknowledged, unless told otherwise."""
        self.sending = False
        for writer in [*self.writers, self.reader]:
            while count and writer.call and not writer.refused and self._receive(writer, more=False):
                pass
            writer.socket.close()
        self.selector.close()
        self.in_doubt = [w.call for w in self.writers if w.call]

    def _send(self, writer):
        writer.call = self._reading() if writer is self.reader else self.choose(writer)
        if writer is not self.reader:
            self.history.append(writer.call)
        writer.call.sent = self.now()
        try:
            writer.socket.sendall(wire.request(writer.call.operation, writer.call.members))
        except ConnectionError:
            pass  # the daemon is gone; the call stays in doubt

    def _reading(self):
        service = self.reader.random.choice(list(SERVICES))
        members = {"NamespaceName": NAMESPACE, "ServiceName": service}
        if self.reader.random.random() < 0.5:
            return Call("DiscoverInstancesRevision", members, {})
        return Call("DiscoverInstances", members | {"HealthStatus": "ALL", "MaxResults": 1000}, {})

    def _receive(self, writer, more):
        """False when the connection is over."""
        try:
            data = writer.socket.recv(1 << 20)
        except (ConnectionError, TimeoutError):
            data = b""
        if not data:
            if more:
                self.selector.unregister(writer.socket)
            return False
        writer.rest += data
        answer = wire.split_answer(writer.rest)
        if answer and writer.call:
            status, body, writer.rest = answer
            (self._seen if writer is self.reader else self._answered)(writer, status, body)
            if self.sending and writer.call is None:
                self._send(writer)
        return True

    def _answered(self, writer, status, body):
        """An error leaves the call in doubt, and the writer waits for the end of the round."""
        if status != 200:
            self.refused.append((status, body))
            writer.refused = True
            return
        call, writer.call = writer.call, None
        call.answered = self.now()
        answer = json.loads(body) if body else {}
        if call.type:
            call.operation_id = answer["OperationId"]
        if call.operation == "CreateService":
            self._learn(call.members["Name"], answer["Service"]["Id"])
            call.effects = {("service", call.members["Name"]): answer["Service"]["Id"]}
        self.acknowledged[call.operation] += 1
        self._acknowledge(call)

    def _acknowledge(self, call):
        if call.type:
            self.operations[call.operation_id] = call.targets()
        self._apply(call)

    def at(self, start, moment):
        """As it would be had the daemon died at `moment` of this round; `start` is a copy from its beginning."""
        view = start.copy()
        view.began, view.services = self.began, dict(self.services)
        for call in self.history:
            if call.answered is not None and call.answered <= moment:
                view._acknowledge(call)
            elif call.sent <= moment:
                view.in_doubt.append(copy.copy(call))
        return view

    def copy(self):
        """What is known, without connections."""
        other = Workload(self.seed)
        other.cells, other.changed_by = dict(self.cells), Counter(self.changed_by)
        other.services, other.arns, other.namespace_id = dict(self.services), dict(self.arns), self.namespace_id
        other.older_operations.extend([*self.older_operations, *self.operations])
        other.seen_revisions, other.seen_numbers = Counter(self.seen_revisions), Counter(self.seen_numbers)
        return other

    def _learn(self, name, service_id):
        assert self.services.setdefault(name, service_id) == service_id, f"service {name} came back with another id"

    def _seen(self, reader, status, body):
        """What a reader was shown was durable, so it may not be undone by a crash."""
        assert status == 200, (status, body)
        call, reader.call = reader.call, None
        answer, service = json.loads(body), call.members["ServiceName"]
        revision = answer["InstancesRevision"]
        assert revision >= self.seen_revisions[service], f"revision of {service} went back while running"
        self.seen_revisions[service] = revision
        for instance in answer.get("Instances", []):
            number = number_of(instance["Attributes"])
            assert isinstance(number, int), f"a reader saw a torn instance: {instance}"
            cell = "instance", service, instance["InstanceId"]
            self.seen_numbers[cell] = max(self.seen_numbers[cell], number)

    def _apply(self, call):
        for cell, value in call.effects.items():
            self.changed_by[cell] = call.number
            if value is None:
                self.cells.pop(cell, None)
            else:
                self.cells[cell] = value

    # --- judging ---

    def verify(self, client):
        """Reads everything and compares; then the cells are what was found."""
        found = self.read(client)
        in_doubt, self.in_doubt = self.in_doubt, []
        applied = self._resolve(found, in_doubt)
        assert found == self.cells, "\n".join(self._differences(found))
        self._check_operations(client, in_doubt, applied)
        self._check_seen(client)

    def _resolve(self, found, in_doubt):
        """Decides from what was found which of the calls in doubt took effect, and adds those to the cells."""
        applied, self.applied, self.undecided = [], [], []
        for call in in_doubt:
            if call.operation == "CreateService" and ("service", call.members["Name"]) in found:
                self._learn(call.members["Name"], found["service", call.members["Name"]])
                call.effects = {("service", call.members["Name"]): found["service", call.members["Name"]]}
            old = {cell: self.cells.get(cell) for cell in call.effects}
            now = {cell: found.get(cell) for cell in call.effects}
            assert now in (old, call.effects), f"half done: {call.operation} {call.members}: {old} -> {now}"
            if now == call.effects:
                applied.append(call)
                (self.undecided if now == old else self.applied).append(call)
                self._apply(call)
        return applied

    def _differences(self, found):
        for cell in sorted(set(found) | set(self.cells), key=str):
            if found.get(cell) != self.cells.get(cell):
                yield f"{cell}: acknowledged {self.cells.get(cell)}, found {found.get(cell)}"

    def read(self, client):
        """The registry as cells."""
        cells = {}
        for service in client.items("ListServices", "Services"):
            cells["service", service["Name"]] = service["Id"]
        for name in SERVICES:
            service_id = self.services[name]
            instances = dict((i["Id"], i["Attributes"]) for i in client.items("ListInstances", "Instances",
                                                                              ServiceId=service_id))
            cells |= {("instance", name, i): number_of(attributes) for i, attributes in instances.items()}
            self._check_discovery(client, name, instances, cells)
            service = client.call("GetService", Id=service_id)["Service"]
            if service.get("Description"):
                cells["description", name] = service["Description"]
            for tag in client.call("ListTagsForResource", ResourceARN=self.arns[name]).get("Tags", []):
                cells["tag", name, tag["Key"]] = tag["Value"]
            held = client.call("GetServiceAttributes", ServiceId=service_id)["ServiceAttributes"].get("Attributes", {})
            cells |= {("attribute", name, key): value for key, value in held.items()}
        return cells

    def _check_discovery(self, client, name, instances, cells):
        """Discovery, the list and the health status tell the same story; adds the health cells."""
        discovered = client.call("DiscoverInstances", NamespaceName=NAMESPACE, ServiceName=name, HealthStatus="ALL",
                                 MaxResults=1000)["Instances"]
        assert {i["InstanceId"]: i["Attributes"] for i in discovered} == instances, name
        if name != "plain":
            health = dict(client.items("GetInstancesHealthStatus", "Status", ServiceId=self.services[name]))
            assert health == {i["InstanceId"]: i["HealthStatus"] for i in discovered}, name
            cells |= {("health", name, i): status for i, status in health.items()}

    def _check_operations(self, client, in_doubt, applied):
        """An operation can be read if and only if its effect can."""
        old = random.Random(f"{self.seed}/{self.numbers}").sample(self.older_operations,
                                                                 min(20, len(self.older_operations)))
        for operation_id in [*self.operations, *old]:
            operation = client.call("GetOperation", OperationId=operation_id)["Operation"]
            assert operation["Status"] == "SUCCESS", operation
            if operation_id in self.operations:
                assert targets_of(operation) == self.operations[operation_id], operation
        window = {"Name": "UPDATE_DATE", "Condition": "BETWEEN",
                  "Values": [f"{self.began - 1:.3f}", f"{time.time() + 1:.3f}"]}
        listed = {o["Id"] for o in client.items("ListOperations", "Operations", Filters=[window])}
        lost = set(self.operations) - listed
        assert not lost, f"acknowledged operations are not listed: {lost}"
        unknown = listed - set(self.operations) - set(self.older_operations)
        found = Counter(targets_of(client.call("GetOperation", OperationId=o)["Operation"]) for o in unknown)
        wanted = Counter(call.targets() for call in applied if call.type)
        ours = {self.services[name] for name in SERVICES}
        found = Counter({t: n for t, n in found.items() if t[0] in OPERATION_TYPES.values() and t[1] in ours})
        assert found == wanted, f"operations without an acknowledgement {found}, effects of such {wanted}; {in_doubt}"
        self.older_operations += unknown

    def _check_seen(self, client):
        for name in SERVICES:
            revision = client.call("DiscoverInstancesRevision", NamespaceName=NAMESPACE,
                                   ServiceName=name)["InstancesRevision"]
            assert revision >= self.seen_revisions[name], f"revision of {name} went back over the restart"
            self.seen_revisions[name] = revision
        for cell, number in self.seen_numbers.items():
            assert self.changed_by[cell] >= number, f"{cell}: a reader saw write {number}, now {self.changed_by[cell]}"


def targets_of(operation):
    targets = operation.get("Targets", {})
    return operation["Type"], targets.get("SERVICE"), targets.get("INSTANCE")
