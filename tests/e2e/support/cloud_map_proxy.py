# SPDX-License-Identifier: Apache-2.0
"""Stands between a client and the real cloudmapd: checks signatures as AWS does, passes the call on unchanged, records
it, and breaks on command as the doubles do."""

import http.client
import json
import threading

from support.aws_endpoint import Denied, Endpoint
from support.client import CONTENT_TYPE, TARGET
from support.http_double import Reply

MUTATING = {"RegisterInstance", "DeregisterInstance", "UpdateInstanceCustomHealthStatus", "CreateService",
            "UpdateService", "DeleteService", "DeleteNamespace", "CreateHttpNamespace", "TagResource"}


class CloudMapProxy(Endpoint):
    SERVICE = "servicediscovery"
    REFUSALS = {"missing": (400, "MissingAuthenticationTokenException"),
                "incomplete": (400, "IncompleteSignatureException"),
                "skew": (400, "InvalidSignatureException"), "scope": (400, "InvalidSignatureException"),
                "key": (400, "UnrecognizedClientException"), "expired": (400, "ExpiredTokenException"),
                "signature": (400, "InvalidSignatureException")}
    THROTTLE, BAD_TOKEN = (400, "ThrottlingException"), (400, "InvalidInput")

    def __init__(self, cloud, daemon, recorder=None):
        self.daemon, self.recorder = daemon, recorder
        self._local = threading.local()
        super().__init__(cloud)

    def parse(self, request):
        target = request.header("x-amz-target", "")
        if request.header("content-type") != CONTENT_TYPE or not target.startswith(TARGET):
            raise Denied(400, "UnknownOperationException", target)
        return target.removeprefix(TARGET), json.loads(request.body)

    def error(self, status, code, message):
        if code is None:
            return self.reply(status, "", CONTENT_TYPE)
        name = "Message" if code in ("InvalidInput", "InstanceNotFound", "ServiceNotFound") else "message"
        return self.reply(status, json.dumps({"__type": code, name: message}), CONTENT_TYPE, x_amzn_ErrorType=code)

    def carry_out(self, call):
        """The daemon's word. Faults may have changed the parameters (a repeated page)."""
        body = call.request.body
        if call.repeats_first_page or call.params != json.loads(body):
            body = json.dumps({k: v for k, v in call.params.items() if k != "NextToken"}).encode()
        headers = {k: v for k, v in call.request.headers if k not in ("content-length", "expect", "connection")}
        answer = self._pass_on(body, headers)
        if self.recorder:
            self.recorder.exchange("cloud-unmap", call.action, body, answer.status, answer.body)
        return answer

    def _pass_on(self, body, headers):
        place = (self.daemon.host, self.daemon.port)
        connection = getattr(self._local, "connection", None)
        if connection is None or (connection.host, connection.port) != place:
            connection = self._local.connection = http.client.HTTPConnection(*place, timeout=60)
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            text = response.read()
        except BaseException:
            connection.close()
            self._local.connection = None
            raise
        kept = {name: value for name, value in response.getheaders()
                if name.lower() not in ("content-length", "connection", "date")}
        return Reply(response.status, text, kept)

    def mutations(self):
        """The calls that change the registry, in their order."""
        return [one for one in self.called() if one.action in MUTATING]

    @staticmethod
    def with_token(body, token):
        return json.dumps(json.loads(body) | {"NextToken": token}).encode()
