# SPDX-License-Identifier: Apache-2.0
"""Ways in which a service can break. A fault is given to an endpoint: `ec2.breaks(Cut(100), "DescribeInstances", times=1)`.
`before` sees the call before it is carried out, `after` may change the answer."""

import threading


class Fault:
    """What a fault is tied to is set by `breaks`."""

    def __repr__(self):
        words = ", ".join(str(value)[:24] for value in vars(self).values())
        return f"{type(self).__name__}({words})"

    def before(self, call):
        """A Reply ends the call here; None lets it go on."""

    def after(self, call, reply):
        """The Reply that is sent in its place."""
        return reply


class Status(Fault):
    """Refuses with a status and an error code in the words of the service; `code` None: an empty body."""

    def __init__(self, status, code="InternalError", message="It broke."):
        self.status, self.code, self.message = status, code, message

    def before(self, call):
        return call.endpoint.error(self.status, self.code, self.message)


class Throttle(Fault):
    def before(self, call):
        return call.endpoint.error(*call.endpoint.THROTTLE, "Rate exceeded")


class Cut(Fault):
    """The connection closes behind so many bytes of the body. With a length the client can tell by counting, without
    one the end looks like the end. Negative counts from the end."""

    def __init__(self, at, has_length=True):
        self.at, self.has_length = at, has_length

    def after(self, call, reply):
        reply.cut = self.at if self.at >= 0 else max(0, len(reply.body) + self.at)
        reply.has_length = self.has_length
        return reply


class Shorten(Fault):
    """So many bytes of the body with a length that fits them: only the text itself tells."""

    def __init__(self, at):
        self.at = at

    def after(self, call, reply):
        reply.body = reply.body[:self.at]
        return reply


class CloseInHead(Fault):
    """The connection closes behind so many bytes of the head; 0: before any."""

    def __init__(self, at=0):
        self.at = at

    def after(self, call, reply):
        reply.head_cut = self.at
        return reply


class CloseAfterHead(Fault):
    def after(self, call, reply):
        reply.cut = 0
        return reply


class Hang(Fault):
    """No byte comes before `release`."""

    def __init__(self):
        self.gate, self.reached = threading.Event(), threading.Event()

    def after(self, call, reply):
        reply.gate = self.gate
        self.reached.set()
        return reply

    def release(self):
        self.gate.set()


class Slow(Fault):
    """Few bytes at a time."""

    def __init__(self, step, rest):
        self.pace = (step, rest)

    def after(self, call, reply):
        reply.pace = self.pace
        return reply


class Body(Fault):
    """Another body with the status 200 (or another): nothing, garbage, another root."""

    def __init__(self, body, status=200):
        self.body, self.status = body, status

    def after(self, call, reply):
        reply.body, reply.status = self.body, self.status
        return reply


class Rewrite(Fault):
    """The body as a function of the body."""

    def __init__(self, change):
        self.change = change

    def after(self, call, reply):
        reply.body = self.change(reply.body)
        return reply


class Redirect(Fault):
    def __init__(self, status, to):
        self.status, self.to = status, to

    def after(self, call, reply):
        reply.status, reply.body, reply.headers["Location"] = self.status, b"", self.to
        return reply


class WrongDate(Fault):
    """The answer's Date is wrong by so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds

    def after(self, call, reply):
        reply.date += self.seconds
        return reply


class RepeatToken(Fault):
    """Each page names the same next page, for ever."""

    def __init__(self, token="again"):
        self.token = token

    def before(self, call):
        call.params.pop("NextToken", None)

    def after(self, call, reply):
        reply.body = call.endpoint.with_token(reply.body, self.token)
        return reply


class RepeatPage(Fault):
    """Shows the first page in the place of the page asked for, with that one's own token."""

    def before(self, call):
        call.repeats_first_page = True


class SkipPage(Fault):
    """The page asked for is left out without a word: the next one comes in its place."""

    def before(self, call):
        call.skips_page = True


class LostToken(Fault):
    """The page token leads to nothing."""

    def before(self, call):
        if call.params.get("NextToken"):
            return call.endpoint.error(*call.endpoint.BAD_TOKEN, "The token is not known.")
        return None


class OtherFleet(Fault):
    """Shows another fleet: a snapshot from earlier, or another account's."""

    def __init__(self, fleet, account=None):
        self.fleet, self.account = fleet, account

    def before(self, call):
        call.fleet, call.account = self.fleet, self.account or call.account


class Then(Fault):
    """Tells the test that the call came, and lets it do something at that moment."""

    def __init__(self, act):
        self.act = act

    def before(self, call):
        self.act()
