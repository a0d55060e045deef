# SPDX-License-Identifier: Apache-2.0
"""Gives thousands of texts to the hand-written matchers and to Python's re with the patterns of the model.

    pattern_cross_check.py PROGRAM"""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

MODEL = Path(__file__).resolve().parents[2] / "data" / "cloud-map-api.json"
PER_PATTERN = 6000
LENGTHS = (1, 2, 3, 61, 62, 63, 64, 65, 125, 126, 127, 128, 129, 252, 253, 254, 1023, 1024, 1025)
ALPHABETS = ("ab-_.", "aZ09", "a.", "-_a", "a:/@._-", "!~a \t", "arn:", "".join(map(chr, range(128))), "a\n",
             "aé\x7f\x80", " \t", "a-")
WORDS = ("arn:", "arn:a", "ARN:a", "arn", "xarn:", ".", "..", "a.b", "a.b.", ".a.b", "a..b", "-a", "a-", "_", "__", "_a",
         "a_b", "_http._tcp", "a" * 63 + ".b", "a" * 64 + ".b", "a\n", ".\n", "a.b\n", "", " ", "\t", " a", "a ",
         "a b", "\0", "a\0")


def texts(rng):
    """Short and long, well and ill formed: words, one letter repeated, labels, and noise, then one edit of each."""
    yield from WORDS
    for n in LENGTHS:
        yield "a" * n
        yield (".".join(["a" * 63] * 20))[:n]
        yield (".".join(["ab"] * 600))[:n]
    while True:
        alphabet = rng.choice(ALPHABETS)
        kind = rng.randrange(3)
        n = rng.choice(LENGTHS) if rng.random() < 0.1 else rng.randrange(24)
        if kind == 0:
            text = "".join(rng.choice(alphabet) for _ in range(n))
        elif kind == 1:
            letters = rng.choice(("aB9", "ab9-", "ab9-_"))
            text = ".".join("".join(rng.choices(letters, k=rng.randrange(1, 5))) for _ in range(rng.randrange(1, 6)))
        else:
            text = rng.choice(WORDS) + "".join(rng.choice(alphabet) for _ in range(rng.randrange(4)))
        if text and rng.random() < 0.3:
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(alphabet) + text[at + 1:]
        yield text


def main():
    shapes = json.loads(MODEL.read_text(encoding="utf-8"))["shapes"]
    rng = random.Random(20170314)
    cases = []
    for name, shape in shapes.items():
        if "pattern" in shape:
            # Cloud Map's patterns are anchored, but Python's `$` also stands before a final newline.
            pattern = re.compile(shape["pattern"], re.ASCII)
            source = texts(rng)
            for _ in range(PER_PATTERN):
                text = next(source)
                cases.append((name, text, int(pattern.fullmatch(text) is not None)))
    lines = "".join(f"{name} {text.encode().hex()}\n" for name, text, _ in cases)
    answer = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.split()
    assert len(answer) == len(cases)
    wrong = [(name, text, want, got) for (name, text, want), got in zip(cases, answer) if str(want) != got]
    for name, text, want, got in wrong[:20]:
        print(f"{name} {text!r}: re says {want}, ours {got}")
    taken = {name: 0 for name, _, _ in cases}
    for name, _, want in cases:
        taken[name] += want
    print(f"{len(cases)} texts, {len(wrong)} differences, taken: {taken}")
    # Both verdicts must be common, or the comparison says little.
    assert all(PER_PATTERN // 20 < n < PER_PATTERN - PER_PATTERN // 20 for n in taken.values()), taken
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
