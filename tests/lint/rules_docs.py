# SPDX-License-Identifier: Apache-2.0
"""Rules that hold the documents to the code."""

import json
import re

from csource import parse
from tree import lines_with, rule

TOUR, COMPATIBILITY, MODEL = "docs/tour.md", "docs/compatibility.md", "tests/data/cloud-map-api.json"
STOP = re.compile(r"`(src/[\w./-]+\.[ch]):(\w+)`")
OPTION_KEY = re.compile(r'^\w*OPTION\([^"]*"([^"]+)"')
SETTING_NAME = re.compile(r'^\w*SETTING\([^"]*"([^"]+)"')
MIN_STOPS = 5


@rule("tour")
def tour(tree):
    """Each stop of the tour, `src/x/y.c:function`, is a definition in that file."""
    if not tree.has(TOUR):
        yield TOUR, 1, "is missing"
        return
    stops = list(re.finditer(STOP, tree.text(TOUR)))
    if len(stops) < MIN_STOPS:
        yield TOUR, 1, f"names {len(stops)} stops of the form `src/x/y.c:function`; a tour has at least {MIN_STOPS}"
    for match in stops:
        line = tree.text(TOUR)[:match.start()].count("\n") + 1
        path, name = match[1], match[2]
        if not tree.has(path):
            yield TOUR, line, f"{path} does not exist"
        elif name not in {i.name for i in parse(tree.text(path)).items if i.kind == "function"}:
            yield TOUR, line, f"{path} does not define {name}()"


@rule("compatibility")
def compatibility(tree):
    """The page says something about each operation of the API."""
    if not tree.has(COMPATIBILITY):
        yield COMPATIBILITY, 1, "is missing"
        return
    operations = json.loads(tree.text(MODEL))["operations"]
    said = set(re.findall(r"\w+", tree.text(COMPATIBILITY)))
    for name in sorted(set(operations) - said):
        yield COMPATIBILITY, 1, f"does not mention {name}"


@rule("options")
def options(tree):
    """Each option of the table stands in a manual page."""
    manual = "\n".join(tree.text(p) for p in tree.find("docs/man/"))
    for path in [p for p in tree.find("src/", (".def",)) if p.endswith("options.def")]:
        for line, match in lines_with(tree, path, OPTION_KEY):
            if match[1] not in manual:
                yield path, line, f"{match[1]} is not in docs/man/"
    for path in tree.find("src/", ("setting.def",)):
        for line, match in lines_with(tree, path, SETTING_NAME):
            flag = "--" + match[1]
            if f"{flag} " not in manual.replace("\\-", "-").replace("\n", " ").replace('"', " "):
                yield path, line, f"{flag} is not in docs/man/"
