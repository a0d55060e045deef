# SPDX-License-Identifier: Apache-2.0
"""Gives random texts, mutated JSON and the fuzz corpus to our reader and to Python's, made strict: both must agree on
which are JSON, and on what they say.

    cross_check.py PATH-OF-json_verdicts"""

import json
import pathlib
import random
import subprocess
import sys

TEXTS = 20000
SEED = 20261121
CORPUS = pathlib.Path(__file__).resolve().parents[2] / "fuzz" / "corpus" / "json"
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"u", b"0", b"1", b"-", b".", b"e", b"E", b"+", b" ", b"\n",
          b"\t", b"\r", b"true", b"false", b"null", b"NaN", b"Infinity", b'"a"', b'"b"', b"\\u0061", b"\\ud800",
          b"\\udc00", b"\\n", b"\\x", b"/", b"'", b"\x00", b"\x1f", b"\x7f", b"\x80", b"\xc3\xa9", b"\xed\xa0\x80",
          b"\xf0\x9f\x98\x80", b"\xff", b"\xef\xbb\xbf", b"1e5", b"-0", b"01", b"\x0b", b"\xc2\xa0"]


class Refused(ValueError):
    """What Python's reader takes and RFC 8259, or our caps, do not."""


def refuse_constant(name):
    raise Refused(name)


def unique_pairs(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused("duplicate")
    return dict(pairs)


def check_strings(value, depth=1):
    if isinstance(value, str):
        value.encode("utf-8")  # raises for lone surrogates
    elif isinstance(value, (dict, list)):
        if depth > 32:
            raise Refused("depth")
        for inner in value if isinstance(value, list) else list(value) + list(value.values()):
            check_strings(inner, depth + 1)


def strict_loads(text):
    """The value, with numbers as their text. Raises ValueError (UnicodeError is one) or RecursionError."""
    value = json.loads(text.decode("utf-8"), object_pairs_hook=unique_pairs, parse_constant=refuse_constant,
                       parse_float=lambda number: ("number", number), parse_int=lambda number: ("number", number))
    check_strings(value)
    return value


def random_string(rng):
    alphabet = "ab\"\\/\n\x00\x1f\x7f é€😀"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def random_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 5 else 6)
    if kind < 2:
        return random_string(rng)
    if kind == 2:
        return rng.choice([None, True, False])
    if kind == 3:
        return rng.choice([0, -1, 1.5, 1e300, 2**63, -2**63, 10**30, rng.randrange(10**6)])
    if kind < 6 or depth >= 5:
        return rng.randrange(1000)
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {random_string(rng): random_value(rng, depth + 1) for _ in range(rng.randrange(rng.choice([3, 60])))}


def mutate(rng, text):
    text = bytearray(text)
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(text) + 1)
        text[at:at + rng.randrange(2)] = rng.choice(PIECES)
    return bytes(text)


def make_texts(rng):
    yield from (path.read_bytes() for path in sorted(CORPUS.iterdir()))
    for _ in range(TEXTS):
        if rng.randrange(4) == 0:
            yield b"".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 8)))
        else:
            text = json.dumps(random_value(rng), ensure_ascii=rng.random() < 0.5,
                              indent=rng.choice([None, 1]), separators=rng.choice([None, (",", ":")]))
            yield mutate(rng, text.encode())


def main():
    texts = list(make_texts(random.Random(SEED)))
    stream = b"".join(b"%d\n%s" % (len(text), text) for text in texts)
    answers = subprocess.run([sys.argv[1]], input=stream, capture_output=True, check=True).stdout.split(b"\n")
    assert len(answers) == len(texts) + 1, (len(answers), len(texts))
    accepted = 0
    for text, answer in zip(texts, answers):
        try:
            want = strict_loads(text)
        except (ValueError, RecursionError) as error:
            assert answer.startswith(b"!"), f"accepted: {text!r} as {answer!r}, Python says {error}"
            continue
        accepted += 1
        assert not answer.startswith(b"!"), f"refused: {text!r} with {answer!r}"
        assert strict_loads(answer) == want, f"differs: {text!r} became {answer!r}"
    print(f"{len(texts)} texts, {accepted} accepted")
    assert TEXTS // 5 < accepted < TEXTS, "the mix of texts no longer tests both sides"


main()
