# SPDX-License-Identifier: Apache-2.0
"""As much of C as the rules need: comments, top-level functions, prototypes and variables of one file.

No preprocessor and no types; what it cannot tell apart it leaves out rather than guesses."""

import bisect
import functools
import re

TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def blank(text):
    """Spaces instead of every character but newlines."""
    return re.sub(r"[^\n]", " ", text)


class Item:
    """Something at the top level of a file. kind: function, prototype, typedef, type, variable."""

    def __init__(self, kind, name, text, first_line, last_line, body=""):
        self.kind, self.name, self.text = kind, name, text
        self.first_line, self.last_line, self.body = first_line, last_line, body
        self.static = bool(re.search(r"\bstatic\b", text))


class Source:
    def __init__(self, text):
        self.lines = text.splitlines()
        self.starts = [0] + [m.end() for m in re.finditer("\n", text)]
        self.comments = []  # (first line, last line, text)
        self.comment_lines = set()  # lines that hold nothing but comment
        self.no_comments = TOKEN.sub(self._comment, text)
        # strings keep their quotes, so that a call's arguments still look like arguments
        self.code = TOKEN.sub(lambda m: m[0][0] + blank(m[0][1:-1]) + m[0][-1], self.no_comments)
        bare = self.no_comments.splitlines()
        for first, last, _ in self.comments:
            self.comment_lines.update(n for n in range(first, last + 1) if not bare[n - 1].strip())
        self.items = list(self._items(DIRECTIVE.sub(lambda m: blank(m[0]), self.code)))

    def _comment(self, match):
        if match[0][0] != "/":
            return match[0]
        self.comments.append((self.line(match.start()), self.line(match.end() - 1), match[0]))
        return blank(match[0])

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def includes(self):
        """(line, name as written with its quotes or brackets)."""
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+("[^"]+"|<[^>]+>)', self.no_comments, re.M):
            yield self.line(match.start()), match[1]

    def comment_at(self, first_line, last_line=None):
        """Text of the comments that touch these lines or end on the line above them."""
        last_line = last_line or first_line
        return " ".join(text for first, last, text in self.comments
                        if first <= last_line and last >= first_line - 1)

    def _items(self, code):
        head, at, depth = 0, 0, 0
        while at < len(code):
            c = code[at]
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
            elif c == "{" and depth == 0:
                end = closing(code, at)
                name = function_name(code[head:at])
                if name:
                    yield self._item("function", name, code, head, end, code[at:end])
                    head = end
                at = end - 1
            elif c == ";" and depth == 0:
                if code[head:at].strip():
                    yield self._declaration(code, head, at)
                head = at + 1
            at += 1

    def _item(self, kind, name, code, head, end, body=""):
        text = code[head:end - len(body)]
        first = head + len(text) - len(text.lstrip())
        return Item(kind, name, " ".join(text.split()), self.line(first), self.line(end - 1), body)

    def _declaration(self, code, head, at):
        text = re.sub(r"\{.*\}", "{}", without_attributes(code[head:at]), flags=re.S).strip()
        if text.startswith("typedef"):
            return self._item("typedef", None, code, head, at)
        name = function_name(text) if "=" not in text else None
        if name:
            return self._item("prototype", name, code, head, at)
        if re.fullmatch(r"(struct|union|enum)\s+\w*\s*(\{\})?", text) or text.startswith("_Static_assert"):
            return self._item("type", None, code, head, at)
        return self._item("variable", None, code, head, at)


def closing(code, at):
    """Offset behind the brace that closes the one at `at`; the end where it is missing."""
    depth = 0
    for i in range(at, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i + 1
    return len(code)


def without_attributes(text):
    """Drops __attribute__((...))."""
    while (match := re.search(r"__attribute__\s*\(", text)):
        depth, i = 1, match.end()
        while i < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[i], 0)
            i += 1
        text = text[:match.start()] + " " + text[i:]
    return text


def function_name(head):
    """Name of the function whose head this is, or None."""
    head = without_attributes(head).strip()
    match = CALL.search(head)
    if not match or not head.endswith(")") or "=" in head[:match.start()]:
        return None
    before = head[:match.start()].strip()
    if not before or not re.fullmatch(r"[\w\s*]+", before) or head[match.end():].lstrip().startswith("*"):
        return None
    depth = 0
    for i in range(match.end() - 1, len(head)):
        depth += {"(": 1, ")": -1}.get(head[i], 0)
        if depth == 0:
            return match[1] if i == len(head) - 1 else None
    return None


def is_const(declaration):
    """Whether the object itself, and not only what it points to, cannot change."""
    bare = re.sub(r"\{.*?\}", "", without_attributes(declaration), flags=re.DOTALL)  # members are not the object
    before = re.sub(r"\[[^\]]*\]", "", bare.split("=")[0])
    pointer = re.search(r"\(\s*\*[^)]*\)", before)  # of a function
    if pointer:
        before = pointer[0]
    return bool(re.search(r"\bconst\b", before.rpartition("*")[2] if "*" in before else before))


@functools.lru_cache(maxsize=None)
def parse(text):
    return Source(text)
