# SPDX-License-Identifier: Apache-2.0
"""The endpoints that give credentials on a machine: containers (ECS, EKS Pod Identity) and instance metadata, which
wants a session token (IMDSv2)."""

import json
import secrets
import time

from support.aws_endpoint import Endpoint

CONTAINER_PATH, ROLE = "/v2/credentials/test", "test-role"
TOKEN_SECONDS_MAX = 21600


def _when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class CredentialsDouble(Endpoint):
    """Unsigned; actions are container, token, role, credentials, region. A fault may be tied to one of them."""

    SERVICE, BAD_TOKEN = "credentials", None
    THROTTLE = (429, "TooManyRequests")
    ACTIONS = {"/latest/api/token": "token", "/latest/meta-data/iam/security-credentials": "role",
               f"/latest/meta-data/iam/security-credentials/{ROLE}": "credentials",
               "/latest/meta-data/placement/region": "region",
               "/latest/meta-data/instance-id": "instance-id", CONTAINER_PATH: "container"}

    def __init__(self, cloud, region="us-east-1", seconds=6 * 3600):
        self.region, self.seconds = region, seconds
        self.authorization = None  # what a container must send; None: nothing
        self.instance_id = "i-0123456789abcdef0"
        self._sessions = {}
        super().__init__(cloud)

    def parse(self, request):
        path = request.target.partition("?")[0]
        return self.ACTIONS.get(path.rstrip("/")), dict(request.headers)

    def _understand(self, call):
        call.action, call.params = self.parse(call.request)

    def error(self, status, code, message):
        return self.reply(status, json.dumps({"Code": code, "Message": message}), "application/json")

    def carry_out(self, call):
        if call.action == "container":
            return self._container(call.request)
        if call.action == "token":
            return self._session(call.request)
        expires = self._sessions.get(call.request.header("x-aws-ec2-metadata-token"), 0)
        if call.request.method != "GET" or time.time() > expires:
            return self.error(401, "Unauthorized", "no session token")
        if call.action == "role":
            return self.reply(200, ROLE, "text/plain")
        if call.action == "credentials":
            return self.reply(200, self._credentials(Code="Success", Type="AWS-HMAC"), "text/plain")
        if call.action == "region":
            return self.reply(200, self.region, "text/plain")
        if call.action == "instance-id":
            return self.reply(200, self.instance_id, "text/plain")
        return self.error(404, "NotFound", "no such path")

    def _container(self, request):
        if request.method != "GET" or request.header("authorization") != self.authorization:
            return self.error(403, "AccessDenied", "wrong authorization")
        return self.reply(200, self._credentials(), "application/json")

    def _session(self, request):
        seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds", "")
        if request.method != "PUT" or request.header("x-forwarded-for"):
            return self.error(403, "Forbidden", "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= TOKEN_SECONDS_MAX:
            return self.error(400, "BadRequest", "no time to live")
        token = secrets.token_urlsafe(40)
        self._sessions[token] = time.time() + int(seconds)
        return self.reply(200, token, "text/plain", X_Aws_Ec2_Metadata_Token_Ttl_Seconds=seconds)

    def _credentials(self, **members):
        key = self.cloud.add_key(seconds=self.seconds)
        return json.dumps(members | {
            "AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": key.token,
            "LastUpdated": _when(self.cloud.now()), "Expiration": _when(key.expires)})
