# SPDX-License-Identifier: Apache-2.0
"""Random config and credentials files, read by botocore and by our readers: the same values, or both refuse them; and
the same keys for each profile. cross_check.py PROGRAM [CASES [SEED]]"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import botocore.configloader
    import botocore.exceptions
    import botocore.session
except ImportError:
    print("botocore is not installed")
    sys.exit(77)

KEYS = ("region aws_access_key_id aws_secret_access_key role_arn services credential_process "
        "aws_session_token").split()
SERVICES = ("sqs", "sts")
PROFILES = ("default", "x", "y z", "w")
SECRETS = ("AKID", "s/+=", "abc=def==", "token")
PROCESS = "echo '{\"Version\": 1, \"AccessKeyId\": \"P\", \"SecretAccessKey\": \"s-p\"}'"
CONFIG_SECTIONS = ("[default]", "[profile x]", "[profile   w]", "[profile 'y z']", "[services s]", "[services t]", "[x]",
                   "[profile v u]", "[sso-session x]", "[profile]", "[plugins] # x", "[a]b]")
CREDENTIALS_SECTIONS = tuple(f"[{name}]" for name in PROFILES) + ("[profile x]",)


def value(rng, key):
    if key.startswith("aws_"):
        return rng.choice(SECRETS)
    if key == "credential_process":
        return rng.choice([PROCESS, PROCESS, PROCESS, "'open", "false", "echo nothing"])
    if key in ("services", "source_profile"):
        return rng.choice("st" if key == "services" else "xw")
    if key == "role_arn":
        return "arn:aws:iam::1:role/x"
    return rng.choice(["a", "a = b", "a # b", "a ; b", "a:b", "\"a\"", "é", "[x]", "http://h/?a=b", ""])


def noise(rng):
    kind = rng.random()
    if kind < 0.55:
        return rng.choice(["", "   ", "\t", "# a = b", "; a", "   # a"])
    if kind < 0.93:
        return rng.choice(["  ", "    ", "\t"]) + rng.choice(["more", "endpoint_url = http://q", "#x", "a = b = c"])
    return rng.choice(["nonsense", "= x", "[open", "[]", ": x", "[default]", "region = twice"])


def body(rng, is_services):
    if is_services:
        keys = rng.sample(SERVICES, 2)
        return [part for key in keys for part in (key + rng.choice([" =", "=", ":", " = x"]),
                                                  "  endpoint_url = http://" + rng.choice("abc"))]
    lines = []
    for key in rng.sample(KEYS + ["source_profile"], rng.randrange(5)):
        if key in ("role_arn", "source_profile") and rng.random() < 0.7:
            continue
        spelled = rng.choice([key, key, key, key.upper(), key.title()])
        lines.append(spelled + rng.choice(["=", " = ", " : ", "\t=  "]) + value(rng, key))
    return lines


def write(rng, path, is_config):
    lines = []
    for header in rng.sample(CONFIG_SECTIONS if is_config else CREDENTIALS_SECTIONS, rng.randrange(5)):
        indent = rng.choice(["", "", "", "", "  "])
        part = [header + rng.choice(["", "", " ", " # x"])] + body(rng, "services" in header)
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            part.insert(rng.randrange(len(part) + 1), noise(rng))
        lines += [indent + one for one in part]
    end = rng.choice(["\n", "\n", "\n", "\r\n"])
    path.write_bytes((end.join(lines) + rng.choice(["", end])).encode())


def shown(text):
    """As config_verdicts.c prints it: an empty value is none, sub-keys are no value."""
    return text.encode().hex() if isinstance(text, str) and text else "-"


def credentials(home, profile):
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(HOME=str(home), AWS_PROFILE=profile, AWS_EC2_METADATA_DISABLED="true")
    try:
        session = botocore.session.Session()
        session.get_scoped_config()
        found = session.get_credentials()
        if found is None:
            return "-"
        if found.method == "assume-role":
            return "role"
        return " ".join(shown(t) for t in (found.access_key, found.secret_key, found.token))
    except Exception:  # pylint: disable=broad-except
        return "!"


def botocore_says(home, profile):
    try:
        raw = botocore.configloader.raw_config_parse(str(home / ".aws/config"))
        config = botocore.configloader.build_profile_map(raw)["profiles"].get(profile, {})
        other = botocore.configloader.raw_config_parse(str(home / ".aws/credentials")).get(profile, {})
    except botocore.exceptions.ConfigParseError:
        return "!"
    values = [shown(place.get(key)) for key in KEYS for place in (config, other)]
    name = other.get("services") or config.get("services") or ""
    table = raw.get("services " + name, {}) if isinstance(name, str) else {}
    for service in SERVICES:
        keys = table.get(service, {})
        values.append(shown(keys.get("endpoint_url")) if isinstance(keys, dict) else "-")
    return " ".join(values) + " | " + credentials(home, profile)


def is_comparable(home):
    """Sub-keys that come twice are refused by us only."""
    for name in ("config", "credentials"):
        seen = set()
        for one in (home / ".aws" / name).read_text().splitlines():
            text = one.strip()
            if not text or text[0] in "#;":
                continue
            if not one.startswith((" ", "\t")):
                seen = set()
            elif "=" in text:
                key = text.split("=")[0].strip()
                if key in seen:
                    return False
                seen.add(key)
    return True


def pick_profile(rng, home):
    """Mostly one that is there."""
    text = (home / ".aws/config").read_text() + (home / ".aws/credentials").read_text()
    there = [name for name in PROFILES if name + "]" in text or name + "']" in text]
    return rng.choice(there if there and rng.random() < 0.9 else PROFILES)


def is_fit(text):
    """What we let into a header."""
    return all(0x21 <= byte <= 0x7e for byte in bytes.fromhex(text))


def is_same(ours, theirs):
    """A role over a source needs STS, which our side does not have here, and keys that hold a line break are refused:
    both are a failure then."""
    values, _, found = theirs.partition(" | ")
    if found == "role" or (len(found) > 1 and not all(is_fit(t) for t in found.split() if t != "-")):
        return ours == values + " | !"
    return ours == theirs


def main():
    program, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as folder:
        asked = []
        for i in range(cases):
            home = pathlib.Path(folder, str(i))
            (home / ".aws").mkdir(parents=True)
            write(rng, home / ".aws/config", True)
            write(rng, home / ".aws/credentials", False)
            if is_comparable(home):
                asked.append((home, pick_profile(rng, home)))
        text = "".join(f"{home} {profile.encode().hex()}\n" for home, profile in asked)
        answers = subprocess.run([program], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
        answers = [one.strip() for one in answers.splitlines()]
        assert len(answers) == len(asked)
        kinds = {"!": 0, "| !": 0, "| -": 0, "keys": 0, "role": 0}
        for (home, profile), ours in zip(asked, answers):
            theirs = botocore_says(home, profile)
            kinds["!" if theirs == "!" else theirs[-3:] if theirs[-3:] in kinds else
                  "role" if theirs.endswith("role") else "keys"] += 1
            if not is_same(ours, theirs):
                print(f"profile {profile}\nours   {ours}\ntheirs {theirs}")
                print((home / ".aws/config").read_bytes(), (home / ".aws/credentials").read_bytes(), sep="\n")
                sys.exit(1)
        print(f"{len(asked)} cases, the same: {kinds}")


main()
