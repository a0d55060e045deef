# SPDX-License-Identifier: Apache-2.0
"""The command line and the configuration of cloudmapd, up to the point where it would start."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from support.daemon import binary
from support.program import cloudmapd, environment

FIRST_FREE_PORT = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def table(*words, env=None, cwd=None):
    """--check-config as {key: (from, value)}."""
    done = cloudmapd("--check-config", *words, env=env, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done
    lines = done.stdout.splitlines()
    where, value = lines[0].index("FROM"), lines[0].index("VALUE")
    rows = {}
    for line in lines[1:]:
        text = line[value:]
        rows[line[:where].strip()] = (line[where:value].strip(), "" if text == "-" else text)
    return rows


def refused(*words, env=None):
    """The messages of a daemon that must not start with this configuration; not as --check-config either."""
    started = cloudmapd(*words, env=env)
    checked = cloudmapd("--check-config", *words, env=env)
    assert (started.returncode, checked.returncode) == (78, 78)
    assert started.stderr == checked.stderr and started.stdout == checked.stdout == ""
    return started.stderr.splitlines()


def variable(key):
    return "CLOUDMAP_" + key.upper().replace(".", "_").replace("-", "_")


class TestOrigins:
    def test_defaults(self, tmp_path):
        rows = table(cwd=tmp_path)
        assert {where for where, _ in rows.values()} == {"default"}
        assert rows["store.path"] == ("default", "./cloudmap-data")
        assert rows["api.listen"] == ("default", "127.0.0.1:8650")
        assert rows["dns.listen"] == ("default", "127.0.0.1:8653")
        assert list(tmp_path.iterdir()) == [], "a check makes nothing"

    def test_every_option_can_be_set_in_every_way(self, tmp_path):
        rows = table()
        values = {key: value for key, (_, value) in rows.items()}
        assert len(values) > 25
        flags = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
        assert table(*flags) == {key: ("--set", value) for key, value in values.items()}
        env = {variable(key): value for key, value in values.items()}
        assert table(env=env) == {key: (variable(key), value) for key, value in values.items()}
        file = tmp_path / "all.conf"
        file.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
        from_file = table("--config", file)
        assert {key: value for key, (_, value) in from_file.items()} == values
        assert all(re.fullmatch(re.escape(str(file)) + r":\d+", where) for where, _ in from_file.values())

    def test_the_stronger_one_counts(self, tmp_path):
        file = tmp_path / "c.conf"
        file.write_text("compat = aws\n\n[api]\nregion = from-file\nworkers = 1\nmax_body = 2MiB\n"
                        "[health]\ncustom_delay = 7s\n[vpc vpc-1]\ncidr = 10.0.0.0/8\n")
        rows = table("--config", file, "--set", "api.region=from-flag",
                     env={"CLOUDMAP_API_REGION": "from-env", "CLOUDMAP_API_WORKERS": "2"})
        assert rows["api.region"] == ("--set", "from-flag")
        assert rows["api.workers"] == ("CLOUDMAP_API_WORKERS", "2")
        assert rows["api.max_body"] == (f"{file}:6", "2MiB")
        assert rows["health.custom_delay"] == (f"{file}:8", "7s")
        assert rows["limits.namespaces"] == ("compat = aws", "50")
        assert rows["limits.services_per_namespace"] == ("default", "0")
        assert rows["vpc.vpc-1.cidr"] == (f"{file}:10", "10.0.0.0/8")

    def test_shorthands(self):
        rows = table("--data", "/d", "--api", "127.0.0.1:1", "--dns=127.0.0.1:2")
        assert (rows["store.path"], rows["api.listen"], rows["dns.listen"]) == (
            ("--data", "/d"), ("--api", "127.0.0.1:1"), ("--dns", "127.0.0.1:2"))

    def test_the_state_directory_of_systemd(self):
        env = {"STATE_DIRECTORY": "/var/lib/cloudmap:/var/lib/other"}
        assert table(env=env)["store.path"] == ("STATE_DIRECTORY", "/var/lib/cloudmap")
        assert table("--data", "/d", env=env)["store.path"] == ("--data", "/d")

    def test_variables_of_the_scripts_are_left_alone(self):
        assert table(env={"CLOUDMAP_DEV_ANYTHING": "x", "CLOUDMAPD": "x"})


class TestFaults:
    def test_all_of_them_are_told_with_their_place(self, tmp_path):
        file = tmp_path / "c.conf"
        file.write_text("[api]\nregoin = x\nmax_body = 5MB\nnonsense\n")
        assert refused("--config", file, "--set", "lgo.level=debug", env={"CLOUDMAP_STORE_PTH": "/x"}) == [
            f'cloudmapd: {file}:2: there is no option "api.regoin"; did you mean api.region?',
            f"cloudmapd: {file}:4: neither `key = value` nor `[section]` nor a comment",
            "cloudmapd: environment: there is no option for the variable CLOUDMAP_STORE_PTH; did you mean "
            "CLOUDMAP_STORE_PATH?",
            'cloudmapd: --set: there is no option "lgo.level"; did you mean log.level?',
            f'cloudmapd: {file}:3: api.max_body: "5MB" is not a size (such as 512, 64KiB, 1MiB)']

    def test_a_file_that_is_not_there(self, tmp_path):
        assert refused("--config", tmp_path / "none") == [f"cloudmapd: {tmp_path}/none: No such file or directory"]

    @pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "127.0.0.1:0,192.0.2.1:0", "10.0.0.1:8650"])
    def test_open_mode_listens_on_loopback_only(self, tmp_path, address):
        (line,) = refused("--data", tmp_path / "d", "--set", "auth.mode=open", "--api", address)
        assert "is not a loopback address, and auth.mode is open" in line
        assert not (tmp_path / "d").exists()

    def test_a_name_that_does_not_exist(self, tmp_path):
        (line,) = refused("--data", tmp_path / "d", "--api", "nowhere.invalid:0")
        assert line.startswith("cloudmapd: --api: api.listen: nowhere.invalid:0: ")


@pytest.mark.skipif(os.geteuid() != 0 or int(FIRST_FREE_PORT.read_text()) <= 1, reason="anybody may use any port here")
@pytest.mark.parametrize("option", ["--api", "--dns"])
def test_a_port_of_root(option):
    """Another try says the same, so a service manager is told by the code to leave it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.chown(folder, 65534, 65534)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", shutil.copy(binary(), folder),
                               "--data", folder / "data", "--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", option,
                               "127.0.0.1:1"], env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78 and "ports below 1024 need root or CAP_NET_BIND_SERVICE" in done.stderr, done


class TestUsage:
    @pytest.mark.parametrize("words", [["--nonsense"], ["word"], ["--set", "log.level"], ["--data"], ["-x"]])
    def test_wrong(self, words):
        done = cloudmapd(*words)
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr.endswith("Try: cloudmapd --help\n")

    def test_help_and_version(self):
        done = cloudmapd("--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) <= 24 and max(map(len, done.stdout.splitlines())) <= 80
        assert "address of DNS (127.0.0.1:8653)\n" in done.stdout
        done = cloudmapd("--version")
        assert done.returncode == 0 and re.fullmatch(r"cloudmapd \d+\.\d+\.\d+\n", done.stdout)
