# SPDX-License-Identifier: Apache-2.0
"""The plain client: the AWS JSON 1.1 protocol over http.client, no SDK between the test and the wire. Every exchange
goes to the record. One connection a thread, kept open."""

import http.client
import json
import threading
import time

TARGET = "Route53AutoNaming_v20170314."
CONTENT_TYPE = "application/x-amz-json-1.1"
POLL_SECONDS = 0.01
IDLE_SECONDS = 20  # connections that rested longer are not used again: the daemon may be about to close them
POLL_LIMIT_SECONDS = 30


class Answer:
    """A response as it came over the wire."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def code(self):
        """The error's name, None for a success."""
        return (self.json or {}).get("__type") if self.status >= 300 else None

    @property
    def message(self):
        body = self.json or {}
        return body.get("Message", body.get("message"))

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Api:
    """Calls one daemon (or anything with `host` and `port`), wherever it listens at the moment."""

    def __init__(self, where, recorder=None):
        self.where = where
        self.recorder = recorder
        self._local = threading.local()

    def close(self):
        connection = getattr(self._local, "connection", None)
        if connection:
            connection.close()
            self._local.connection = None

    def http(self, method, path, body=b"", headers=None):
        """Any request; nothing is recorded and no header is added but Host and Content-Length."""
        connection = self._connect()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self.close()
            raise
        self._local.used = time.monotonic()
        return answer

    def _connect(self):
        """This thread's connection, made anew when the daemon moved."""
        connection = getattr(self._local, "connection", None)
        place = (self.where.host, self.where.port)
        if (connection is None or (connection.host, connection.port) != place
                or time.monotonic() - self._local.used > IDLE_SECONDS):
            self.close()
            connection = http.client.HTTPConnection(*place, timeout=60)
            self._local.connection, self._local.used = connection, time.monotonic()
        return connection

    def send(self, op, body, headers=None):
        """One call with a body of bytes or of anything that JSON can say; returns whatever comes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": TARGET + op} | (headers or {})
        answer = self.http("POST", "/", raw, {k: v for k, v in fields.items() if v is not None})
        if self.recorder:
            self.recorder.exchange("raw", op, raw, answer.status, answer.body)
        return answer

    def ok(self, op, **members):
        """A call that must succeed; returns the output ({} for an empty body)."""
        answer = self.send(op, members)
        assert answer.status == 200, f"{op} {members}: {answer}"
        return answer.json or {}

    def fails(self, op, code, **members):
        """A call that must be refused with this error; returns its body."""
        answer = self.send(op, members)
        assert (answer.status, answer.code) == (400, code), f"{op} {members}: {answer}"
        return answer.json

    def invalid(self, op, message=None, **members):
        """A call that must be refused with InvalidInput, with exactly this text when one is given."""
        body = self.fails(op, "InvalidInput", **members)
        assert message is None or body["Message"] == message, body
        return body

    # Words that most tests use

    def operation(self, operation_id):
        return self.ok("GetOperation", OperationId=operation_id)["Operation"]

    def finished(self, operation_id):
        """Polls until the operation is SUCCESS or FAIL; returns it."""
        deadline = time.monotonic() + POLL_LIMIT_SECONDS
        while True:
            operation = self.operation(operation_id)
            if operation["Status"] in ("SUCCESS", "FAIL"):
                return operation
            assert time.monotonic() < deadline, operation
            time.sleep(POLL_SECONDS)

    def done(self, op, **members):
        """An asynchronous call and its success; returns the operation."""
        operation = self.finished(self.ok(op, **members)["OperationId"])
        assert operation["Status"] == "SUCCESS", operation
        return operation

    def namespace(self, name, kind="HTTP", **members):
        """A new namespace; returns its id."""
        if kind == "DNS_PRIVATE":
            members.setdefault("Vpc", "vpc-1")
        op = {"HTTP": "CreateHttpNamespace", "DNS_PRIVATE": "CreatePrivateDnsNamespace",
              "DNS_PUBLIC": "CreatePublicDnsNamespace"}[kind]
        return self.done(op, Name=name, **members)["Targets"]["NAMESPACE"]

    def service(self, namespace_id, name, **members):
        """A new service; returns its id."""
        return self.ok("CreateService", NamespaceId=namespace_id, Name=name, **members)["Service"]["Id"]

    def register(self, service_id, instance_id, attributes=None, **members):
        return self.done("RegisterInstance", ServiceId=service_id, InstanceId=instance_id, Attributes=attributes or {},
                         **members)

    def deregister(self, service_id, instance_id):
        return self.done("DeregisterInstance", ServiceId=service_id, InstanceId=instance_id)

    def discover(self, namespace_name, service_name, **members):
        """The instances that come back, as {id: summary}."""
        answer = self.ok("DiscoverInstances", NamespaceName=namespace_name, ServiceName=service_name, **members)
        found = {item["InstanceId"]: item for item in answer["Instances"]}
        assert len(found) == len(answer["Instances"]), "an instance twice"
        return found

    def pages(self, op, key, **members):
        """All pages of a list, as a list of pages."""
        pages, token = [], None
        while True:
            answer = self.ok(op, **members, **({"NextToken": token} if token is not None else {}))
            pages.append(answer[key])
            token = answer.get("NextToken")
            if token is None:
                return pages

    def items(self, op, key, **members):
        return [item for page in self.pages(op, key, **members) for item in page]


def until(ask, accept, seconds=POLL_LIMIT_SECONDS):
    """Asks until the answer is accepted; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if accept(answer):
            return answer
        assert time.monotonic() < deadline, f"still {answer!r}"
        time.sleep(POLL_SECONDS)
