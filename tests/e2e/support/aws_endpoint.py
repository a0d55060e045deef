# SPDX-License-Identifier: Apache-2.0
"""What the doubles of AWS's services share: keys and regions, the check of signatures, the record of calls, faults."""

import hashlib
import itertools
import threading
import time
import uuid
from xml.sax.saxutils import escape

from support.aws_fleet import ACCOUNT, REGION, Fleet
from support.http_double import HttpDouble, Reply
from support.sigv4_check import Refused, check


class Key:
    """An access key; with a token it is a session's."""

    def __init__(self, key_id, secret, account, arn, token=None, expires=None):
        self.id, self.secret, self.account, self.arn = key_id, secret, account, arn
        self.token, self.expires = token, expires


class Cloud:
    """What all services know: keys, roles, regions, the fleet, and what time it is."""

    def __init__(self, regions=(REGION, "eu-west-1", "us-west-2")):
        self.regions, self.fleet, self.skew = set(regions), Fleet(), 0
        self.keys, self.roles, self.lock = {}, {}, threading.RLock()
        self._numbers = itertools.count(1)
        self.key = self.add_key()

    def now(self):
        return time.time() + self.skew

    def add_key(self, account=ACCOUNT, arn=None, seconds=None):
        """A new key; with `seconds` a session's that ends after so long."""
        with self.lock:
            number = next(self._numbers)
            text = hashlib.sha256(f"secret {number}".encode()).hexdigest()
            session = seconds is not None
            one = Key(f"{'ASIA' if session else 'AKIA'}{number:016d}", text[:40], account,
                      arn or f"arn:aws:iam::{account}:user/test", f"token/{text}==" if session else None,
                      self.now() + seconds if session else None)
            self.keys[one.id] = one
            return one

    def add_role(self, name, account=ACCOUNT, external_id=None):
        """A role that every key may assume; returns its ARN."""
        arn = f"arn:aws:iam::{account}:role/{name}"
        self.roles[arn] = (account, external_id)
        return arn


class Call:
    """One call as it was understood; what could not be told is None."""

    def __init__(self, endpoint, request):
        self.endpoint, self.request, self.service = endpoint, request, endpoint.SERVICE
        self.action = self.region = self.account = self.key_id = self.status = None
        self.params, self.at = {}, time.monotonic()
        self.fleet, self.repeats_first_page, self.skips_page = None, False, False

    def __repr__(self):
        return f"<{self.service} {self.action} {self.region} {self.account} {self.key_id} {self.status} {self.params}>"


class Denied(Exception):
    """The service says no."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _Broken:
    """A fault with what it is tied to."""

    def __init__(self, fault, action, region, times, after):
        self.fault, self.action, self.region, self.times, self.rest = fault, action, region, times, after

    def takes(self, call):
        """Whether this call is one of those that break; counts it."""
        if self.action not in (None, call.action) or self.region not in (None, call.region) or self.times == 0:
            return False
        if self.rest > 0:
            self.rest -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Endpoint:
    """One service on one port. Subclasses name SERVICE, REFUSALS (kind -> status, code), THROTTLE, BAD_TOKEN and write
    `parse` (action and parameters), `carry_out`, `error` and `with_token`."""

    SERVICE, UNSIGNED_ACTIONS = None, ()

    def __init__(self, cloud):
        self.cloud, self.calls, self._faults = cloud, [], []
        self._lock, self._changed = threading.Lock(), threading.Condition()
        self._http = HttpDouble(self._answer)
        self.url, self.port = self._http.url, self._http.port

    def close(self):
        self._http.close()

    # For tests

    def breaks(self, fault, action=None, region=None, times=None, after=0):
        """The next `times` calls (None: all) break, behind the first `after` ones. Returns the fault."""
        with self._lock:
            self._faults.append(_Broken(fault, action, region, times, after))
        return fault

    def heals(self):
        with self._lock:
            self._faults = []

    def called(self, action=None, region=None):
        """The calls so far, answered ones only."""
        with self._changed:
            return [one for one in self.calls if action in (None, one.action) and region in (None, one.region)]

    def forget_calls(self):
        with self._changed:
            self.calls = []

    def wait_for_calls(self, count, action=None, region=None, seconds=30):
        """Returns when so many calls were answered."""
        with self._changed:
            found = self._changed.wait_for(lambda: len(self.called(action, region)) >= count, seconds)
            assert found, f"{len(self.called(action, region))} of {count} {action}: {self.calls[-5:]}"
            return self.called(action, region)

    # The way of a call

    def _answer(self, request):
        call = Call(self, request)
        try:
            self._understand(call)
            with self._lock:
                faults = [one.fault for one in self._faults if one.takes(call)]
            reply = self._with_faults(call, faults)
        except Denied as no:
            reply = self.error(no.status, no.code, no.message)
        except Refused as no:
            reply = self.error(*self.REFUSALS[no.kind], no.message)
        call.status = reply.status
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        return reply

    def _understand(self, call):
        call.action, call.params = self.parse(call.request)
        if call.action in self.UNSIGNED_ACTIONS:
            return
        with self.cloud.lock:
            key, call.region = check(call.request, self.SERVICE, self.cloud.regions, self.cloud.keys, self.cloud.now())
        call.key_id, call.account, call.fleet = key.id, key.account, self.cloud.fleet
        call.arn = key.arn

    def _with_faults(self, call, faults):
        reply = None
        for fault in faults:
            reply = reply or fault.before(call)
        reply = reply or self.carry_out(call)
        if reply.date is None:
            reply.date = self.cloud.now()
        for fault in faults:
            reply = fault.after(call, reply)
        return reply

    def reply(self, status, body, content_type, **headers):
        text = body if isinstance(body, bytes) else body.encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        made = Reply(status, text, {"Content-Type": content_type, **names})
        made.date = self.cloud.now()
        return made


def request_id():
    return str(uuid.uuid4())


def element(name, value):
    """<name>value</name>, with the value's text escaped; nothing for None."""
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"
