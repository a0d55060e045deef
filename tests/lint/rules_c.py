# SPDX-License-Identifier: Apache-2.0
"""Rules about C files: layers, names, sizes, documentation, banned words."""

import re

from csource import is_const, parse
from tree import LAYERS, rule, stem

MAX_FUNCTION, MAX_FILE, MAX_HEADER = 80, 800, 300

# Folders that are one noun: their functions may carry the folder's name instead of the file's.
NOUN_FOLDERS = {"json", "http", "store"}
FREE_NAMES = {"main", "LLVMFuzzerTestOneInput"}

UNSAFE = ("strcpy strcat strncpy strncat sprintf vsprintf strtok gets alloca atoi atol atoll atof tmpnam mktemp rand "
          "srand system").split()
HEAP = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split()
CALLED = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(UNSAFE + HEAP))
HEAP_AT_HOME = "src/base/mem.c"


def folder(path):
    return path.split("/")[1]


@rule("layers")
def layers(tree):
    """Includes go to the own folder or to one above it, and are written from the root of src/."""
    for path in tree.find("src/", (".c", ".h", ".def")):
        if folder(path) not in LAYERS:
            yield path, 1, f"folder {folder(path)} has no place in the layer order"
            continue
        for line, name in parse(tree.text(path)).includes():
            if name[0] == "<":
                continue
            name = name.strip('"')
            other = name.split("/")[0]
            if not tree.has("src/" + name):
                yield path, line, f'include "{name}" is no file below src/'
            elif other not in LAYERS[:LAYERS.index(folder(path)) + 1]:
                yield path, line, f"{folder(path)}/ may not include {other}/, which stands below it"
            elif stem(name).endswith("_priv") and other != folder(path):
                yield path, line, f"{name} is private to {other}/"


@rule("urcu")
def urcu(tree):
    """One file knows how readers are kept apart from the writer."""
    for path in tree.c_files():
        for line, name in parse(tree.text(path)).includes():
            if name.startswith("<urcu") and path != "src/registry/snapshot.c":
                yield path, line, "only src/registry/snapshot.c includes liburcu"


@rule("names")
def names(tree):
    """Names predict files: what is public in x/foo.c or x/foo.h starts with foo_."""
    declared = {}
    for path in tree.find("src/", (".h",)):
        for item in parse(tree.text(path)).items:
            if item.kind in ("prototype", "function"):
                declared.setdefault(item.name, path)
                if not item.name.startswith(prefixes(path)) and not is_handler(path, item.name):
                    yield path, item.first_line, f"{item.name}() must start with {prefixes(path)[0]}"
    for path in tree.find("src/", (".c",)):
        for item in parse(tree.text(path)).items:
            if item.kind != "function" or item.static or item.name in FREE_NAMES or is_handler(path, item.name):
                continue
            home = declared.get(item.name)
            if not home:
                yield path, item.first_line, f"{item.name}() is public but no header declares it"
            elif not is_header_of(home, path):
                yield path, item.first_line, f"{item.name}() is declared in {home}, which is not this file's header"


def prefixes(header):
    noun = folder(header)
    return (stem(header).removesuffix("_priv") + "_",) + ((noun + "_",) if noun in NOUN_FOLDERS else ())


def is_header_of(header, path):
    """Besides foo.h and foo_priv.h of foo.c: store/store.h is the header of store/store_sqlite.c too."""
    if header.rpartition("/")[0] != path.rpartition("/")[0]:
        return False
    noun = stem(header).removesuffix("_priv")
    return stem(path) == noun or stem(path).startswith(noun + "_") or folder(path) in NOUN_FOLDERS


def is_handler(path, name):
    return path.startswith("src/api/") and name.startswith("op_")


@rule("size")
def size(tree):
    for path in tree.c_files():
        source = parse(tree.text(path))
        limit = MAX_HEADER if path.endswith(".h") else MAX_FILE
        if len(source.lines) > limit:
            yield path, limit + 1, f"{len(source.lines)} lines; the limit is {limit}"
        for item in source.items:
            length = item.last_line - item.first_line + 1
            if item.kind == "function" and length > MAX_FUNCTION:
                yield path, item.first_line, f"{item.name}() has {length} lines; the limit is {MAX_FUNCTION}"


@rule("prototypes")
def prototypes(tree):
    """Headers are the manual: a comment above each prototype, or above its group, or behind it."""
    for path in tree.find("src/", (".h",)):
        source = parse(tree.text(path))
        for item in source.items:
            if item.kind == "prototype" and not documented(source, item):
                yield path, item.first_line, f"{item.name}() has no comment"


def documented(source, item):
    """A group is lines without a blank one between them; a comment opens or stands within it, above the prototype."""
    if any(item.first_line <= first <= item.last_line for first, _, _ in source.comments):
        return True
    line = item.first_line - 1
    while line >= 1:
        text = source.lines[line - 1].strip()
        if line in source.comment_lines:
            return not text.startswith("/* ---")
        if not text or text.startswith(("#", "}")):
            return False
        line -= 1
    return False


@rule("pragma-once")
def pragma_once(tree):
    for path in tree.c_files():
        if path.endswith(".h") and not re.search(r"^#pragma once$", parse(tree.text(path)).code, re.M):
            yield path, 1, "#pragma once is missing"


@rule("banned")
def banned(tree):
    """Functions that overflow, guess or abort; in src/ also the heap, which belongs to base/mem.c."""
    for path in tree.c_files():
        source = parse(tree.text(path))
        for match in CALLED.finditer(source.code):
            name, line = match[1], source.line(match.start())
            if name in HEAP and (path == HEAP_AT_HOME or not path.startswith("src/")):
                continue
            if "lint:" not in source.comment_at(line):
                instead = "base/mem.h" if name in HEAP else "a bounded function"
                yield path, line, f"{name}() is banned; use {instead}, or say why in /* lint: reason */"


@rule("mutable")
def mutable(tree):
    """State hangs from structs. A variable that lives as long as the program says why it may: /* mutable: ... */."""
    for path in tree.find("src/", (".c", ".h")):
        source = parse(tree.text(path))
        for item in source.items:
            if item.kind == "variable" and not re.match(r"extern\b", item.text) and not is_const(item.text):
                yield from excused(source, path, item.first_line, item.last_line)
            if item.kind == "function":
                yield from local_statics(source, path, item)


def local_statics(source, path, item):
    for match in re.finditer(r"(?<=[;{}])\s*(static\b[^;=({]*)", item.body):
        if not is_const(match[1]):
            # the body is the end of the item: count the lines from there
            line = item.last_line - item.body[match.start(1):].count("\n")
            yield from excused(source, path, line, line)


def excused(source, path, first, last):
    if "mutable" not in source.comment_at(first, last):
        yield path, first, "a variable that lives on and is not const; say why in a comment with 'mutable:'"
