# SPDX-License-Identifier: Apache-2.0
"""STS (Query in, XML out): GetCallerIdentity, AssumeRole, and AssumeRoleWithWebIdentity, which alone is unsigned."""

import re
import time
from urllib.parse import parse_qsl

from support.aws_endpoint import Denied, Endpoint, element, request_id

VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
KNOWN = {
    "GetCallerIdentity": set(),
    "AssumeRole": {"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds"},
    "AssumeRoleWithWebIdentity": {"RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds"},
}


class StsDouble(Endpoint):
    SERVICE = "sts"
    UNSIGNED_ACTIONS = ("AssumeRoleWithWebIdentity",)
    REFUSALS = {"missing": (403, "MissingAuthenticationToken"), "incomplete": (403, "IncompleteSignature"),
                "skew": (403, "SignatureDoesNotMatch"), "scope": (403, "SignatureDoesNotMatch"),
                "key": (403, "InvalidClientTokenId"), "expired": (403, "ExpiredToken"),
                "signature": (403, "SignatureDoesNotMatch")}
    THROTTLE, BAD_TOKEN = (400, "Throttling"), None

    def __init__(self, cloud):
        self.session_seconds = None  # sessions end after so long, whatever was asked for
        self.web_tokens = set()      # those that the identity provider gave
        super().__init__(cloud)

    def parse(self, request):
        params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        action = params.get("Action")
        if action not in KNOWN or params.get("Version") != VERSION:
            raise Denied(400, "InvalidAction", f"Could not find operation {action}")
        return action, params

    def error(self, status, code, message):
        text = "" if code is None else (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type>' + element("Code", code)
            + element("Message", message) + "</Error>" + element("RequestId", request_id()) + "</ErrorResponse>")
        return self.reply(status, text, "text/xml")

    def carry_out(self, call):
        unknown = call.params.keys() - KNOWN[call.action] - {"Action", "Version"}
        if unknown:
            raise Denied(400, "ValidationError", f"Unknown parameter {sorted(unknown)[0]}")
        body = {"GetCallerIdentity": self._identity, "AssumeRole": self._assume,
                "AssumeRoleWithWebIdentity": self._assume_by_web}[call.action](call)
        text = (f'<{call.action}Response xmlns="{NAMESPACE}"><{call.action}Result>{body}</{call.action}Result>'
                f"<ResponseMetadata>{element('RequestId', request_id())}</ResponseMetadata></{call.action}Response>")
        return self.reply(200, text, "text/xml")

    @staticmethod
    def _identity(call):
        arn = call.arn.replace("000000000000", call.account)
        return element("Arn", arn) + element("UserId", "AIDATEST") + element("Account", call.account)

    def _assume(self, call):
        account, external_id = self.cloud.roles.get(call.params.get("RoleArn"), (None, None))
        if account is None or external_id != call.params.get("ExternalId"):
            raise Denied(403, "AccessDenied", f"User {call.arn} is not authorized to perform sts:AssumeRole")
        return self._session(call, account)

    def _assume_by_web(self, call):
        if call.params.get("WebIdentityToken") not in self.web_tokens:
            raise Denied(400, "InvalidIdentityToken", "The web identity token is not good.")
        account, _ = self.cloud.roles.get(call.params.get("RoleArn"), (None, None))
        if account is None:
            raise Denied(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return self._session(call, account)

    def _session(self, call, account):
        name, asked = call.params.get("RoleSessionName", ""), call.params.get("DurationSeconds", "3600")
        if not SESSION_NAME.fullmatch(name):
            raise Denied(400, "ValidationError", f"{name!r} is no session name")
        if not asked.isdigit() or not 900 <= int(asked) <= 43200:
            raise Denied(400, "ValidationError", f"{asked} is no duration")
        role = call.params["RoleArn"].rpartition("/")[2]
        arn = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
        key = self.cloud.add_key(account, arn, self.session_seconds or int(asked))
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.expires))
        return ("<Credentials>" + element("AccessKeyId", key.id) + element("SecretAccessKey", key.secret)
                + element("SessionToken", key.token) + element("Expiration", until) + "</Credentials><AssumedRoleUser>"
                + element("AssumedRoleId", "AROATEST:" + name) + element("Arn", arn) + "</AssumedRoleUser>")
