# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI as a function, and the environment in which it and the SDKs run."""

import json
import os
import subprocess

REGION = "us-east-1"
ACCOUNT = "000000000000"
AWS_CLI = "/usr/bin/aws"  # the one from apt; another may stand before it in PATH


def client_env():
    return {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION, "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}


class Aws:
    """aws("list-namespaces", "--max-items", "1"): a command of `aws servicediscovery`, its output parsed."""

    def __init__(self, url):
        self.url = url

    def run(self, *words):
        line = [AWS_CLI, "--endpoint-url", self.url, "--output", "json", *words]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *words, service="servicediscovery"):
        done = self.run(service, *words)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def error(self, *words):
        """A command that must fail; returns what it prints."""
        done = self.run("servicediscovery", *words)
        assert done.returncode == 254, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stderr
