# SPDX-License-Identifier: Apache-2.0
"""Random requests, signed by botocore and by us, in the header form and in the presigned form: canonical request,
string to sign and what is sent must be equal byte for byte, and our verifier must accept it.

    botocore_cross_check.py PATH-OF-sign_requests"""

import datetime
import random
import subprocess
import sys
from urllib.parse import quote, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REQUESTS = 2000
SEED = 20150830
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
SEGMENTS = ["", "", ".", "a", "b.c", "..", "...", "%20", "%2F", "%2e%2e", "ü", "日本", "x~y", "a:b", "a+b", "a&b=c", "(1)",
            "-", "_", "!$'*,;@", "😀"]
ALPHABET = "abcXYZ019-._~ +/=&%?#:;,@!$'()*[]{}<>|\\^`\"\tüß€日😀\x7f"
HEADER_NAMES = ["X-Amz-Target", "Content-Type", "x-amz-meta", "X-Amz-Meta-A", "X-Amz-Meta_A", "My-Header1", "Accept",
                "Range", "X", "Zebra", "If-Match", "Content-MD5", "X-Amzn-Query-Mode", "Content-Length"]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4", "x"]
SERVICES = ["servicediscovery", "ec2", "sqs", "sts", "service"]


class FixedTime(datetime.datetime):
    """What botocore takes for now."""
    seconds = 0

    @classmethod
    def utcnow(cls):
        return cls.utcfromtimestamp(cls.seconds)


def random_text(rng, most):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(most + 1)))


def random_path(rng):
    """Never above the root: there botocore stays at the root, and we refuse."""
    if rng.random() < 0.2:
        return rng.choice(["/", "//", "/./", "/x/.."])
    segments, depth = [], 0
    for _ in range(rng.randrange(8)):
        segment = rng.choice(SEGMENTS)
        if segment == "..":
            if depth == 0:
                continue
            depth -= 1
        elif segment not in ("", "."):
            depth += 1
        segments.append(segment)
    return "/" + "/".join(segments)


def random_pairs(rng):
    names = [random_text(rng, 6) or "n" for _ in range(rng.randrange(1, 5))]
    return [(rng.choice(names), random_text(rng, 8)) for _ in range(rng.randrange(7))]


def random_value(rng):
    words = ["".join(rng.choice("abcXYZ019-._~+/=&%?#:;,é€") for _ in range(rng.randrange(1, 9)))
             for _ in range(rng.randrange(5))]
    blank = lambda: rng.choice([" ", "  ", "\t", " \t ", "     "])
    return rng.choice(["", blank()]) + blank().join(words) + rng.choice(["", blank()])


def random_headers(rng):
    headers = [(rng.choice(HEADER_NAMES), random_value(rng)) for _ in range(rng.randrange(8))]
    return [(rng.choice([name, name.lower(), name.upper()]), value) for name, value in headers]


def random_body(rng):
    size = rng.choice([0, 0, 1, 20, 3000])
    return bytes(rng.randrange(256) for _ in range(size))


def spell(rng, text):
    """The same text, with more escapes than it needs or other hex digits."""
    if rng.random() < 0.5:
        return quote(text, safe="-_.~")
    return "".join(c if c.isalnum() and c.isascii() and rng.random() < 0.7 else
                   "".join(rng.choice(["%{:02x}", "%{:02X}"]).format(byte) for byte in c.encode()) for c in text)


class Case:
    def __init__(self, rng):
        self.form = rng.choice(["header", "query"])
        self.path = random_path(rng)
        self.pairs = random_pairs(rng)
        self.method = rng.choice(METHODS)
        self.seconds = rng.randrange(10**9, 4 * 10**9)
        token = rng.choice([None, "T" + random_text(rng, 40).strip() + "/+=="])
        if token and self.form == "header":
            token = "".join(c for c in token if " " < c <= "~")
        self.credentials = Credentials("AKID" + "".join(rng.choices("ABC0123", k=rng.randrange(16))),
                                       random_text(rng, 40), token)
        self.region, self.service = rng.choice(REGIONS), rng.choice(SERVICES)
        self.expires = rng.choice([1, 60, 3600, 604800])
        self.headers = random_headers(rng)
        self.body = random_body(rng)
        self.host = rng.choice(["ec2.us-east-1.amazonaws.com", "127.0.0.1:8650", "[::1]:8650", "x.example:8443"])
        if self.form == "query":
            # Here botocore keeps the first of each name only, and turns the body into parameters.
            self.pairs = list(dict(self.pairs).items())
            self.body = b""
            self.query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in self.pairs)
        else:
            self.query = "&".join(spell(rng, k) + ("=" if v or rng.random() < 0.5 else "") + spell(rng, v)
                                  for k, v in self.pairs)

    def sign(self):
        """(canonical request, string to sign, what is sent, headers that were signed) by botocore."""
        url = f"http://{self.host}{self.path}"
        if self.form == "query" and self.query:
            url += "?" + self.query
        request = AWSRequest(self.method, url, data=self.body or None,
                             params=self.pairs if self.form == "header" else None)
        request.headers["Host"] = self.host
        for name, value in self.headers:
            request.headers.add_header(name, value)
        FixedTime.seconds = self.seconds
        if self.form == "header":
            auth = botocore.auth.SigV4Auth(self.credentials, self.service, self.region)
        else:
            auth = botocore.auth.SigV4QueryAuth(self.credentials, self.service, self.region, self.expires)
        steps = {}
        for step in ("canonical_request", "string_to_sign"):
            setattr(auth, step, self.keep(steps, step, getattr(auth, step)))
        auth.add_auth(request)
        sent = request.headers["Authorization"] if self.form == "header" else urlsplit(request.url).query
        headers = [(k, v) for k, v in request.headers.items() if k != "Authorization"]
        return steps["canonical_request"], steps["string_to_sign"], sent, headers

    @staticmethod
    def keep(steps, name, function):
        def call(*args):
            steps[name] = function(*args)
            return steps[name]
        return call

    def line(self, headers):
        words = [self.form, self.method, self.path, self.query, self.body, str(self.seconds), self.credentials.access_key,
                 self.credentials.secret_key, self.credentials.token, self.region, self.service, str(self.expires)]
        for pair in headers:
            words += pair
        return " ".join(word_of(word) for word in words) + "\n"


def word_of(word):
    if word is None:
        return "-"
    return (word if isinstance(word, bytes) else word.encode()).hex()


def main():
    rng = random.Random(SEED)
    botocore.auth.datetime.datetime = FixedTime
    cases = [Case(rng) for _ in range(REQUESTS)]
    signed = [case.sign() for case in cases]
    lines = "".join(case.line(headers) for case, (_, _, _, headers) in zip(cases, signed))
    answers = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(answers) == REQUESTS, (len(answers), REQUESTS)
    wrong = 0
    for case, want, answer in zip(cases, signed, answers):
        got = answer.split(" ")
        texts = [bytes.fromhex(word).decode() for word in got[:-1]] if not answer.startswith("!") else []
        if texts != list(want[:3]) or got[-1] != "0":
            wrong += 1
            if wrong <= 5:
                print(f"{case.form} {case.method} {case.path!r} ?{case.query!r}: {got[-1]}")
                for ours, theirs in zip(texts, want):
                    print(f"  ours     {ours!r}\n  botocore {theirs!r}")
    forms = [case.form for case in cases]
    print(f"{REQUESTS} requests, {forms.count('header')} in the header form, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
