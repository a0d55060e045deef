# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap plan and restore: what would happen and why, and how to take it back."""

import json
import threading

import pytest

from support import faults
from support.sdk import REGION
from support.unmap import wait_for_operations


def restore(world, *words):
    return world.command("restore", "--service-id", world.service, "--service-region", REGION, "--state-dir", world.state,
                         *words)


class TestPlan:
    def test_nothing_to_do(self, world):
        world.live(2)
        done = world.plan()
        assert done.code == 0, done
        assert all(one.id in done.out for one in world.fleet.machines.values())

    def test_something_to_do(self, world):
        live, dead, absent = world.live(3), world.dead()[0], world.gone()[0]
        moved = live.pop()
        world.fleet.move(moved, "10.200.0.1")
        world.register("task-1", address="10.7.7.7")
        before = world.registered()
        done = world.plan()
        assert done.code == 2, done
        for one, evidence in ((dead, "terminated"), (absent, "absent"), (moved, "moved")):
            line = next(line for line in done.out.splitlines() if one.id in line)
            assert "remove" in line and evidence in line, line
        assert all("remove" not in line for line in done.out.splitlines() if live[0].id in line)
        world.unchanged(before)

    def test_json(self, world):
        live, dead, absent = world.live(2), world.dead()[0], world.gone()[0]
        world.register("task-1", address="10.7.7.7")
        done = world.plan("-o", "json")
        assert done.code == 2, done
        plan = done.decisions()
        assert plan.keys() == world.registered().keys()
        assert [(plan[one.id]["action"], plan[one.id]["evidence"]) for one in (live[0], dead, absent)] == [
            ("keep", "present"), ("remove", "terminated"), ("remove", "absent")]
        assert (plan["task-1"]["action"], plan["task-1"]["rule"]) == ("leave", "no_ec2_id")
        assert world.journal() == []

    def test_held(self, world):
        world.dead(2)
        done = world.plan("-o", "json")
        assert done.code == 3, done
        assert {one["action"] for one in done.decisions().values()} == {"hold"}, done

    def test_unknown(self, world):
        world.live(2)
        world.dead()
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"))
        done = world.plan()
        assert done.code == 1, done
        world.unchanged(world.registered())

    def test_it_needs_no_state(self, world):
        world.live(2)
        world.dead()
        done = world.plan("--state-dir", "/proc/nonsense")
        assert done.code == 2, done

    def test_waiting(self, world):
        world.live(2)
        (absent,) = world.gone()
        done = world.plan("--confirmations", "3", "-o", "json")
        assert done.code in (0, 3) and done.decisions()[absent.id]["action"] == "wait", done

    def test_hostile_text(self, world):
        """What others registered cannot paint on a terminal."""
        world.live(2)
        world.cloud_map.breaks(faults.Rewrite(lambda body: body.replace(b"task-1", b"i-\\u001b[31m\\n\\u202e")), "ListInstances")
        world.register("task-1", address="10.7.7.7")
        done = world.plan()
        assert "\x1b" not in done.out + done.err and "\u202e" not in done.out, done


class Pause:
    """A run that waits before its second look at an instance, until the test lets it go on."""

    def __init__(self, world):
        self.world, self.reached, self.gate = world, threading.Event(), threading.Event()

    def start(self):
        self.world.cloud_map.breaks(faults.Then(self._wait), "GetInstance", times=1)
        process = self.world.start(*self.world.words("--single-run"))
        assert self.reached.wait(60)
        return process

    def _wait(self):
        self.reached.set()
        assert self.gate.wait(60)


class TestJournal:
    def test_written_before_the_call(self, world):
        """What the journal says at the moment at which the registry is asked to remove."""
        world.live(2)
        (dead,) = world.dead()
        before, seen = world.registered()[dead.id], []
        world.cloud_map.breaks(faults.Then(lambda: seen.extend(world.journal())), "DeregisterInstance")
        assert world.run().code == 0
        assert [(one["step"], one["instance_id"], one["attributes"]) for one in seen] == [("removing", dead.id, before)]
        assert [one["step"] for one in world.journal()] == ["removing", "removed"]

    def test_no_journal_no_removal(self, world):
        world.live(2)
        world.dead()
        world.state.mkdir()
        (world.state / "journal.jsonl").mkdir()
        done = world.run()
        assert done.code in (1, 73), done
        assert world.cloud_map.mutations() == []

    def test_a_crash_between(self, world):
        world.live(2)
        (dead,) = world.dead()
        attributes = world.registered()[dead.id]
        hang = world.cloud_map.breaks(faults.Hang(), "DeregisterInstance", times=1)
        process = world.start(*world.words("--single-run"))
        assert hang.reached.wait(60)
        process.kill9()
        hang.release()
        assert dead.id not in world.registered()  # the registry did it; nobody was there to hear
        done = restore(world)
        assert done.code == 0, done
        assert world.registered()[dead.id] == attributes

    @pytest.mark.parametrize("delay", ["0", "300ms"])
    def test_an_answer_that_was_lost(self, make_world, start_daemon, delay):
        """The registry did it, the second attempt hears that it is gone, or that its removal is under way: nothing has
        failed, and it can be undone."""
        world = make_world(start_daemon({"operations.delay": delay}))
        world.live(2)
        (dead,) = world.dead()
        wait_for_operations(world)
        attributes = world.registered()[dead.id]
        world.cloud_map.breaks(faults.CloseInHead(0), "DeregisterInstance", times=1)
        done = world.run()
        wait_for_operations(world)
        assert dead.id not in world.registered()
        assert restore(world).code == 0 and world.registered()[dead.id] == attributes, done
        assert done.code == 0, done

    def test_an_answer_that_was_lost_and_then_none(self, world):
        """The registry did it, and is then too busy to say so: whatever was said last, it can be undone."""
        world.live(2)
        (dead,) = world.dead()
        attributes = world.registered()[dead.id]
        world.cloud_map.breaks(faults.CloseInHead(0), "DeregisterInstance", times=1)
        world.cloud_map.breaks(faults.Throttle(), "DeregisterInstance", after=1)
        assert world.run().code == 1 and dead.id not in world.registered()
        world.cloud_map.heals()
        done = restore(world)
        assert done.code == 0 and world.registered()[dead.id] == attributes, done

    @pytest.mark.parametrize("endpoint, action", [
        ("cloud_map", "ListInstances"), ("ec2", "DescribeInstances"), ("cloud_map", "GetInstance"),
        ("cloud_map", "DeregisterInstance"), ("cloud_map", "GetOperation")])
    def test_a_crash_at_any_step(self, world, endpoint, action):
        """The next run ends where one without a crash would have; each removal was written down before."""
        live, dead = world.live(2), world.dead(3)
        hang = getattr(world, endpoint).breaks(faults.Hang(), action, times=1)
        process = world.start(*world.words("--single-run"))
        assert hang.reached.wait(60)
        process.kill9()
        hang.release()
        assert world.run().code == 0
        assert world.registered().keys() == {one.id for one in live}
        assert {one["instance_id"] for one in world.journal() if one["step"] == "removing"} == {one.id for one in dead}
        assert restore(world).code == 0
        assert world.registered().keys() == {one.id for one in live + dead}

    def test_another_controller_came_second(self, world):
        """Both wrote down that it would go; the one that found it gone does not hide that the other one took it."""
        world.live(3)
        (dead,) = world.dead()
        attributes = world.registered()[dead.id]
        first, second = Pause(world), Pause(world)
        one = first.start()
        other = second.start()
        first.gate.set()
        assert one.wait() == 0 and dead.id not in world.registered()
        second.gate.set()
        assert other.wait() == 0
        assert "kept" in [entry["step"] for entry in world.journal()], world.journal()
        assert restore(world).code == 0 and world.registered()[dead.id] == attributes

    def test_a_torn_line(self, world):
        world.live(2)
        (dead,) = world.dead()
        assert world.run().code == 0
        with open(world.state / "journal.jsonl", "a", encoding="utf-8") as file:
            file.write('{"version":1,"step":"remo')
        done = restore(world)
        assert done.code == 0 and dead.id in world.registered(), done


class TestRestore:
    def removed(self, world, count=2):
        world.live(2)
        dead = world.fleet.add_many(count)
        for n, one in enumerate(dead):
            world.register(one, AWS_INSTANCE_PORT=str(8000 + n), note="a \"b\" \\ <c> 'd' {}")
        before = world.registered()
        world.fleet.terminate(*dead)
        assert world.run().code == 0 and len(world.registered()) == 2
        return dead, before

    def test_all(self, world):
        _, before = self.removed(world)
        done = restore(world)
        assert done.code == 0, done
        assert world.registered() == before
        assert [one["step"] for one in world.journal()].count("restored") == 2

    def test_twice_is_once(self, world):
        self.removed(world)
        assert restore(world).code == 0
        world.cloud_map.forget_calls()
        done = restore(world)
        assert done.code == 0, done
        assert world.cloud_map.mutations() == []

    def test_some(self, world):
        (one, other), before = self.removed(world)
        assert restore(world, one.id).code == 0
        assert world.registered()[one.id] == before[one.id] and other.id not in world.registered()

    def test_since(self, world):
        (one, other), _ = self.removed(world)
        lines = world.journal()
        for line in lines:
            if line["instance_id"] == one.id:
                line["wall_ms"] -= 7200_000
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (world.state / "journal.jsonl").write_text(text)
        assert restore(world, "--within", "1h").code == 0
        assert other.id in world.registered() and one.id not in world.registered()

    def test_what_is_there_again_is_not_overwritten(self, world):
        (one, _), before = self.removed(world)
        world.register(one.id, address="10.200.0.1")
        done = restore(world)
        assert world.registered()[one.id]["AWS_INSTANCE_IPV4"] == "10.200.0.1", done

    def test_dry_run(self, world):
        self.removed(world)
        world.cloud_map.forget_calls()
        done = restore(world, "--dry-run")
        assert done.code == 0, done
        assert world.cloud_map.mutations() == []

    def test_an_error(self, world):
        self.removed(world)
        world.cloud_map.breaks(faults.Status(403, "AccessDeniedException"), "RegisterInstance", times=1)
        assert restore(world).code == 1
        assert len(world.registered()) == 3
        world.cloud_map.heals()
        assert restore(world).code == 0
        assert len(world.registered()) == 4

    def test_json(self, world):
        (one, other), _ = self.removed(world)
        done = restore(world, "-o", "json")
        assert done.code == 0, done
        assert {one.id, other.id} <= done.decisions().keys()

    @pytest.mark.parametrize("delay", ["0", "300ms"])
    def test_an_answer_that_was_lost(self, make_world, start_daemon, delay):
        world = make_world(start_daemon({"operations.delay": delay}))
        world.live(2)
        (dead,) = world.dead()
        wait_for_operations(world)
        before = world.registered()
        assert world.run().code == 0
        world.cloud_map.breaks(faults.CloseInHead(0), "RegisterInstance", times=1)
        done = restore(world)
        wait_for_operations(world)
        assert world.registered() == before and done.code == 0, done

    def test_nothing_was_removed(self, world):
        """Where it looked is told, since it may be the wrong place; and nothing is made there."""
        done = restore(world)
        assert done.code == 0 and f"in {world.state}, which is not there; --state-dir" in done.err, done
        assert not world.state.exists() and restore(world, "-o", "json").out == "[]\n"
        assert restore(world, "i-0123").code == 1
        world.state.mkdir()
        assert f"nothing to restore in {world.state}; --state-dir" in restore(world).out

    def test_of_all_services(self, world):
        _, before = self.removed(world)
        assert world.command("restore", "--state-dir", world.state).code == 0
        assert world.registered() == before

    def test_of_another_service(self, world):
        self.removed(world)
        done = world.command("restore", "--service-id", world.add_service(), "--state-dir", world.state)
        assert done.code == 0 and len(world.registered()) == 2, done

    def test_wrong(self, world):
        assert world.command("restore", "--nonsense", "--state-dir", world.state).code == 64
