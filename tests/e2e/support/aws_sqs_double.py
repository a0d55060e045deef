# SPDX-License-Identifier: Apache-2.0
"""SQS (JSON 1.0): queues with visibility timeouts, receive counts, dead-letter queues and a long poll that waits."""

import hashlib
import json
import threading
import time
import uuid

from support.aws_endpoint import Denied, Endpoint, request_id
from support.aws_fleet import ACCOUNT

TARGET = "AmazonSQS."
CONTENT_TYPE = "application/x-amz-json-1.0"
BATCH_MAX, WAIT_MAX = 10, 20


class Message:
    def __init__(self, body):
        self.id, self.body, self.sent = str(uuid.uuid4()), body, time.time()
        self.receives, self.visible_at, self.handle = 0, 0.0, None


class Queue:
    def __init__(self, name, url, visibility, dead_letters, max_receives):
        self.name, self.url, self.visibility = name, url, visibility
        self.dead_letters, self.max_receives = dead_letters, max_receives
        self.messages, self.deleted = [], []
        self.changed = threading.Condition()

    # For tests

    def send(self, *bodies):
        """Objects are sent as JSON; returns the messages."""
        made = [Message(one if isinstance(one, str) else json.dumps(one)) for one in bodies]
        with self.changed:
            self.messages += made
            self.changed.notify_all()
        return made

    def wait_until(self, accept, seconds=30):
        """Returns when `accept(self)` is true, looked at whenever something changed."""
        with self.changed:
            found = self.changed.wait_for(lambda: accept(self), seconds)
            assert found, f"{self.name}: {len(self.messages)} there, {len(self.deleted)} deleted"

    def show_again(self):
        """Ends the visibility timeout of all messages."""
        with self.changed:
            for one in self.messages:
                one.visible_at = 0.0
            self.changed.notify_all()

    # For the double, under `changed`

    def take(self, count, visibility, now):
        taken = []
        for one in [one for one in self.messages if one.visible_at <= now][:count]:
            if self.dead_letters is not None and one.receives >= self.max_receives:
                self.messages.remove(one)
                self.dead_letters.send(one.body)
                continue
            one.receives, one.visible_at, one.handle = one.receives + 1, now + visibility, str(uuid.uuid4())
            taken.append(one)
        if taken:
            self.changed.notify_all()
        return taken

    def next_visible(self, now):
        """Seconds until a hidden message shows again; None: there is none."""
        hidden = [one.visible_at - now for one in self.messages]
        return max(0.0, min(hidden)) if hidden else None


MEMBERS = {
    "ReceiveMessage": {"QueueUrl", "MaxNumberOfMessages", "WaitTimeSeconds", "VisibilityTimeout", "AttributeNames",
                       "MessageSystemAttributeNames", "MessageAttributeNames", "ReceiveRequestAttemptId"},
    "DeleteMessage": {"QueueUrl", "ReceiptHandle"},
    "DeleteMessageBatch": {"QueueUrl", "Entries"},
    "SendMessage": {"QueueUrl", "MessageBody", "DelaySeconds", "MessageAttributes"},
    "ChangeMessageVisibility": {"QueueUrl", "ReceiptHandle", "VisibilityTimeout"},
    "GetQueueUrl": {"QueueName"},
    "GetQueueAttributes": {"QueueUrl", "AttributeNames"},
}


class SqsDouble(Endpoint):
    SERVICE = "sqs"
    REFUSALS = {"missing": (403, "MissingAuthenticationToken"), "incomplete": (400, "IncompleteSignature"),
                "skew": (403, "SignatureDoesNotMatch"), "scope": (403, "SignatureDoesNotMatch"),
                "key": (403, "InvalidClientTokenId"), "expired": (403, "ExpiredToken"),
                "signature": (403, "SignatureDoesNotMatch")}
    THROTTLE, BAD_TOKEN = (400, "ThrottlingException"), None

    def __init__(self, cloud):
        self.queues, self._closing = {}, False
        self.longest_wait = WAIT_MAX
        super().__init__(cloud)

    def add_queue(self, name, visibility=30, max_receives=None):
        """A queue; with max_receives it has a dead-letter queue, `.dead_letters`."""
        dead = self.add_queue(name + "-dead") if max_receives is not None else None
        queue = Queue(name, f"{self.url}/{ACCOUNT}/{name}", visibility, dead, max_receives)
        self.queues[queue.url] = queue
        return queue

    def close(self):
        self._closing = True
        for queue in self.queues.values():
            with queue.changed:
                queue.changed.notify_all()
        super().close()

    def parse(self, request):
        target = request.header("x-amz-target", "")
        action = target.removeprefix(TARGET)
        if request.header("content-type") != CONTENT_TYPE or not target.startswith(TARGET) or action not in MEMBERS:
            raise Denied(400, "UnknownOperationException", f"{target} {request.header('content-type')}")
        try:
            params = json.loads(request.body)
        except ValueError:
            raise Denied(400, "SerializationException", "no JSON") from None
        if not isinstance(params, dict) or params.keys() - MEMBERS[action]:
            raise Denied(400, "SerializationException", "unknown members")
        return action, params

    def error(self, status, code, message):
        if code is None:
            return self.reply(status, "", CONTENT_TYPE)
        body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message})
        return self.reply(status, body, CONTENT_TYPE, x_amzn_RequestId=request_id(),
                          x_amzn_query_error=f"AWS.SimpleQueueService.{code};Sender")

    def carry_out(self, call):
        act = {"ReceiveMessage": self._receive, "DeleteMessage": self._delete, "DeleteMessageBatch": self._delete_batch,
               "SendMessage": self._send, "ChangeMessageVisibility": self._change, "GetQueueUrl": self._url,
               "GetQueueAttributes": self._attributes}[call.action]
        answer = act(call.params) if call.action == "GetQueueUrl" else act(self._queue(call.params), call.params)
        body = "" if answer is None else json.dumps(answer)
        return self.reply(200, body, CONTENT_TYPE, x_amzn_RequestId=request_id())

    def _queue(self, params):
        queue = self.queues.get(params.get("QueueUrl"))
        if queue is None:
            raise Denied(400, "QueueDoesNotExist", "The specified queue does not exist.")
        return queue

    @staticmethod
    def _number(params, name, default, low, high):
        value = params.get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise Denied(400, "InvalidParameterValue", f"Value {value} for parameter {name} is invalid.")
        return value

    def _receive(self, queue, params):
        count = self._number(params, "MaxNumberOfMessages", 1, 1, BATCH_MAX)
        wait = self._number(params, "WaitTimeSeconds", 0, 0, WAIT_MAX)
        visibility = self._number(params, "VisibilityTimeout", queue.visibility, 0, 43200)
        end = time.monotonic() + min(wait, self.longest_wait)
        with queue.changed:
            while True:
                now = time.monotonic()
                taken = queue.take(count, visibility, now)
                if taken or now >= end or self._closing:
                    break
                later = queue.next_visible(now)
                queue.changed.wait(end - now if later is None else min(end - now, later + 0.001))
            wanted = params.get("MessageSystemAttributeNames", params.get("AttributeNames", []))
            return {"Messages": [self._shown(one, wanted) for one in taken]} if taken else {}

    @staticmethod
    def _shown(one, wanted):
        known = {"ApproximateReceiveCount": str(one.receives), "SentTimestamp": str(int(one.sent * 1000)),
                 "SenderId": "AIDATEST"}
        shown = {"MessageId": one.id, "ReceiptHandle": one.handle, "Body": one.body,
                 "MD5OfBody": hashlib.md5(one.body.encode()).hexdigest()}
        chosen = {name: value for name, value in known.items() if name in wanted or "All" in wanted}
        return shown | ({"Attributes": chosen} if chosen else {})

    @staticmethod
    def _held(queue, handle):
        """The message of a receipt handle: only the newest handle counts."""
        found = [one for one in queue.messages if one.handle is not None and one.handle == handle]
        if not found:
            raise Denied(400, "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not valid.')
        return found[0]

    def _delete(self, queue, params):
        with queue.changed:
            one = self._held(queue, params.get("ReceiptHandle"))
            queue.messages.remove(one)
            queue.deleted.append(one)
            queue.changed.notify_all()

    def _delete_batch(self, queue, params):
        entries = params.get("Entries") or []
        ids = [one.get("Id") for one in entries]
        if not entries or len(entries) > BATCH_MAX or len(set(ids)) != len(ids):
            code = "EmptyBatchRequest" if not entries else \
                "TooManyEntriesInBatchRequest" if len(entries) > BATCH_MAX else "BatchEntryIdsNotDistinct"
            raise Denied(400, code, f"{len(entries)} entries")
        good, bad = [], []
        for one in entries:
            try:
                self._delete(queue, one)
                good.append({"Id": one["Id"]})
            except Denied as no:
                bad.append({"Id": one["Id"], "SenderFault": True, "Code": no.code, "Message": no.message})
        return {"Successful": good} | ({"Failed": bad} if bad else {})

    @staticmethod
    def _send(queue, params):
        (one,) = queue.send(params["MessageBody"])
        return {"MessageId": one.id, "MD5OfMessageBody": hashlib.md5(one.body.encode()).hexdigest()}

    def _change(self, queue, params):
        with queue.changed:
            seconds = self._number(params, "VisibilityTimeout", None, 0, 43200)
            self._held(queue, params.get("ReceiptHandle")).visible_at = time.monotonic() + seconds
            queue.changed.notify_all()

    def _url(self, params):
        found = [url for url, queue in self.queues.items() if queue.name == params.get("QueueName")]
        if not found:
            raise Denied(400, "QueueDoesNotExist", "The specified queue does not exist.")
        return {"QueueUrl": found[0]}

    @staticmethod
    def _attributes(queue, _params):
        with queue.changed:
            now = time.monotonic()
            hidden = sum(1 for one in queue.messages if one.visible_at > now)
            return {"Attributes": {"ApproximateNumberOfMessages": str(len(queue.messages) - hidden),
                                   "ApproximateNumberOfMessagesNotVisible": str(hidden)}}
