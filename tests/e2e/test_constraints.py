# SPDX-License-Identifier: Apache-2.0
"""Every constraint of the model, just inside and just outside its bound, through raw HTTP. The tests are generated
from tests/data/cloud-map-api.json: each place in each request (members, list elements, map keys and values) times each
of its constraints. Inside means that nothing is said against that place (NotFound and the like are fine); outside means
InvalidInput that names the place and the constraint; a wrong JSON type means SerializationException."""

import json
import re
from dataclasses import dataclass

import pytest
from support.daemon import ROOT

API = json.loads((ROOT / "tests" / "data" / "cloud-map-api.json").read_text(encoding="utf-8"))
OPERATIONS, SHAPES = API["operations"], API["shapes"]
ABSENT = object()

# Texts just inside and just outside each pattern; the test below holds them against Python's re.
PATTERNS = {
    "AttrKey": (["!", "~", "a", "AWS_INSTANCE_PORT"], ["", " ", "a b", "a\t", "\x7f", "é"]),
    "AttrValue": (["", "!", "~", "a ", "a\tb", "a b"], [" ", " a", "\ta", "a\n", "\x7f", "é"]),
    "InstanceId": (["0", "zZ9_/:.@-"], ["", "a b", "a#", "a,", "a\n", "é"]),
    "NamespaceName": (["!", "~", "arn:a"], ["", "a b", "a\n", "\x7f", "é"]),
    "NamespaceNameHttp": (["!", "~", "arn", "ARN:a", "xarn:"], ["", "arn:", "arn:a", "a b", "é"]),
    "NamespaceNamePrivate": (["local", "arn", "ARN:a", "a.arn:"], ["", "arn:", "arn:a", "a b", "é"]),
    "NamespaceNamePublic": (["a.b", "a-b.c", "9.9", "a" * 63 + ".b"],
                            ["", "a", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b.c", "a" * 64 + ".b", "é.b"]),
    "ServiceName": ([".", "a", "_a", "a_b-c", "_http._tcp", "a" * 63, ".".join(["a" * 63, "b" * 63])],
                    ["", "..", "_", "-a", "a-", "a.", ".a", "a b", "a" * 64,
                     ".".join(["a" * 63, "b" * 62, "c"]) + "d", "é"]),
}
# A text of n characters, where letters alone do not do.
OF_LENGTH = {"NamespaceNamePublic": lambda n: ("a" * 63 + ".") * ((n - 1) // 64) + "a" * ((n - 1) % 64 + 1)}
SAMPLES = {"NamespaceNamePublic": "example.com", "AWSAccountId": "123456789012"}
JSON_TYPES = {"a string": "text", "a number": 7, "a boolean": True, "an array": [], "an object": {}}
EXPECTED = {"string": "a string", "integer": "an integer", "long": "an integer", "list": "an array", "map": "an object",
            "structure": "an object"}


@dataclass(frozen=True)
class Place:
    """A place in a request: `steps` are member names, 0 for the one element of a list, "key" or "value" of a map."""
    op: str
    steps: tuple
    shape: str
    required: bool
    role: str  # member, element, key, value

    def body(self, value):
        return fill(OPERATIONS[self.op]["input"], self.steps, value)

    def path(self, camel):
        """As messages name it. Of a map they name the map; of a value with a wrong type its key too."""
        words = []
        for i, step in enumerate(self.steps):
            last = i == len(self.steps) - 1
            if step == 0:
                words.append("1.member")
            elif last and self.role in ("key", "value"):
                words += [] if camel else ["k"]
            else:
                words.append(step[0].lower() + step[1:] if camel else step)
        return ".".join(words)

    def __str__(self):
        return f"{self.op}-{self.path(True)}" + (f"-{self.role}" if self.role in ("key", "value") else "")


def sample(name):
    """A small value that the model allows."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "string":
        return shape["enum"][0] if "enum" in shape else SAMPLES.get(name, "a")
    if kind in ("integer", "long"):
        return shape.get("min", 1)
    if kind == "list":
        return [sample(shape["member"])]
    if kind == "map":
        return {"k": sample(shape["value"])}
    return {member: sample(shape["members"][member]["shape"]) for member in shape.get("required", ())}


def fill(name, steps, value):
    """A sample of the shape with `value` at the place."""
    if not steps:
        return value
    shape, step, rest = SHAPES[name], steps[0], steps[1:]
    if shape["type"] == "list":
        return [fill(shape["member"], rest, value)]
    if shape["type"] == "map":
        return {value: sample(shape["value"])} if step == "key" else {"k": value}
    whole = sample(name)
    whole[step] = fill(shape["members"][step]["shape"], rest, value)
    if whole[step] is ABSENT:
        del whole[step]
    return whole


def places(op, name, steps=()):
    shape = SHAPES[name]
    if shape["type"] == "structure":
        for member, its in shape["members"].items():
            place = Place(op, steps + (member,), its["shape"], member in shape.get("required", ()), "member")
            yield place
            yield from places(op, its["shape"], place.steps)
    elif shape["type"] == "list":
        place = Place(op, steps + (0,), shape["member"], True, "element")
        yield place
        yield from places(op, place.shape, place.steps)
    elif shape["type"] == "map":
        yield Place(op, steps + ("key",), shape["key"], True, "key")
        yield Place(op, steps + ("value",), shape["value"], True, "value")


PLACES = [place for op in OPERATIONS for place in places(op, OPERATIONS[op]["input"])]


def of_size(name, n):
    """A value of that length, count or number."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "string":
        return OF_LENGTH.get(name, lambda length: "a" * length)(n)
    if kind == "list":
        return [sample(shape["member"])] * n
    if kind == "map":
        return {f"k{i}": sample(shape["value"]) for i in range(n)}
    return n


def bounded(bound):
    """Places whose shape has the bound, with the nearest value outside it (none below 0 characters or entries)."""
    step = 1 if bound == "max" else -1
    for place in PLACES:
        shape = SHAPES[place.shape]
        if bound in shape:
            outside = shape[bound] + step
            may_exist = outside >= 0 or shape["type"] in ("integer", "long")
            yield pytest.param(place, shape[bound], outside if may_exist else None, id=str(place))


def bound_text(place, bound):
    shape = SHAPES[place.shape]
    what = "value" if shape["type"] in ("integer", "long") else "length"
    than = "less" if bound == "max" else "greater"
    return f"Member must have {what} {than} than or equal to {shape[bound]}"


def inside(api, place, value):
    body = place.body(value)
    answer = api.send(place.op, body)
    told = answer.message or ""
    assert answer.status in (200, 400), (body, answer)
    assert answer.code != "SerializationException", (body, answer)
    # A map's message names the map for keys, values and number of entries: here, the one entry is what we sent.
    assert f"at '{place.path(True)}' failed" not in told, (body, answer)


def refused(api, place, value, constraint):
    body = place.body(value)
    answer = api.send(place.op, body)
    assert (answer.status, answer.code) == (400, "InvalidInput"), (body, answer)
    head = re.match(r"([0-9]+) validation error(s?) detected: Value ", answer.message)
    assert head and (head[1] == "1") == (head[2] == ""), answer.message
    where = f" at '{place.path(True)}' failed to satisfy constraint: "
    told = answer.message.split(where)[1:]
    assert told, (body, answer.message)
    start = {"key": "Map keys must satisfy constraint: [",
             "value": "Map value must satisfy constraint: ["}.get(place.role)
    if start:
        assert any(text.startswith(start) and constraint in text.split("]; ")[0] for text in told), answer.message
    else:
        assert any(text.startswith(constraint) for text in told), answer.message


@pytest.mark.parametrize("place, bound, outside", bounded("max"))
def test_max(api, place, bound, outside):
    inside(api, place, of_size(place.shape, bound))
    refused(api, place, of_size(place.shape, outside), bound_text(place, "max"))


@pytest.mark.parametrize("place, bound, outside", bounded("min"))
def test_min(api, place, bound, outside):
    inside(api, place, of_size(place.shape, bound))
    if outside is not None:
        refused(api, place, of_size(place.shape, outside), bound_text(place, "min"))


@pytest.mark.parametrize("place", [p for p in PLACES if SHAPES[p.shape]["type"] == "string" and "max" in SHAPES[p.shape]
                                   and "pattern" not in SHAPES[p.shape]], ids=str)
def test_length_counts_characters(api, place):
    """Not bytes, and not UTF-16 units."""
    most = SHAPES[place.shape]["max"]
    inside(api, place, "\N{GRINNING FACE}" * most)
    refused(api, place, "\N{GRINNING FACE}" * (most + 1), bound_text(place, "max"))


@pytest.mark.parametrize("place", [p for p in PLACES if "pattern" in SHAPES[p.shape]], ids=str)
def test_pattern(api, place):
    within, without = PATTERNS[place.shape]
    for text in within:
        inside(api, place, text)
    for text in without:
        refused(api, place, text, f"Member must satisfy regular expression pattern: {SHAPES[place.shape]['pattern']}")


@pytest.mark.parametrize("place", [p for p in PLACES if "enum" in SHAPES[p.shape]], ids=str)
def test_enum(api, place):
    values = SHAPES[place.shape]["enum"]
    for value in values:
        inside(api, place, value)
    for value in ("", values[0].lower(), values[0] + " ", values[-1] + "S", values[0][:-1]):
        refused(api, place, value, f"Member must satisfy enum value set: [{', '.join(values)}]")


@pytest.mark.parametrize("place", [p for p in PLACES if p.role == "member" and p.required], ids=str)
def test_required(api, place):
    inside(api, place, sample(place.shape))
    refused(api, place, ABSENT, "Member must not be null")
    refused(api, place, None, "Member must not be null")


@pytest.mark.parametrize("place", [p for p in PLACES if p.role == "member" and not p.required], ids=str)
def test_optional(api, place):
    inside(api, place, sample(place.shape))
    inside(api, place, ABSENT)
    inside(api, place, None)


def nearest(place):
    """A null structure in a list lacks its required members: that is what the message says."""
    shape = SHAPES[place.shape]
    if shape["type"] != "structure":
        return place
    member = shape["required"][0]
    return Place(place.op, place.steps + (member,), shape["members"][member]["shape"], True, "member")


@pytest.mark.parametrize("place", [p for p in PLACES if p.role in ("element", "value")], ids=str)
def test_null_within_a_list_or_map(api, place):
    told = nearest(place)
    body = place.body(None)
    answer = api.send(place.op, body)
    assert (answer.status, answer.code) == (400, "InvalidInput"), (body, answer)
    assert f"at '{told.path(True)}' failed to satisfy constraint: " in answer.message, (body, answer)
    assert "Member must not be null" in answer.message, (body, answer)


def spoiled(place):
    """Each JSON type that the place does not have, with the words for it."""
    want = EXPECTED[SHAPES[place.shape]["type"]]
    for found, value in JSON_TYPES.items():
        if found != want and not (want == "an integer" and found == "a number"):
            yield value, found
    if want == "an integer":
        yield 1.5, "a number"
        yield 10 ** 30, "a number"


@pytest.mark.parametrize("place", [p for p in PLACES if p.role != "key"], ids=str)
def test_wrong_type(api, place):
    want = EXPECTED[SHAPES[place.shape]["type"]]
    for value, found in spoiled(place):
        body = place.body(value)
        answer = api.send(place.op, body)
        assert (answer.status, answer.code) == (400, "SerializationException"), (body, answer)
        assert answer.message.startswith(f"{place.path(False)}: expected {want}, found {found}"), (body, answer)


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_body_is_an_object(api, op):
    for body in (b"null", b"[]", b'""', b"7", b"true", b"{", b"{}x", b'{"a":1,"a":2}', b'{"a":"\xff"}', b"{'a':1}"):
        answer = api.send(op, body)
        assert (answer.status, answer.code) == (400, "SerializationException"), (body, answer)


def structures(op, name, steps=()):
    """The places of structures, the request itself included."""
    yield steps
    for place in places(op, name):
        if SHAPES[place.shape]["type"] == "structure":
            yield place.steps


@pytest.mark.parametrize("op, steps", [pytest.param(op, steps, id="-".join([op, *map(str, steps)])) for op in OPERATIONS
                                       for steps in structures(op, OPERATIONS[op]["input"])])
def test_unknown_members_are_ignored(api, op, steps):
    """Also names that differ from a known one only by case, and whatever stands in them."""
    shape = OPERATIONS[op]["input"]
    for step in steps:
        shape = SHAPES[shape]["member"] if step == 0 else SHAPES[shape]["members"][step]["shape"]
    known = next(iter(SHAPES[shape]["members"]))
    value = sample(shape) | {"Newer": {"a": [1, None, {"b": 1e99}]}, known.lower(): [], known + "x": None, "": 7}
    body = fill(OPERATIONS[op]["input"], steps, value)
    answer = api.send(op, body)
    assert answer.status in (200, 400), (body, answer)
    assert answer.code != "SerializationException", (body, answer)
    assert "validation error" not in (answer.message or ""), (body, answer)


def test_the_texts_for_patterns_are_right():
    assert PATTERNS.keys() == {name for name, shape in SHAPES.items() if "pattern" in shape}
    for name, (within, without) in PATTERNS.items():
        pattern = re.compile(SHAPES[name]["pattern"], re.ASCII)
        assert [text for text in within if not pattern.fullmatch(text)] == [], name
        assert [text for text in without if pattern.fullmatch(text)] == [], name
        assert pattern.fullmatch(of_size(name, SHAPES[name].get("max", 1))), name


def test_every_constraint_of_the_requests_is_covered():
    """Each kind of constraint that a reachable shape has is one that this file knows."""
    known = {"type", "min", "max", "pattern", "enum", "required", "members", "member", "key", "value"}
    for place in PLACES:
        assert SHAPES[place.shape].keys() <= known, place
