# SPDX-License-Identifier: Apache-2.0
"""The guards of cloud-unmap: each option, alone and as --policy guarded, and what an operator can release."""

import json
import os
import time

import pytest

from support import faults
from support.aws_fleet import ACCOUNT
from support.sdk import REGION

OTHER = "111122223333"
NEW = "2099-01-01T00:00:00.000Z"


def held(world, done, before=None):
    """Exit 3, and nothing was removed."""
    assert done.code == 3, done
    assert any(entry["levelname"] == "WARNING" for entry in done.log), done
    assert world.cloud_map.mutations() == []
    assert before is None or world.registered() == before


def gone(world, *machines):
    return not {one.id for one in machines} & world.registered().keys()


class TestDryRun:
    def test_nothing_is_changed(self, world):
        world.live(2)
        dead = world.dead()[0]
        before = world.registered()
        done = world.run("--dry-run")
        assert done.code == 0, done
        world.unchanged(before)
        assert dead.id in done.err and len(done.told("unmap_would_remove")) == 1
        assert not world.state.exists() or not world.journal()

    def test_what_holds_is_told(self, world):
        world.dead(2)
        held(world, world.run("--dry-run"))

    def test_without_a_state_directory(self, world):
        world.live(2)
        world.dead()
        assert world.run("--dry-run", "--state-dir", "/proc/nonsense").code == 0
        assert world.run("--state-dir", "/proc/nonsense").code == 73


class TestLimits:
    def test_max_removal_percent(self, world):
        world.live(8)
        dead = world.dead(2)
        before = world.registered()
        held(world, world.run("--max-removal-percent", "19"), before)
        assert world.run("--max-removal-percent", "20").code == 0
        assert gone(world, *dead)

    def test_max_removals(self, world):
        world.live(2)
        world.dead(5)
        assert world.run("--max-removals", "2").code == 3
        assert len(world.registered()) == 5
        assert world.run("--max-removals", "2").code == 3
        assert world.run("--max-removals", "2").code == 0
        assert len(world.registered()) == 2

    def test_max_removals_is_for_all_services_together(self, world):
        services = [world.service, world.add_service(), world.add_service()]
        for one in services:
            world.live(2, service=one)
            world.dead(2, service=one)
        assert world.run("--max-removals", "4", services=services).code == 3
        assert sum(len(world.registered(one)) for one in services) == 8

    def test_min_remaining(self, world):
        world.live(2)
        (dead,) = world.dead()
        before = world.registered()
        held(world, world.run("--min-remaining", "3"), before)
        assert world.run("--min-remaining", "2").code == 0
        assert gone(world, dead)

    def test_min_remaining_0_may_empty_a_service(self, world):
        world.dead(2)
        assert world.run("--min-remaining", "0").code == 0
        assert world.registered() == {}

    def test_a_limit_holds_one_service_alone(self, world):
        other = world.add_service()
        world.dead(2)
        world.live(3, service=other)
        (dead,) = world.dead(service=other)
        assert world.run(services=[world.service, other]).code == 3
        assert len(world.registered()) == 2 and dead.id not in world.registered(other)


class TestTime:
    def test_confirmations(self, world):
        """Over restarts, by what the state directory remembers."""
        world.live(2)
        (absent,) = world.gone()
        for _ in range(2):
            assert world.run("--confirmations", "3").code == 3
            assert not gone(world, absent)
        assert world.run("--confirmations", "3").code == 0
        assert gone(world, absent)

    def test_confirmations_must_follow_one_another(self, world):
        world.live(2)
        (absent,) = world.gone()
        assert world.run("--confirmations", "2").code == 3
        world.fleet.machines[absent.id] = absent  # there again
        assert world.run("--confirmations", "2").code == 0
        world.fleet.forget(absent)
        assert world.run("--confirmations", "2").code == 3
        assert not gone(world, absent)

    def test_a_round_that_failed_confirms_nothing(self, world):
        """They must be consecutive."""
        world.live(2)
        (absent,) = world.gone()
        assert world.run("--confirmations", "2").code == 3
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"))
        assert world.run("--confirmations", "2").code == 1
        world.ec2.heals()
        assert world.run("--confirmations", "2").code == 3
        assert not gone(world, absent)
        assert world.run("--confirmations", "2").code == 0
        assert gone(world, absent)

    def test_terminated_ones_need_none(self, world):
        world.live(2)
        (dead,) = world.dead()
        assert world.run("--confirmations", "3", "--grace", "1h").code == 0
        assert gone(world, dead)

    def test_another_address_begins_anew(self, world):
        world.live(2)
        (absent,) = world.gone()
        assert world.run("--confirmations", "2").code == 3
        world.register(absent.id, address="10.200.0.9")
        assert world.run("--confirmations", "2").code == 3
        assert world.run("--confirmations", "2").code == 0

    def test_grace(self, world):
        world.live(2)
        (absent,) = world.gone()
        assert world.run("--grace", "1h").code == 3
        assert not gone(world, absent)
        assert world.run("--grace", "0").code == 0
        assert gone(world, absent)

    def test_grace_runs_out(self, world):
        world.live(2)
        (absent,) = world.gone()
        loop = world.loop("--grace", "700ms")
        loop.wait_for("unmap_removed")
        assert gone(world, absent) and loop.stop() == 0
        assert len(world.cloud_map.called("ListInstances")) >= 3

    def test_grace_of_a_moved_one_counts_from_its_launch(self, world):
        world.live(2)
        one = world.fleet.add(launched=NEW)
        world.register(one, address="10.200.0.9")
        assert world.run("--grace", "1s").code == 3
        assert not gone(world, one)

    def test_require_terminated(self, world):
        (moved, _, _), (absent,), (dead,) = world.live(3), world.gone(), world.dead()
        world.fleet.move(moved, "10.200.0.9")
        done = world.run("--require-terminated")
        assert done.code in (0, 3), done
        assert gone(world, dead) and not gone(world, absent) and not gone(world, moved)


class TestPlace:
    def test_canary_by_id(self, world):
        keep = world.live(2)[0]
        (dead,) = world.dead()
        held(world, world.run("--canary", "i-0123456789abcdef0"), world.registered())
        assert world.run("--canary", keep.id).code == 0
        assert gone(world, dead)

    def test_canary_by_tag(self, world):
        world.live(2)
        (dead,) = world.dead()
        held(world, world.run("--canary", "tag:role=canary"), world.registered())
        watch = world.fleet.add(tags={"role": "canary"})
        world.fleet.terminate(watch)
        held(world, world.run("--canary", "tag:role=canary"), world.registered())
        world.fleet.add(tags={"role": "canary"})
        assert world.run("--canary", "tag:role=canary").code == 0
        assert gone(world, dead)

    def test_several_canaries(self, world):
        """Each must be seen."""
        keep, other = world.live(2)
        (dead,) = world.dead()
        held(world, world.run("--canary", "i-0123456789abcdef0", "--canary", keep.id), world.registered())
        assert world.run("--canary", other.id, "--canary", keep.id).code == 0
        assert gone(world, dead)

    def test_account(self, world):
        world.live(2)
        (dead,) = world.dead()
        held(world, world.run("--account-id", OTHER), world.registered())
        assert world.run("--account-id", ACCOUNT).code == 0
        assert gone(world, dead) and world.sts.called("GetCallerIdentity")

    def test_the_account_of_the_instances(self, world):
        """STS says the right account, the listing shows another one's instances."""
        world.live(2)
        world.dead()
        world.fleet.add(account=OTHER)
        world.ec2.breaks(faults.OtherFleet(world.fleet, account=OTHER))
        held(world, world.run("--account-id", ACCOUNT, "--min-remaining", "0"), world.registered())

    def test_sts_is_not_asked_for_nothing(self, world):
        world.live(2)
        world.dead()
        assert world.run().code == 0
        assert world.sts.called() == []


class TestSelection:
    def test_opt_out(self, world):
        world.live(2)
        kept, dead = world.fleet.add(), world.dead()[0]
        world.register(kept, CLOUD_UNMAP_IGNORE="no matter what")
        world.fleet.terminate(kept)
        assert world.run().code == 0
        assert gone(world, dead) and not gone(world, kept)

    def test_opt_out_by_another_name(self, world):
        world.live(2)
        kept, dead = world.fleet.add(), world.fleet.add()
        world.register(kept, pinned="1")
        world.register(dead, CLOUD_UNMAP_IGNORE="1")
        world.fleet.terminate(kept, dead)
        assert world.run("--opt-out-attribute", "pinned").code == 0
        assert gone(world, dead) and not gone(world, kept)

    def test_only_attribute(self, world):
        for one in world.fleet.add_many(2):
            world.register(one, team="blue")
        kept, dead = world.fleet.add(), world.fleet.add()
        world.register(kept, team="red")
        world.register(dead, team="blue")
        world.fleet.terminate(kept, dead)
        assert world.run("--only-attribute", "team=blue").code == 0
        assert gone(world, dead) and not gone(world, kept)


class TestGuarded:
    """--policy guarded, as recommended."""

    def run(self, world, *words, **more):
        return world.run("--policy", "guarded", *words, **more)

    def test_terminated_ones_go_at_once(self, world):
        world.live(20)
        (dead,) = world.dead()
        done = self.run(world)
        assert done.code == 0, done
        assert gone(world, dead)

    def test_absent_ones_wait(self, world):
        world.live(20)
        (absent,) = world.gone()
        for _ in range(4):
            assert self.run(world).code == 3
        assert not gone(world, absent)

    def test_too_many_hold(self, world):
        world.live(10)
        world.dead(5)
        held(world, self.run(world), world.registered())

    def test_another_account_holds(self, world):
        """cloudmapd without keys has no account of its own: the one that was seen first is the right one."""
        world.live(20)
        assert self.run(world).code == 0
        world.dead()
        other = world.amazon.cloud.add_key(OTHER)
        for one in world.fleet.of(ACCOUNT, REGION):
            one.account = OTHER
        for _ in range(2):
            held(world, self.run(world, env=world.env(other)), world.registered())
        for one in world.fleet.of(OTHER, REGION):
            one.account = ACCOUNT
        held(world, self.run(world), world.registered())  # frozen for a while, though the right one is back

    def test_each_removal_is_looked_at_again(self, world):
        """The listing is stale; the second look sees the instance alive."""
        live = world.live(20)
        stale = world.fleet.snapshot()
        stale.terminate(stale.machines[live[0].id])
        world.ec2.breaks(faults.OtherFleet(stale), times=1)
        done = self.run(world)
        assert not gone(world, live[0]), done
        assert world.cloud_map.mutations() == []

    def test_a_second_look_that_fails_is_no_removal(self, world):
        world.live(20)
        (dead,) = world.dead()
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"), after=1)
        done = self.run(world)
        assert done.code in (1, 3) and not gone(world, dead), done

    def test_what_was_registered_anew_is_left_alone(self, world):
        world.live(20)
        (dead,) = world.dead()
        world.cloud_map.breaks(faults.Then(lambda: world.register(dead.id, address="10.200.0.1")), "GetInstance", times=1)
        self.run(world)
        assert world.registered()[dead.id]["AWS_INSTANCE_IPV4"] == "10.200.0.1"

    def test_few_a_round(self, world):
        world.live(60)
        world.dead(4)
        assert self.run(world).code == 3
        assert 60 <= len(world.registered()) < 64


class TestApprove:
    def test_release_what_a_limit_holds(self, world):
        live, dead = world.live(2), world.dead(3)
        assert world.run("--max-removal-percent", "10").code == 3
        done = world.command("approve", "--service-id", world.service, "--state-dir", world.state,
                             *[one.id for one in dead])
        assert done.code == 0, done
        assert world.run("--max-removal-percent", "10").code == 0
        assert world.registered().keys() == {one.id for one in live}

    def test_only_those_that_were_named(self, world):
        world.live(2)
        one, two, three = world.dead(3)
        assert world.command("approve", "--service-id", world.service, "--state-dir", world.state, one.id).code == 0
        assert world.run("--max-removal-percent", "10").code == 3
        assert gone(world, one) and not gone(world, two) and not gone(world, three)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root works for another user")
    def test_by_root_for_a_controller_of_another_user(self, world):
        """Under systemd the controller has a user of its own, and the operator says sudo."""
        world.live(2)
        dead = world.dead(3)
        world.state.mkdir(mode=0o700)
        os.chown(world.state, 65534, 65534)
        assert world.command("approve", "--service-id", world.service, "--state-dir", world.state, dead[0].id).code == 0
        assert world.run("--max-removal-percent", "10").code == 3 and gone(world, dead[0])
        owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in world.state.iterdir()}
        assert {"approved.jsonl", "journal.jsonl", "lock"} <= owners.keys()
        assert set(owners.values()) == {(65534, 65534)}, owners

    def test_it_runs_out(self, world):
        world.live(2)
        world.dead(3)
        some = list(world.registered())
        assert world.command("approve", "--service-id", world.service, "--state-dir", world.state, *some).code == 0
        path = world.state / "approved.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert all(0 < one["until_ms"] - time.time() * 1000 <= 3600_000 for one in lines)
        path.write_text("".join(json.dumps(one | {"until_ms": 1}, separators=(",", ":")) + "\n" for one in lines))
        held(world, world.run("--max-removal-percent", "10"))

    def test_it_does_not_kill_the_living(self, world):
        live = world.live(3)
        world.dead(3)
        assert world.command("approve", "--service-id", world.service, "--state-dir", world.state, live[0].id).code == 0
        assert world.run("--max-removal-percent", "10").code == 3
        assert not gone(world, *live)

    @pytest.mark.parametrize("words", [[], ["--service-id", "srv-a"], ["i-0123456789abcdef0"]])
    def test_wrong(self, world, words):
        assert world.command("approve", "--state-dir", world.state, *words).code == 64


class TestState:
    def test_damaged_history_is_not_trusted(self, world):
        world.live(2)
        (absent,) = world.gone()
        assert world.run("--confirmations", "2").code == 3
        for path in world.state.glob("history*"):
            path.write_text("nonsense\n")
        done = world.run("--confirmations", "2")
        assert done.code in (3, 65) and not gone(world, absent), done

    def test_the_directory_is_private(self, world):
        world.live(2)
        world.dead()
        assert world.run().code == 0
        assert world.state.stat().st_mode & 0o077 == 0
        assert all(path.stat().st_mode & 0o077 == 0 for path in world.state.iterdir())

    def test_default_of_systemd(self, world):
        world.live(2)
        world.dead()
        home = world.base / "systemd"
        home.mkdir()
        done = world.command("--service-id", world.service, "--service-region", REGION, "--instances-region", REGION,
                             "--single-run", env=world.env(STATE_DIRECTORY=home))
        assert done.code == 0, done
        lines = [json.loads(line) for line in (home / "journal.jsonl").read_text().splitlines()]
        assert [one["step"] for one in lines] == ["removing", "removed"]


class TestTargets:
    def config(self, world, text):
        path = world.base / "unmap.conf"
        path.write_text(f"service-region = {REGION}\ninstances-region = {REGION}\n{text}", encoding="utf-8")
        return path

    def test_the_one_that_names_a_service_has_it(self, world):
        """A laxer target over its namespace does not judge it, too, whatever role it has."""
        world.live(2)
        world.dead()
        before, role = world.registered(), world.amazon.cloud.add_role("unmap")
        path = self.config(world, f"[target rest]\nnamespace-id = {world.namespace}\n[target careful]\n"
                                  f"service-id = {world.service}\nmin-remaining = 100\nrole-arn = {role}\n")
        done = world.command("--single-run", "--config", path, "--state-dir", world.state)
        assert done.code == 3, done
        world.unchanged(before)

    def test_flags_do_not_go_round_a_section(self, world):
        world.live(2)
        world.dead()
        before = world.registered()
        path = self.config(world, f"[target careful]\nservice-id = {world.service}\nmin-remaining = 100\n")
        done = world.command("--single-run", "--config", path, "--service-id", world.service, "--state-dir", world.state)
        assert done.code == 64 and "it has sections" in done.err, done
        world.unchanged(before)

    def test_an_option_is_no_value(self, world):
        world.live(2)
        world.dead()
        before = world.registered()
        for option in ("--opt-out-attribute", "--canary"):
            done = world.command(*world.words("--single-run", option, "--dry-run"))
            assert done.code == 64 and "a value is missing" in done.err, done
        world.unchanged(before)

    def test_one_that_hangs_takes_no_time_of_others(self, make_world, start_daemon):
        world = make_world(start_daemon(), regions=(REGION, "eu-west-1"))
        other = world.add_service()
        world.live(2)
        (dead,) = world.dead()
        world.live(2, service=other, region="eu-west-1")
        hang = world.ec2.breaks(faults.Hang(), "DescribeInstances", region="eu-west-1")
        path = self.config(world, f"deadline = 2s\n[target a]\nservice-id = {world.service}\n[target b]\n"
                                  f"service-id = {other}\ninstances-region = eu-west-1\n")
        done = world.command("--single-run", "--config", path, "--state-dir", world.state)
        hang.release()
        assert done.code == 1 and dead.id not in world.registered(), done
