# SPDX-License-Identifier: Apache-2.0
"""Judges the signature of a request as AWS does (Signature Version 4 in the Authorization header), written from its
documentation and from nothing of ours: headers, scope, time, key, token, signature, in this order."""

import calendar
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote

WINDOW_SECONDS = 300
ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Refused(Exception):
    """`kind` is one of missing, incomplete, skew, scope, key, expired, signature: each service has its own word."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical_path(path):
    kept = []
    for part in path.split("/"):
        if part == "..":
            kept[-1:] = []
        elif part not in ("", "."):
            kept.append(part)
    text = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(text, safe="/-_.~")


def _canonical_query(query):
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join("=".join(pair) for pair in sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, _, value in pairs))


def _canonical_request(request, signed):
    values = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(re.sub(r"[ \t]+", " ", value.strip()))
    absent = [name for name in signed if name not in values]
    if absent:
        raise Refused("incomplete", f"signed, but not sent: {absent}")
    path, _, query = request.target.partition("?")
    headers = "".join(f"{name}:{','.join(values[name])}\n" for name in signed)
    payload = request.header("x-amz-content-sha256", _sha256(request.body))
    if payload != _sha256(request.body):
        raise Refused("signature", "x-amz-content-sha256 is not the hash of the body")
    return "\n".join([request.method, _canonical_path(path), _canonical_query(query), headers, ";".join(signed), payload])


def signature(secret, date, region, service, moment, canonical):
    scope = f"{date}/{region}/{service}/aws4_request"
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = _hmac(key, part)
    return _hmac(key, "\n".join([ALGORITHM, moment, scope, _sha256(canonical.encode())])).hex()


def _parse(text):
    algorithm, _, rest = text.partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        raise Refused("incomplete", f"no good Authorization header: {text[:60]}")
    scope = parts["Credential"].split("/")
    if len(scope) != 5:
        raise Refused("incomplete", "the credential has not five parts")
    return scope, parts["SignedHeaders"].split(";"), parts["Signature"]


def _check_headers(request, signed):
    wanted = {"host", "x-amz-date"} | {name for name, _ in request.headers
                                        if name in ("x-amz-target", "x-amz-security-token")}
    if not wanted <= set(signed):
        raise Refused("incomplete", f"must be signed: {sorted(wanted - set(signed))}")
    if signed != sorted(set(signed)):
        raise Refused("incomplete", f"the signed headers are not sorted: {signed}")


def _check_time(request, now):
    moment = request.header("x-amz-date", "")
    try:
        sent = calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("incomplete", f"no date: {moment!r}") from None
    if abs(sent - now) > WINDOW_SECONDS:
        raise Refused("skew", f"signed at {moment}, it is {time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}")
    return moment


def check(request, service, regions, keys, now):
    """(key, region) of a request that is signed as it must be; else raises Refused. `keys` maps ids to objects with
    `secret`, `token` (None: no session) and `expires` (None: never)."""
    text = request.header("authorization")
    if text is None:
        raise Refused("missing", "Request is missing Authentication Token")
    (key_id, date, region, scope_service, terminator), signed, told = _parse(text)
    _check_headers(request, signed)
    moment = _check_time(request, now)
    if (scope_service, terminator, date) != (service, "aws4_request", moment[:8]) or region not in regions:
        raise Refused("scope", f"scope {date}/{region}/{scope_service}/{terminator} is not good at {service}")
    key = keys.get(key_id)
    if key is None or request.header("x-amz-security-token") != key.token:
        raise Refused("key", "The security token included in the request is invalid.")
    if key.expires is not None and now >= key.expires:
        raise Refused("expired", "The security token included in the request is expired")
    canonical = _canonical_request(request, signed)
    if not hmac.compare_digest(told, signature(key.secret, date, region, service, moment, canonical)):
        raise Refused("signature", "The request signature we calculated does not match: " + canonical)
    return key, region
