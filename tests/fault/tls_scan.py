# SPDX-License-Identifier: Apache-2.0
"""What testssl.sh finds at the https port, given the CA: protocols, ciphers, the certificate, and every vulnerability
that it knows."""

import json
import subprocess

from server import Server
from support.program import cloudmapctl

NAME = "cloudmap.localhost"
PARTS = ("--protocols", "--std", "--fs", "--server-preference", "--server-defaults", "--vulnerable")
HARMLESS = {"OK", "INFO", "LOW"}
# A CA for development revokes nothing (docs/threat-model.md).
EXPECTED = {"cert_revocation"}
SEEN = {"TLS1_2", "TLS1_3", "cipherlist_NULL", "cert_chain_of_trust", "heartbleed", "ROBOT", "LUCKY13", "scanTime"}


def scan(folder):
    """What it found, and the names of those findings that are worse than low."""
    assert cloudmapctl("cert", NAME, "127.0.0.1", "--out", folder).returncode == 0
    settings = {"tls.listen": "127.0.0.1:0", "tls.certificate": folder / f"{NAME}.pem", "tls.key": folder / f"{NAME}-key.pem"}
    report = folder / "report.json"
    with Server(folder / "data", settings) as server:
        port = server.ready["tls"].rpartition(":")[2]
        done = subprocess.run(["testssl", "--quiet", "--warnings", "batch", *PARTS, "--add-ca", folder / "ca.pem",
                               "--jsonfile", report, "--ip", "127.0.0.1", f"{NAME}:{port}"], capture_output=True,
                              text=True, check=False)
        assert server.stop() == 0, server.stderr_lines
    found = json.loads(report.read_text(encoding="utf-8"))
    missing = SEEN - {one["id"] for one in found}
    assert not missing, f"not looked at: {missing}\n{done.stdout}"
    return found, [one for one in found if one["severity"] not in HARMLESS and one["id"] not in EXPECTED]


def tls_scan(folder):
    """Exit code."""
    found, bad = scan(folder)
    for one in bad:
        print(f"soak tls: {one['severity']}: {one['id']}: {one['finding']}")
    print(f"soak tls: {len(found)} findings of testssl.sh, {len(bad)} above low")
    return 1 if bad else 0
