# SPDX-License-Identifier: Apache-2.0
"""Judges one recorded exchange by the shapes of the API (tests/data/cloud-map-api.json): known members only, right
types, bounds, patterns and enums, no nulls, nothing missing that clients rely on, only declared errors."""

import json
import re

from support.daemon import ROOT

API = json.loads((ROOT / "tests" / "data" / "cloud-map-api.json").read_text(encoding="utf-8"))
OPERATIONS, SHAPES = API["operations"], API["shapes"]

# What AWS may answer to any call though no operation declares it, and the status that goes with it.
COMMON_ERRORS = {
    "AccessDeniedException": 400, "ExpiredTokenException": 400, "IncompleteSignatureException": 400,
    "InvalidSignatureException": 400, "MissingAuthenticationTokenException": 400, "SerializationException": 400,
    "ServiceUnavailable": 503, "ThrottlingException": 400, "UnknownOperationException": 400,
    "UnrecognizedClientException": 400,
}

# Members that the model leaves optional and clients rely on. NextToken alone may be absent from an output.
ALWAYS = {
    "Namespace": {"Id", "Arn", "ResourceOwner", "Name", "Type", "Properties", "CreateDate", "CreatorRequestId"},
    "NamespaceSummary": {"Id", "Arn", "ResourceOwner", "Name", "Type", "Properties", "CreateDate"},
    "NamespaceProperties": {"DnsProperties", "HttpProperties"},
    "HttpProperties": {"HttpName"},
    "Service": {"Id", "Arn", "ResourceOwner", "Name", "NamespaceId", "Type", "DnsConfig", "CreateDate",
                "CreatorRequestId", "CreatedByAccount"},
    "ServiceSummary": {"Id", "Arn", "ResourceOwner", "Name", "Type", "DnsConfig", "CreateDate", "CreatedByAccount"},
    "HealthCheckCustomConfig": {"FailureThreshold"},
    "ServiceAttributes": {"ServiceArn", "ResourceOwner", "Attributes"},
    "Instance": {"Id", "Attributes", "CreatedByAccount"},
    "InstanceSummary": {"Id", "Attributes", "CreatedByAccount"},
    "HttpInstanceSummary": {"InstanceId", "NamespaceName", "ServiceName", "HealthStatus", "Attributes"},
    "Operation": {"Id", "OwnerAccount", "Type", "Status", "CreateDate", "UpdateDate", "Targets"},
    "OperationSummary": {"Id", "Status"},
    "DuplicateRequest": {"Message", "DuplicateOperationId"},
    "NamespaceAlreadyExists": {"Message", "NamespaceId", "CreatorRequestId"},
    "ServiceAlreadyExists": {"Message", "ServiceId", "ServiceArn", "CreatorRequestId"},
}

# AWS itself breaks its model here: an HTTP service's DnsConfig is {}, and a service may have no attributes.
MAY_BE_EMPTY = {"DnsConfig", "ServiceAttributesMap"}

TIMESTAMP = re.compile(r"[0-9]+(\.[0-9]{1,3})?")
# JSON Schema's spelling of the patterns is Python's but for one thing: `$` must not match before a final newline.
_PATTERNS = {name: re.compile(shape["pattern"].replace("$", r"\Z"), re.ASCII)
             for name, shape in SHAPES.items() if "pattern" in shape}


class _Number(str):
    """A number with a fraction, kept as it was written."""


class Fault(Exception):
    pass


def parse(text):
    """JSON as the wire must carry it: no duplicate members; fractions and exponents are kept as text."""
    def members(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Fault(f"a member twice in {[name for name, _ in pairs]}")
        return found
    return json.loads(text, object_pairs_hook=members, parse_float=_Number)


def check(name, value, path):
    """Raises Fault unless the value has the shape."""
    shape = SHAPES[name]
    _KINDS[shape["type"]](name, shape, value, path)


def _need(truth, path, *words):
    if not truth:
        raise Fault(f"{path}: " + " ".join(str(word) for word in words))


def _bounds(shape, size, path):
    _need(size >= shape.get("min", size) and size <= shape.get("max", size), path, size, "out of bounds")


def _string(name, shape, value, path):
    _need(isinstance(value, str) and not isinstance(value, _Number), path, "no string:", repr(value))
    _bounds(shape, len(value), path)
    _need(value in shape.get("enum", [value]), path, value, "not in", shape.get("enum"))
    _need(name not in _PATTERNS or _PATTERNS[name].search(value), path, repr(value), "does not match", name)


def _integer(_name, shape, value, path):
    _need(isinstance(value, int) and not isinstance(value, bool), path, "no integer:", repr(value))
    _bounds(shape, value, path)


def _timestamp(_name, _shape, value, path):
    _need(isinstance(value, (int, _Number)) and TIMESTAMP.fullmatch(str(value)), path, "no timestamp:", repr(value))


def _list(name, shape, value, path):
    _need(isinstance(value, list), path, "no list:", repr(value))
    _bounds(shape, len(value), path)
    for i, item in enumerate(value):
        check(shape["member"], item, f"{path}[{i}]")


def _map(name, shape, value, path):
    _need(isinstance(value, dict), path, "no map:", repr(value))
    if value or name not in MAY_BE_EMPTY:
        _bounds(shape, len(value), path)
    for key, item in value.items():
        check(shape["key"], key, f"{path} key")
        check(shape["value"], item, f"{path}.{key}")


def _structure(name, shape, value, path):
    _need(isinstance(value, dict), path, "no object:", repr(value))
    _need(value.keys() <= shape["members"].keys(), path, "unknown members", value.keys() - shape["members"].keys())
    if value or name not in MAY_BE_EMPTY:
        needed = set(shape.get("required", ())) | ALWAYS.get(name, set())
        if name.endswith("Response"):
            needed |= shape["members"].keys() - {"NextToken"}
        _need(needed <= value.keys(), path, "missing", needed - value.keys())
    for key, item in value.items():
        _need(item is not None, f"{path}.{key}", "is null")
        check(shape["members"][key]["shape"], item, f"{path}.{key}")


_KINDS = {"string": _string, "integer": _integer, "long": _integer, "timestamp": _timestamp, "list": _list, "map": _map,
          "structure": _structure}


def _check_error(op, status, text):
    body = parse(text)
    _need(isinstance(body, dict) and isinstance(body.get("__type"), str), op, "no error body:", text[:200])
    code = body.pop("__type")
    if code in COMMON_ERRORS:
        _need(status == COMMON_ERRORS[code], code, "with status", status)
        _need(body.keys() <= {"message"}, code, "with", body.keys())
        return code
    _need(op in OPERATIONS, op, "is no operation, the answer must not be", code)
    _need(code in OPERATIONS[op]["errors"], code, "is not declared by", op)
    _need(status == 400, code, "with status", status)
    _need("Message" in body, code, "without Message")
    check(code, body, code)
    return code


def judge(op, status, text):
    """Raises Fault unless the answer is one that the operation may give; returns its error code, None for success."""
    if status != 200:
        return _check_error(op, status, text)
    _need(op in OPERATIONS, op, "is no operation and was answered with success")
    output = OPERATIONS[op].get("output")
    if output is None:
        _need(text == "", op, "must have an empty body, not", repr(text[:200]))
    else:
        check(output, parse(text), op)
    return None
