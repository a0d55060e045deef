# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests.

    daemon          one cloudmapd for the tests of a module, default settings; `.api` is the plain client
    api             its plain client
    start_daemon    start_daemon({'operations.delay': '1s'}, args=[...], env={...}, data=PATH): a daemon for one test
    aws, boto       the AWS CLI and boto3 from apt against `daemon`, recorded
    fresh           fresh(): a name that no test of the run used before
    recorder        the record of the run
    many_files      a module may open as many files as the machine lets it
    node            the program node, with the packages of js/
    world           what cloud-unmap looks at: a double of AWS, a proxy before `daemon`, a new service
    make_world      make_world(daemon, regions=[...]): the same before any daemon

The daemon is the file that the environment names in CLOUDMAPD, else build/cloudmapd."""

import itertools
import os
import resource
import shutil
import subprocess
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from support.daemon import daemons
from support.record import Recorder, Tap
from support.sdk import REGION, Aws, client_env
from support.signing import Credentials
from support.unmap import worlds


def pytest_configure(config):
    """A fault in a thread of a test (a tap's, a writer's) is a fault of the test."""
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="session")
def recorder(tmp_path_factory):
    record = Recorder(tmp_path_factory.mktemp("record") / "exchanges.jsonl")
    yield record
    record.close()


@pytest.fixture
def start_daemon(tmp_path, recorder):
    with daemons(tmp_path, recorder) as start:
        yield start


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, recorder):
    with daemons(tmp_path_factory.mktemp("daemon"), recorder) as start:
        yield start()


@pytest.fixture
def api(daemon):
    return daemon.api


@pytest.fixture(scope="session")
def root():
    """The key of the account's root, of daemons that ask for signatures."""
    return Credentials("AKIAROOTKEYOFTHETEST", "a/secret+of/forty+characters/0123456789A")


@pytest.fixture(scope="module")
def signed_daemon(tmp_path_factory, recorder, root):
    """A daemon that asks for signatures; `root` may do everything in it."""
    with daemons(tmp_path_factory.mktemp("signed"), recorder) as start:
        yield start({"auth.mode": "required"}, env={"CLOUDMAP_ROOT_ACCESS_KEY_ID": root.key,
                                                    "CLOUDMAP_ROOT_SECRET_ACCESS_KEY": root.secret})


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def fresh():
    return lambda: f"n{next(_numbers)}"


@pytest.fixture(scope="module")
def tap(daemon, recorder):
    """tap(name): the URL of a relay in front of `daemon` that records what a client of that name says. The host's name
    resolves with `data-` before it, too (libnss-myhostname)."""
    taps = []

    def open_tap(client):
        taps.append(Tap(daemon, recorder, client))
        return f"http://cloudmap.localhost:{taps[-1].port}"

    yield open_tap
    for one in taps:
        one.close()


@pytest.fixture(scope="module")
def aws(tap):
    return Aws(tap("aws-cli"))


@pytest.fixture(scope="module")
def boto(tap):
    client = boto3.client("servicediscovery", endpoint_url=tap("boto3"), region_name=REGION, aws_access_key_id="any",
                          aws_secret_access_key="any", config=Config(retries={"max_attempts": 0}))
    yield client
    client.close()


@pytest.fixture(scope="module")
def many_files():
    """Thousands of connections from one process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def node():
    """The program, beside the packages of js/, which are installed when they are missing or other ones are asked for."""
    program, npm, js = shutil.which("node"), shutil.which("npm"), Path(__file__).parent / "js"
    assert program and npm, "node and npm are needed"
    asked, installed = js / "package.json", js / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < asked.stat().st_mtime:
        subprocess.run([npm, "install", "--ignore-scripts"], cwd=js, check=True, timeout=300)
        os.utime(installed)
    return program


@pytest.fixture
def make_world(tmp_path, recorder):
    with worlds(tmp_path, recorder) as make:
        yield make


@pytest.fixture
def world(make_world, daemon):
    return make_world(daemon)


@pytest.fixture(scope="session", autouse=True)
def clean_environment():
    """No setting of whoever runs the tests reaches the clients."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in client_env().items():
            patch.setenv(name, value)
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "AWS_PROFILE",
                     "AWS_ENDPOINT_URL", "AWS_DISABLE_HOST_PREFIX_INJECTION"):
            patch.delenv(name, raising=False)
        yield
