# SPDX-License-Identifier: Apache-2.0
"""Signatures verified: what the public vectors say, carried over to calls of Cloud Map, and everything that can be
changed in a signed request on its way."""

import itertools
import json
import re
import time
from pathlib import Path

import pytest

from support.client import CONTENT_TYPE, TARGET
from support.signing import Credentials, Line, Request, read_request_file, sign_header, sign_query, stamp

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "testdata" / "sigv4"
# Of the public vectors, for machines that do not have them.
SPELLINGS = [("", [("My-Header1", "value2"), ("My-Header1", "value1")]), ("", [("My-Header2", '"a   b   c"')]),
             ("Param2=value2&Param1=value1", []), ("Param1", []), ("", [("My-Header1", "VALUE1")]),
             ("%20=%26&-._~09AZaz=x", [])]

MISSING, INCOMPLETE, INVALID, UNKNOWN = (
    "MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException",
    "UnrecognizedClientException")


def spellings():
    """Queries and further headers of the vectors, as far as a `POST /` can carry them."""
    found = []
    for path in sorted(VECTORS.glob("*/request.txt")):
        query, headers = read_request_file(path.read_text(encoding="utf-8"))
        kept = [pair for pair in headers if re.match(r"(?i)my-|p$|zoo$|x-amz-meta", pair[0])]
        query = query if re.fullmatch(r"[!-~]*", query) else ""
        if (query, kept) not in found:
            found.append((query, kept))
    return found + [one for one in SPELLINGS if one not in found]


def call(daemon, query="", headers=(), op="ListNamespaces", body=b'{"MaxResults": 7}'):
    """Not signed yet."""
    return Request("POST", "/" + (f"?{query}" if query else ""), [
        ("Host", f"127.0.0.1:{daemon.port}"), ("Content-Type", CONTENT_TYPE), ("X-Amz-Target", TARGET + op),
        *headers], body)


def code_of(answer):
    status, headers, body = answer
    if status == 200:
        return None
    told = json.loads(body)
    assert status == 400 and headers["x-amzn-ErrorType"] == told["__type"] and headers["Date"], answer
    assert set(told) == {"__type", "message"} and headers["x-amzn-RequestId"], told
    return told["__type"]


# --- what can be changed ---------------------------------------------------------------------------------------------

def flip(text, at=-1):
    """Another character for the one there, of the same kind."""
    other = {"0": "1", "9": "8", "z": "y", "Z": "Y", "a": "b", "A": "B"}.get(text[at], None) or chr(ord(text[at]) ^ 1)
    at %= len(text)
    return text[:at] + other + text[at + 1:]


def in_carrier(request, old, new):
    """Where the signature stands: the Authorization header or the query."""
    if request.value("Authorization"):
        text = request.value("Authorization")
        assert old in text, (old, text)
        return request.with_header("Authorization", text.replace(old, new, 1))
    assert old in request.target, (old, request.target)
    return request.copy(target=request.target.replace(old, new, 1))


def changes_of_headers(request):
    signed = [name for name, _ in request.headers if name not in ("Authorization", "X-Amz-Target", "Host")]
    for name in dict.fromkeys(signed):
        value = request.value(name)
        if name == "X-Amz-Date":
            yield "date, a second later", request.with_header(name, stamp(time.time() + 1)), None
            yield "no date", request.without_header(name), INCOMPLETE
            yield "half a date", request.with_header(name, value[:-1]), INCOMPLETE
        elif name == "Content-Type":
            yield "content type", request.with_header(name, value + "; x=y"), INVALID
        else:
            yield f"{name} changed", request.with_header(name, flip(value.rstrip('"'))), INVALID
            yield f"{name} in capitals", request.with_header(name, value.swapcase()), INVALID
            yield f"no {name}", request.without_header(name), INCOMPLETE
        if name not in ("X-Amz-Date", "X-Amz-Security-Token"):
            yield f"{name} twice", request.copy(headers=request.headers + [(name, value)]), INVALID
    yield "another operation", request.with_header("X-Amz-Target", TARGET + "ListServices"), INVALID
    yield "another host", request.with_header("Host", "data-" + request.value("Host")), INVALID
    yield "host in capitals", request.with_header("Host", "LOCALHOST"), INVALID


def changes_of_query(request):
    path, _, query = request.target.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith("X-Amz-")]
    rest = [pair for pair in query.split("&") if pair.startswith("X-Amz-")]
    target = lambda changed: request.copy(target=path + "?" + "&".join([*changed, *rest]))
    for i, pair in enumerate(pairs):
        yield "parameter dropped", target(pairs[:i] + pairs[i + 1:]), INVALID
        yield "parameter twice", target(pairs + [pair]), INVALID
        yield "parameter changed", target(pairs[:i] + [pair + "0"] + pairs[i + 1:]), INVALID
    yield "one more parameter", target(pairs + ["added"]), INVALID


def changes_of_body(request):
    body = request.body
    yield "a bit of the body", request.copy(body=body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]), INVALID
    yield "a longer body", request.copy(body=body + b" "), INVALID
    yield "no body", request.copy(body=b""), INVALID
    yield "the body's hash", request.with_header("X-Amz-Content-Sha256", "0" * 64), INVALID
    yield "no hash", request.with_header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), INCOMPLETE


def changes_of_scope(request, credentials):
    header = request.value("Authorization") is not None
    slash = "/" if header else "%2F"
    carrier = request.value("Authorization") or request.target
    day = re.search(r"/(\d{8})/|%2F(\d{8})%2F", carrier)
    day = day[1] or day[2]
    for old, new, code in [
            (f"{slash}{day}{slash}", f"{slash}{int(day) + 1}{slash}", INVALID),
            (f"{slash}us-east-1{slash}", f"{slash}us-east-2{slash}", INVALID),
            (f"{slash}us-east-1{slash}", f"{slash}US-EAST-1{slash}", INVALID),
            (f"{slash}us-east-1{slash}", f"{slash}{slash}", INVALID),
            (f"{slash}servicediscovery{slash}", f"{slash}sts{slash}", INVALID),
            (f"{slash}aws4_request", f"{slash}aws4_reques", INVALID),
            (f"{slash}aws4_request", "", INCOMPLETE),
            (f"{slash}aws4_request", f"{slash}aws4_request{slash}", INCOMPLETE),
            (credentials.key, flip(credentials.key), UNKNOWN),
            (credentials.key, "", INCOMPLETE),
            ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512", INCOMPLETE),
            ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", INCOMPLETE)]:
        yield f"{old} to {new}", in_carrier(request, old, new), code


def changes_of_signature(request):
    signature = re.search("[0-9a-f]{64}", request.value("Authorization") or request.target)[0]
    for at in range(0, 64, 7):
        yield f"digit {at}", in_carrier(request, signature, flip(signature, at)), INVALID
    for other in (signature.upper() if signature.upper() != signature else "0" * 64, signature[:-1], signature + "0"):
        yield "another form", in_carrier(request, signature, other), INVALID
    yield "none", in_carrier(request, signature, ""), INCOMPLETE


def changes_of_list(request):
    header = request.value("Authorization") is not None
    join = ";" if header else "%3B"
    text = re.search(r"SignedHeaders=([^,&]*)", request.value("Authorization") or request.target)[1]
    names = text.split(join)
    for i, name in enumerate(names):
        yield f"{name} unsigned", in_carrier(request, text, join.join(names[:i] + names[i + 1:])), INVALID
        yield f"{name} in capitals", in_carrier(request, text, join.join([*names[:i], name.title(), *names[i + 1:]])), INVALID
    yield "reversed", in_carrier(request, text, join.join(names[::-1])), INVALID
    yield "one twice", in_carrier(request, text, join.join([*names, names[-1]])), INVALID
    yield "one that is not there", in_carrier(request, text, join.join([*names, "zzz"])), INCOMPLETE
    yield "none", in_carrier(request, text, ""), INCOMPLETE


def changes_of_form(request, other):
    if request.value("Authorization"):
        yield "no form", request.without_header("Authorization"), MISSING
        yield "two headers", request.copy(
            headers=request.headers + [("authorization", request.value("Authorization"))]), INCOMPLETE
        yield "a scheme of others", request.with_header("Authorization", "Bearer " + "0" * 64), MISSING
    else:
        yield "no form", request.copy(target="/"), MISSING
        for name in ("Credential", "Date", "Expires", "SignedHeaders"):
            dropped = re.sub(rf"&?X-Amz-{name}=[^&]*", "", request.target)
            yield f"no {name}", request.copy(target=dropped), INCOMPLETE
        for expires in ("61", "59"):
            yield "expires", in_carrier(request, "Expires=60", f"Expires={expires}"), INVALID
        for expires in ("0", "604801", "x", "-1"):
            yield "expires", in_carrier(request, "Expires=60", f"Expires={expires}"), INCOMPLETE
    yield "both forms", request.copy(target=other.target).with_header(
        "Authorization", request.value("Authorization") or other.value("Authorization")) \
        if request.value("Authorization") else request.with_header("Authorization", other.value("Authorization")), INVALID


def changes_of_token(request, credentials):
    if credentials.token and request.value("Authorization"):
        yield "token twice", request.copy(
            headers=request.headers + [("X-Amz-Security-Token", credentials.token)]), INCOMPLETE
    if credentials.token:
        changed = flip(credentials.token, -8)
        moved = request.with_header("X-Amz-Security-Token", changed) if request.value("Authorization") else \
            request.copy(target=re.sub("Security-Token=[^&]*", "Security-Token=x", request.target))
        yield "another token", moved, UNKNOWN


def changes(request, other, credentials):
    return itertools.chain(
        changes_of_headers(request), changes_of_query(request), changes_of_body(request),
        changes_of_scope(request, credentials), changes_of_signature(request), changes_of_list(request),
        changes_of_form(request, other), changes_of_token(request, credentials))


# --- tests -----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def line(signed_daemon):
    line = Line(signed_daemon)
    yield line
    line.close()


def test_every_change_is_refused(signed_daemon, line, root):
    """Each spelling of the public vectors in both forms: accepted as signed, refused with anything changed."""
    refused = 0
    for query, headers in spellings():
        plain = call(signed_daemon, query, headers)
        forms = [sign_header(plain, root), sign_query(plain, root)]
        for request, other in (forms, forms[::-1]):
            assert code_of(line.send(request)) is None, (request.target, request.headers)
            for what, changed, code in changes(request, other, root):
                got = code_of(line.send(changed))
                assert got is not None and got == (code or got), (what, got, code, changed.target, changed.headers)
                refused += 1
    assert refused >= 700
    assert not signed_daemon.events("request_failed")


def test_what_may_change(signed_daemon, line, root):
    """Nothing of this is part of the canonical request."""
    request = sign_header(call(signed_daemon, "b=2&a=1&a=0", [("X-One", "a  b")]), root)
    for same in [
            request.with_header("User-Agent", "other"),
            request.copy(target="/?a=0&a=1&b=2"),
            request.copy(target="/?%61=0&a=1&b=%32&"),
            request.with_header("X-One", "a \t b"),
            request.copy(headers=request.headers[::-1]),
            request.copy(headers=[(name.swapcase(), value) for name, value in request.headers]),
            request.copy(target=f"http://{request.value('Host')}/?b=2&a=1&a=0"),
            request.with_header("Authorization", request.value("Authorization").replace(", ", ","))]:
        assert code_of(line.send(same)) is None, (same.target, same.headers)


def test_the_window(signed_daemon, line, root):
    plain, now = call(signed_daemon), time.time()
    for late in (-295, 0, 295):
        assert code_of(line.send(sign_header(plain, root, now + late))) is None
    for late, words in ((-310, "Signature expired: "), (310, "Signature not yet current: ")):
        status, _, body = line.send(sign_header(plain, root, now + late))
        told = json.loads(body)
        assert (status, told["__type"]) == (400, INVALID) and told["message"].startswith(words + stamp(now + late))
        assert told["message"].endswith(" 5 min.)")
    assert code_of(line.send(sign_query(plain, root, now - 3000, expires=3600))) is None
    for when, expires in ((now - 3000, 2900), (now + 310, 3600)):
        assert code_of(line.send(sign_query(plain, root, when, expires))) == INVALID


def test_the_secret(signed_daemon, line, root):
    plain = call(signed_daemon)
    assert code_of(line.send(sign_header(plain, Credentials(root.key, root.secret + "x")))) == INVALID
    assert code_of(line.send(sign_header(plain, Credentials(root.key + "X", root.secret)))) == UNKNOWN
    assert code_of(line.send(sign_header(plain, Credentials(root.key, root.secret, "token")))) == UNKNOWN
    assert code_of(line.send(sign_header(plain, root, service="sts"))) == INVALID


def test_strangers_do_not_reach_the_reader(signed_daemon, line, root):
    """A body that no reader takes: with a signature it is malformed, without one it is not looked at."""
    for body in (b"{", b"[" * 10000, b'{"a":1,"a":2}', b"\xff"):
        plain = call(signed_daemon, body=body)
        assert code_of(line.send(plain)) == MISSING
        assert code_of(line.send(sign_header(plain, Credentials(root.key, "x" * 40)))) == INVALID
        assert code_of(line.send(sign_header(plain, root))) == "SerializationException"


def test_regions_are_those_of_the_scope(start_daemon, root):
    """Of api.region and those that api.regions lists; others are refused in AWS's words."""
    daemon = start_daemon({"auth.mode": "required", "api.region": "eu-west-1", "api.regions": "us-gov-west-1, us-east-2"},
                          env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key, "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})
    line = Line(daemon)
    for region in ("eu-west-1", "us-gov-west-1"):
        status, _, body = line.send(sign_header(
            call(daemon, op="CreateHttpNamespace", body=json.dumps({"Name": region}).encode()), root, region=region))
        assert status == 200, body
        _, _, body = line.send(sign_header(call(daemon, body=b""), root, region=region))
        assert [one["Name"] for one in json.loads(body)["Namespaces"]] == [region]
    for sign in (sign_header, sign_query):
        answer = line.send(sign(call(daemon), root, region="us-east-1"))
        assert code_of(answer) == INVALID
        assert json.loads(answer[2])["message"] == "Credential should be scoped to a valid region, not 'us-east-1'."
    line.close()


def test_what_is_in_a_region_not_served_is_told(start_daemon, root):
    scope = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/servicediscovery/aws4_request, "
                              "SignedHeaders=host, Signature=00"}
    daemon = start_daemon({"auth.mode": "open"}, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key,
                                                      "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})
    for headers in ({}, scope):
        assert daemon.api.send("CreateHttpNamespace", {"Name": "shop"}, headers).status == 200
    assert not daemon.events("region_not_served")
    daemon.restart({"auth.mode": "required"})
    assert [event["region"] for event in daemon.events("region_not_served")] == ["eu-west-1"]
    daemon.restart({"auth.mode": "required", "api.regions": "eu-west-1"})
    assert len(daemon.events("region_not_served")) == 1, "told again"


def test_regions_of_an_open_daemon(start_daemon):
    """Any, unless some are listed."""
    scope = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/servicediscovery/aws4_request, "
                              "SignedHeaders=host, Signature=00"}
    assert start_daemon().api.send("ListNamespaces", {}, scope).status == 200
    listed = start_daemon({"api.regions": "us-west-2"}).api
    assert listed.send("ListNamespaces", {}).status == 200
    assert listed.send("ListNamespaces", {}, scope).code == INVALID


def test_what_is_open_without_a_signature(signed_daemon):
    api = signed_daemon.api
    assert api.http("GET", "/healthz").status == api.http("GET", "/readyz").status == 200
    assert api.http("GET", "/metrics").status == 200
    assert api.http("GET", "/").status == 405


@pytest.mark.parametrize("settings, names", [
    ({}, True), ({"metrics.names": "off"}, False), ({"auth.mode": "required"}, False),
    ({"auth.mode": "required", "metrics.names": "on"}, True)])
def test_metrics_name_services_where_all_may_read_them(start_daemon, root, settings, names):
    daemon = start_daemon(settings, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key,
                                         "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret} if "auth.mode" in settings else {})
    line = Line(daemon)
    send = lambda op, body: line.send(sign_header(call(daemon, op=op, body=json.dumps(body).encode()), root))
    operation = json.loads(send("CreateHttpNamespace", {"Name": "quiet-shop"})[2])["OperationId"]
    told = json.loads(send("GetOperation", {"OperationId": operation})[2])
    status, _, body = send("CreateService", {"NamespaceId": told["Operation"]["Targets"]["NAMESPACE"], "Name": "cart",
                                             "HealthCheckConfig": {"Type": "TCP"}})
    assert status == 200, body
    line.close()
    text = daemon.api.http("GET", "/metrics").body.decode()
    assert '\ncloudmap_resources{kind="service"} 1\n' in text
    assert ("quiet-shop" in text, "srv-" in text) == (names, names)


def test_refusals_are_logged_at_a_rate(signed_daemon, line, root):
    """A few lines a second, with the number of those that were left out before."""
    old, sent = len(signed_daemon.events("auth_refused")), 0
    deadline = time.monotonic() + 20
    while not any(event["not_logged"] > 50 for event in signed_daemon.events("auth_refused")[old:]):
        assert time.monotonic() < deadline
        for _ in range(100):
            line.send(call(signed_daemon))
            line.send(sign_header(call(signed_daemon), Credentials("AKIA<>" + "X" * 200, "x")))
            sent += 2
    events = signed_daemon.events("auth_refused")[old:]
    assert len(events) < sent / 4
    assert {event["code"] for event in events} <= {MISSING, UNKNOWN}
    assert root.secret not in "\n".join(signed_daemon.stderr_lines)
