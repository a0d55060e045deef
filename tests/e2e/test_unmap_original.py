# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap with the original's options alone: what aws-cloud-unmap's own tests demand of it, on the real program."""

import os
import pty
import re
import signal
import subprocess
import time

import boto3
import pytest
from botocore.config import Config

from support import faults
from support.sdk import REGION
from support.unmap import foreign_python, log_entry, unmap_binary

FAR = "eu-west-1"
UP, SUCCESS = "aws_cloud_unmap_up", "aws_cloud_unmap_last_reconcile_success_timestamp_seconds"


def stays(world, *machines):
    assert {one if isinstance(one, str) else one.id for one in machines} <= world.registered().keys()


def goes(world, *machines):
    assert not {one if isinstance(one, str) else one.id for one in machines} & world.registered().keys()


class TestMatch:
    def test_live_instances_stay(self, world):
        some = world.live(3)
        before = world.registered()
        done = world.run()
        assert done.code == 0, done
        world.unchanged(before)
        stays(world, *some)

    @pytest.mark.parametrize("state", ["pending", "running", "stopping", "stopped"])
    def test_states_that_live(self, world, state):
        keep, one = world.live()[0], world.fleet.add()
        world.register(one)
        world.fleet.set_state(one, state)
        assert world.run().code == 0
        stays(world, keep, one)

    @pytest.mark.parametrize("state", ["shutting-down", "terminated"])
    def test_states_that_do_not(self, world, state):
        (keep,), one = world.live(), world.fleet.add()
        world.register(one)
        world.fleet.set_state(one, state)
        done = world.run()
        assert done.code == 0, done
        stays(world, keep)
        goes(world, one)

    def test_an_id_that_ec2_does_not_know(self, world):
        (keep,), (one,) = world.live(), world.gone()
        assert world.run().code == 0
        stays(world, keep)
        goes(world, one)

    def test_a_known_id_with_another_address(self, world):
        (keep,), one = world.live(), world.fleet.add()
        world.register(one, address="10.99.99.99")
        assert world.run().code == 0
        stays(world, keep)
        goes(world, one)

    def test_an_instance_that_moved(self, world):
        keep, one = world.live(2)
        world.fleet.move(one, "10.88.0.1")
        assert world.run().code == 0
        stays(world, keep)
        goes(world, one)

    def test_the_address_of_another_instance_is_no_match(self, world):
        keep, one = world.live()[0], world.fleet.add()
        world.register(one, address=keep.private)
        assert world.run().code == 0
        goes(world, one)

    def test_without_an_address(self, world):
        world.live()
        world.register("i-0000000000000dead", address=False)
        assert world.run().code == 0
        stays(world, "i-0000000000000dead")

    def test_by_the_public_address(self, world):
        one = world.fleet.add(public="54.1.2.3")
        world.register(one, address="54.1.2.3")
        world.live()
        assert world.run().code == 0
        stays(world, one)

    @pytest.mark.parametrize("address", ["10.50.0.2", "10.50.0.3", "54.9.9.3", "54.9.9.4"])
    def test_every_interface_and_secondary_address_counts(self, world, address):
        one = world.fleet.add(private="10.50.0.1", public="54.9.9.4")
        world.fleet.add_interface(one, "10.50.0.2", ("10.50.0.3", "54.9.9.3"))
        world.register(one, address=address)
        world.live()
        assert world.run().code == 0
        stays(world, one)

    def test_ipv6_alone(self, world):
        near, far = world.fleet.add(v6="2001:db8::1"), world.fleet.add(v6="2001:db8::2")
        world.register(near, address=False, AWS_INSTANCE_IPV6="2001:DB8:0:0:0:0:0:1")
        world.register(far, address=False, AWS_INSTANCE_IPV6="2001:db8::3")
        assert world.run().code == 0
        stays(world, near)
        goes(world, far)

    def test_ids_that_are_not_ec2s(self, world):
        world.live()
        others = ["task-1", "0a1b2c3d4e5f", "I-0123456789abcdef0"]
        for one in others:
            world.register(one, address="10.7.7.7")
        assert world.run().code == 0
        stays(world, *others)

    @pytest.mark.parametrize("odd", ["i-nonsense", "i-", "i-0123456789abcdefg", "i-/:.@_", "i-" + "0" * 60])
    def test_an_odd_id_does_not_spoil_the_round(self, world, odd):
        (keep,), (one,) = world.live(), world.dead()
        world.register(odd, address="10.7.7.7")
        done = world.run()
        assert done.code == 0, done
        stays(world, keep)
        goes(world, one)
        assert not any(name.startswith("InstanceId.") for call in world.ec2.called() for name in call.params)

    def test_managed_instances_are_seen(self, world):
        one = world.live(is_managed=True)[0]
        world.live()
        assert world.run().code == 0
        stays(world, one)
        assert all(call.params["IncludeManagedResources"] == "true" for call in world.ec2.called("DescribeInstances"))

    def test_an_instance_of_another_service_is_let_be(self, world):
        other = world.add_service()
        world.live()
        world.dead()
        (one,) = world.dead(service=other)
        assert world.run().code == 0
        assert one.id in world.registered(other)


class TestRegions:
    @pytest.mark.parametrize("words", [
        ["--instances-region", REGION, FAR], ["--instances-region", REGION, "--instances-region", FAR],
        [f"--instances-region={REGION}", f"--instances-region={FAR}"], ["--instances-region", REGION, FAR, REGION]])
    def test_several(self, world, words):
        near, far = world.live()[0], world.live(region=FAR)[0]
        (dead,) = world.dead(region=FAR)
        done = world.run(*words, regions=())
        assert done.code == 0, done
        stays(world, near, far)
        goes(world, dead)
        assert len(world.ec2.called(region=FAR)) == len(world.ec2.called(region=REGION)) == 1

    def test_an_instance_of_a_region_that_was_not_named(self, world):
        near, far = world.live()[0], world.live(region=FAR)[0]
        assert world.run().code == 0
        stays(world, near)
        goes(world, far)


class TestBreaker:
    def test_everything_unmatched(self, world):
        world.dead(2)
        world.gone()
        before = world.registered()
        done = world.run()
        assert done.code == 3, done
        assert any(entry["levelname"] == "WARNING" for entry in done.log)
        world.unchanged(before)

    def test_the_only_one(self, world):
        world.dead()
        before = world.registered()
        assert world.run().code == 3
        world.unchanged(before)

    def test_what_is_not_judged_does_not_count(self, world):
        world.dead()
        world.register("task-1", address="10.7.7.7")
        before = world.registered()
        assert world.run().code == 3
        world.unchanged(before)

    def test_nothing_registered(self, world):
        assert world.run().code == 0
        assert world.ec2.called("DescribeInstances") == []

    def test_nothing_to_judge(self, world):
        world.register("task-1", address="10.7.7.7")
        world.register("i-0000000000000dead", address=False)
        before = world.registered()
        assert world.run().code == 0
        world.unchanged(before)


class TestMetrics:
    """In each case `up` is 1, and only a success touches the timestamp."""

    ARGUMENTS = ("--enable-prometheus", "--prometheus-port", "0")

    def after_two_rounds(self, world, *words):
        loop = world.loop(*self.ARGUMENTS, *words)
        loop.port()
        world.rounds(3)
        metrics = loop.metrics()
        assert metrics.value(UP, service_id=world.service) == 1
        return loop, metrics

    def ends(self, loop):
        assert loop.stop() == 0

    def test_nothing_registered_is_a_success(self, world):
        began = time.time()
        loop, metrics = self.after_two_rounds(world)
        assert began - 1 <= metrics.value(SUCCESS, service_id=world.service) <= time.time() + 1
        self.ends(loop)

    def test_a_removal_is_a_success(self, world):
        world.live()
        (one,) = world.dead()
        began = time.time()
        loop, metrics = self.after_two_rounds(world)
        assert metrics.value(SUCCESS, service_id=world.service) >= began - 1
        assert metrics.total("aws_cloud_unmap_removed_total", service_id=world.service) == 1
        self.ends(loop)
        goes(world, one)

    def test_the_breaker_touches_nothing(self, world):
        world.dead(2)
        loop, metrics = self.after_two_rounds(world)
        assert metrics.value(SUCCESS, service_id=world.service) is None
        assert metrics.value("aws_cloud_unmap_guard_open", service_id=world.service) == 1
        assert metrics.value("aws_cloud_unmap_reconcile_total", service_id=world.service, result="held") >= 1
        self.ends(loop)

    @pytest.mark.parametrize("where", ["ec2", "cloud_map"])
    def test_an_error_touches_nothing(self, world, where):
        world.live(2)
        getattr(world, where).breaks(faults.Status(400, "InternalErrorOfTheTest"))
        loop, metrics = self.after_two_rounds(world)
        assert metrics.value(SUCCESS, service_id=world.service) is None
        assert metrics.value("aws_cloud_unmap_reconcile_total", service_id=world.service, result="error") >= 1
        self.ends(loop)

    def test_a_success_stays_when_the_breaker_comes(self, world):
        some = world.live(2)
        loop, _ = self.after_two_rounds(world)
        world.fleet.terminate(*some)
        loop.wait_for_metric("aws_cloud_unmap_reconcile_total", 1, service_id=world.service, result="held")
        first = loop.metrics().value(SUCCESS, service_id=world.service)
        world.rounds(2)
        assert loop.metrics().value(SUCCESS, service_id=world.service) == first
        self.ends(loop)

    def test_the_text(self, world):
        world.live()
        world.dead()
        loop, metrics = self.after_two_rounds(world)
        _, text, headers = loop.get()
        assert headers["Content-Type"].startswith(("text/plain", "application/openmetrics-text")) and text.endswith("\n")
        assert metrics.types[UP] == metrics.types[SUCCESS] == "gauge"
        assert metrics.types["aws_cloud_unmap_reconcile_duration_seconds"] == "histogram"
        assert metrics.total("aws_cloud_unmap_reconcile_duration_seconds_count") >= 2
        assert metrics.value("aws_cloud_unmap_instances", service_id=world.service, state="match") == 1
        assert metrics.total("aws_cloud_unmap_aws_requests_total", api="DescribeInstances") >= 2
        assert metrics.total("aws_cloud_unmap_build_info") == 1
        assert metrics.total("process_resident_memory_bytes") > 0 and metrics.total("process_start_time_seconds") > 0
        assert [loop.get(path)[0] for path in ("/healthz", "/readyz", "/nonsense")] == [200, 200, 404]
        self.ends(loop)

    def test_while_a_round_hangs(self, world):
        world.live()
        hang = world.ec2.breaks(faults.Hang())
        loop = world.loop(*self.ARGUMENTS)
        assert hang.reached.wait(60)
        metrics = loop.metrics()
        assert metrics.value(UP, service_id=world.service) == 1
        assert metrics.value(SUCCESS, service_id=world.service) is None
        hang.release()
        self.ends(loop)

    def test_the_address_is_in_use(self, world):
        first = world.loop(*self.ARGUMENTS)
        done = world.run("--enable-prometheus", "--prometheus-port", first.port())
        assert done.code == 69, done
        self.ends(first)


class TestLog:
    def test_keys_and_levels(self, world):
        world.live()
        (one,) = world.dead()
        done = world.run()
        assert done.code == 0 and done.log and done.out == ""
        assert any(one.id in line for line in done.err.splitlines())
        assert {entry["levelname"] for entry in done.log} <= {"INFO", "WARNING"}

    def test_on_a_terminal_too(self, world):
        world.live()
        near, far = pty.openpty()
        done = subprocess.run([unmap_binary(), *world.words("--single-run")], env=world.env(), stderr=far, check=False)
        text = os.read(near, 65536).decode()
        os.close(near)
        os.close(far)
        assert done.returncode == 0 and [log_entry(line) for line in text.splitlines()], text

    def test_nobody_reads_it(self, world):
        """A reader of the log that is gone does not end the controller between two steps of a removal."""
        world.live()
        (one,) = world.dead()
        near, far = os.pipe()
        os.close(near)
        done = subprocess.run([unmap_binary(), *world.words("--single-run")], env=world.env(), stderr=far, check=False)
        os.close(far)
        assert done.returncode == 0
        goes(world, one)

    @pytest.mark.parametrize("level, shown", [
        ("DEBUG", {"DEBUG", "INFO", "WARNING"}), ("INFO", {"INFO", "WARNING"}), ("WARNING", {"WARNING"}),
        ("ERROR", set()), ("CRITICAL", set())])
    def test_level(self, world, level, shown):
        world.live()
        world.dead()
        done = world.run("--log-level", level)
        assert done.code == 0 and {entry["levelname"] for entry in done.log} == shown

    def test_no_secret_is_ever_logged(self, world):
        key = world.amazon.cloud.add_key(seconds=3600)
        world.live()
        world.dead()
        world.ec2.breaks(faults.Status(401, "AuthFailure", "no"), times=1)
        for _ in range(2):
            done = world.run("--log-level", "DEBUG", env=world.env(key))
            assert key.secret not in done.err and key.token not in done.err


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_running_round_is_finished(self, world, number):
        world.live()
        (one,) = world.dead()
        hang = world.ec2.breaks(faults.Hang(), "DescribeInstances")
        loop = world.loop(frequency="1h")
        assert hang.reached.wait(60)
        loop.send(number)
        hang.release()
        assert loop.wait() == 0
        goes(world, one)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_between_rounds(self, world, number):
        world.live()
        loop = world.loop(frequency="1h")
        loop.wait_for("unmap_checked")
        began = time.monotonic()
        assert loop.stop(number) == 0
        assert time.monotonic() - began < 5

    def test_again_and_again(self, world):
        world.live()
        loop = world.loop()
        world.rounds(2)
        (one,) = world.dead()
        loop.wait_for("unmap_removed")
        goes(world, one)
        assert loop.stop() == 0

    def test_an_error_does_not_end_the_loop(self, world):
        world.live()
        (one,) = world.dead()
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"), times=2)
        loop = world.loop()
        loop.wait_for("unmap_unknown", 2)
        loop.wait_for("unmap_removed")
        goes(world, one)
        assert loop.stop() == 0


class TestCommandLine:
    @pytest.mark.parametrize("words", [
        ["--nonsense"], ["--service-id"], ["--frequency", "often"], ["--log-level", "LOUD"], ["--prometheus-port", "70000"],
        ["--policy", "brave"], ["--account-id", "12"], ["--se", "x"], ["--dry-run=maybe"], ["--canary", "nonsense"],
        ["--max-removal-percent", "101"], ["--only-attribute", "team"], ["nonsense"]], ids=" ".join)
    def test_wrong(self, world, words):
        done = world.command(*world.words(), *words)
        assert done.code == 64 and done.err and not done.out, done

    @pytest.mark.parametrize("words", [
        [], ["--service-region", REGION, "--instances-region", REGION], ["--service-id", "srv-a", "--instances-region", REGION],
        ["--service-id", "srv-a", "--service-region", REGION]], ids=" ".join)
    def test_what_must_be_said(self, world, words):
        done = world.command(*words)
        assert done.code == 64 and done.err and not done.out, done

    def test_help_and_version(self, world):
        done = world.command("--help")
        assert done.code == 0 and all(word in done.out for word in (
            "--service-id", "--service-region", "--instances-region", "--frequency", "--single-run", "--dry-run"))
        assert max(map(len, done.out.splitlines())) <= 80 and len(done.out.splitlines()) <= 40
        assert re.fullmatch(r"cloud-unmap \d+\.\d+\.\d+\n", world.command("--version").out)

    def test_spellings(self, world):
        world.live()
        (one,) = world.dead()
        done = world.command(f"--service-id={world.service}", f"--service-r={REGION}", "--instances-reg", REGION,
                             "--single", f"--state={world.state}")
        assert done.code == 0, done
        goes(world, one)

    def test_numbers_as_the_original_takes_them(self, world):
        world.live()
        (one,) = world.dead()
        assert world.run("--frequency", "300", "--prometheus-host", "127.0.0.1", "--prometheus-port", "9100").code == 0
        goes(world, one)


class TestMoto:
    """The same against moto's EC2, which is nobody's of this project."""

    @pytest.fixture
    def moto(self):
        python = foreign_python("moto", (5,))
        with subprocess.Popen([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in iter(process.stderr.readline, ""))
            yield next(match[0] for match in found if match)
            process.terminate()

    def test_the_original_behaviour(self, world, moto):
        def ec2(region):
            return boto3.client("ec2", endpoint_url=moto, region_name=region, config=Config(retries={"max_attempts": 0}))

        def launch(region, count):
            image = ec2(region).describe_images()["Images"][0]["ImageId"]
            return ec2(region).run_instances(ImageId=image, MinCount=count, MaxCount=count)["Instances"]

        def register(one, address=None):
            world.register(one["InstanceId"], address=address or one["PrivateIpAddress"])
            return one["InstanceId"]

        private, dead, moved, public, stopped = launch(REGION, 5)
        (far,) = launch(FAR, 1)
        live = {register(private), register(stopped), register(far)}
        shown = ec2(REGION).describe_instances(InstanceIds=[public["InstanceId"]])["Reservations"][0]["Instances"][0]
        live.add(register(public, shown["PublicIpAddress"]))
        register(dead)
        register(moved, "10.99.99.99")
        world.register("i-0123456789abcdef0", address="10.9.9.9")
        world.register("i-0fedcba9876543210", address=False)
        ec2(REGION).terminate_instances(InstanceIds=[dead["InstanceId"]])
        ec2(REGION).stop_instances(InstanceIds=[stopped["InstanceId"]])
        done = world.run(regions=(REGION, FAR), env=world.env(AWS_ENDPOINT_URL_EC2=moto))
        assert done.code == 0, done
        assert world.registered().keys() == live | {"i-0fedcba9876543210"}
