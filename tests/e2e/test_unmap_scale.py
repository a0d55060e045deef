# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap with many instances and many services: the cost of a round, and removals that fail one by one."""

import threading

import pytest

from support import faults
from support.sdk import REGION
from support.unmap import wait_for_operations, wait_until

FAR = "eu-west-1"


def fill(world, count, service=None):
    """Registers so many live machines, with a few hands at once; returns them."""
    machines = world.fleet.add_many(count)
    hands = [threading.Thread(target=lambda part: [world.register(one, service=service) for one in part],
                              args=(machines[n::8],)) for n in range(8)]
    for one in hands:
        one.start()
    for one in hands:
        one.join()
    return machines


class TestSize:
    @pytest.mark.parametrize("count, calls", [(200, 1), (201, 2), (1000, 5), (1001, 2), (5000, 6)])
    def test_any(self, world, count, calls):
        machines = fill(world, count)
        dead = machines[:: max(1, count // 20)]
        world.fleet.terminate(*dead[::2])
        world.fleet.forget(*dead[1::2])
        if count > 1000:
            world.fleet.add_many(1000 * calls - 500 - len(world.fleet.machines))  # strangers share the region
        done = world.run()
        assert done.code == 0, done
        assert world.registered().keys() == {one.id for one in machines} - {one.id for one in dead}
        assert len(world.ec2.called("DescribeInstances")) == calls
        lists = len([one for one in world.cloud_map.called("ListInstances")])
        assert lists == -(-count // 100)
        assert len(world.cloud_map.called("DeregisterInstance")) == len(dead)

    @pytest.mark.parametrize("after", [0, 1])
    def test_one_of_two_calls_fails(self, world, after):
        fill(world, 205)
        world.dead()
        before = world.registered()
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"), times=1, after=after)
        assert world.run().code == 1
        world.unchanged(before)

    def test_small_pages(self, world):
        world.ec2.page_limit = 3
        live, dead = world.live(40), world.dead(5)
        assert world.run().code == 0
        assert world.registered().keys() == {one.id for one in live} and dead
        assert len(world.ec2.called("DescribeInstances")) == 15


class TestManyServices:
    def services(self, world, count):
        some = [world.add_service() for _ in range(count)]
        for one in some:
            world.live(2, service=one)
            world.dead(service=one)
        return some

    def left(self, world, services):
        return [len(world.registered(one)) for one in services]

    def test_by_id(self, world):
        services = self.services(world, 20)
        done = world.run(services=services, regions=(REGION, FAR))
        assert done.code == 0, done
        assert self.left(world, services) == [2] * 20
        assert len(world.ec2.called("DescribeInstances")) == 2  # one a region, whatever the number of services

    def test_by_namespace(self, world):
        services = self.services(world, 20)
        done = world.command("--namespace-id", world.namespace, "--service-region", REGION, "--instances-region", REGION,
                             "--single-run", "--state-dir", world.state)
        assert done.code == 0, done
        assert self.left(world, services) == [2] * 20
        assert len(world.ec2.called("DescribeInstances")) == 1

    def test_a_namespace_without_services_is_told(self, world):
        """Cloud Map lists none where there is no such namespace, so a slip of the pen would be silent."""
        words = ["--namespace-id", "ns-slip", "--service-region", REGION, "--instances-region", REGION, "--state-dir",
                 world.state]
        done = world.command(*words, "--single-run")
        assert done.code == 0 and [one["namespace_id"] for one in done.told("unmap_empty")] == ["ns-slip"], done
        assert "Namespace ns-slip: no services; is the id right" in world.command("plan", *words).out

    def test_a_service_that_was_deleted_is_not_shown(self, world):
        other = world.add_service()
        world.live(2)
        loop = world.start("--namespace-id", world.namespace, "--service-region", REGION, "--instances-region", REGION,
                           "--frequency", "100ms", "--state-dir", world.state, "--enable-prometheus",
                           "--prometheus-port", "0")
        loop.wait_for("unmap_checked", 2)
        assert loop.metrics().value("aws_cloud_unmap_up", service_id=other) == 1
        world.api.ok("DeleteService", Id=other)
        wait_until(lambda: loop.metrics().value("aws_cloud_unmap_up", service_id=other) is None)
        assert loop.metrics().value("aws_cloud_unmap_up", service_id=world.service) == 1 and loop.stop() == 0

    @pytest.mark.parametrize("fault", [
        faults.Status(403, "AccessDeniedException"), faults.Shorten(200), faults.Body(b"{}"), faults.RepeatToken()], ids=repr)
    def test_a_namespace_that_cannot_be_listed(self, world, fault):
        services = self.services(world, 3)
        named, hidden = services[:1], services[1:]
        world.cloud_map.breaks(fault, "ListServices")
        done = world.run("--namespace-id", world.namespace, services=named)
        assert done.code == 1, done
        assert self.left(world, named) == [2] and self.left(world, hidden) == [3, 3]

    def test_by_file(self, world):
        services = self.services(world, 4)
        file = world.base / "unmap.conf"
        file.write_text(f"service-region = {REGION}\ninstances-region = {REGION}\nstate-dir = {world.state}\n"
                        f"[target one]\nservice-id = {services[0]}\n"
                        f"[target two]\nservice-id = {services[1]} {services[2]}\nmin-remaining = 3\n")
        done = world.command("--config", file, "--single-run")
        assert done.code == 3, done
        assert self.left(world, services) == [2, 3, 3, 3]
        assert len(world.ec2.called("DescribeInstances")) == 1

    def test_one_broken_service_does_not_stop_the_others(self, world):
        services = self.services(world, 3)
        done = world.run(services=[services[0], "srv-aaaaaaaaaaaaaaaa", services[1], services[2]])
        assert done.code == 1, done
        assert self.left(world, services) == [2] * 3

    @pytest.mark.parametrize("text, code", [
        ("[target a\n", 78), ("nonsense = 1\n", 78), ("[target a]\nservice-id = srv-a\nfrequency-x = 1\n", 78),
        ("service-id srv-a\n", 78), ("[other a]\nservice-id = srv-a\n", 78), ("log-level = LOUD\n", 78)])
    def test_a_file_that_is_wrong(self, world, text, code):
        file = world.base / "unmap.conf"
        file.write_text(text)
        done = world.command("--config", file, "--single-run")
        assert done.code == code and str(file) in done.err, done

    def test_no_file(self, world):
        assert world.command("--config", world.base / "none", "--single-run").code == 78


class TestRemovals:
    @pytest.mark.parametrize("fault", [
        faults.Status(400, "InvalidInput"), faults.Status(403, "AccessDeniedException"), faults.Body(b"{", 200)], ids=repr)
    def test_one_that_fails_does_not_stop_the_others(self, world, fault):
        live, dead = world.live(2), world.dead(4)
        world.cloud_map.breaks(fault, "DeregisterInstance", times=1, after=1)
        done = world.run()
        assert done.code == 1, done
        assert len(done.told("unmap_remove_failed")) == 1 and len(done.told("unmap_removed")) == 3
        assert len(world.cloud_map.called("DeregisterInstance")) >= 4
        assert {one.id for one in live} <= world.registered().keys() and dead
        world.cloud_map.heals()
        assert world.run().code == 0  # the next round does what was left
        assert world.registered().keys() == {one.id for one in live}

    def test_throttled_ones_are_tried_again(self, world):
        live, _ = world.live(2), world.dead(2)
        world.cloud_map.breaks(faults.Throttle(), "DeregisterInstance", times=1)
        assert world.run().code == 0
        assert world.registered().keys() == {one.id for one in live}

    def test_operations_are_followed_to_their_end(self, make_world, start_daemon):
        world = make_world(start_daemon({"operations.delay": "300ms"}))
        live, dead = world.live(2), world.dead(3)
        wait_for_operations(world)
        done = world.run()
        assert done.code == 0, done
        assert world.registered().keys() == {one.id for one in live}
        asked = world.cloud_map.called("GetOperation")
        assert len({one.params["OperationId"] for one in asked}) == len(dead)
        assert all(world.api.operation(one.params["OperationId"])["Status"] == "SUCCESS" for one in asked)
        assert {entry["step"] for entry in world.journal()} == {"removing", "removed"}

    def test_an_operation_that_fails(self, world):
        world.live(2)
        world.dead(2)
        world.cloud_map.breaks(faults.Rewrite(failed), "GetOperation", times=1)
        done = world.run()
        assert done.code == 1, done
        assert len(done.told("unmap_removed")) == 1 and len(done.told("unmap_remove_failed")) == 1
        assert "the test said so" in done.err

    def test_somebody_else_is_at_it(self, make_world, start_daemon):
        """Another caller's removal of the same instance has not ended yet: DuplicateRequest."""
        world = make_world(start_daemon({"operations.delay": "700ms"}))
        live, dead = world.live(2), world.dead(3)
        wait_for_operations(world)
        world.api.ok("DeregisterInstance", ServiceId=world.service, InstanceId=dead[0].id)
        done = world.run()
        assert done.code in (0, 1), done
        wait_for_operations(world)
        assert world.registered().keys() == {one.id for one in live}
        assert world.run().code == 0

    def test_two_controllers(self, world):
        """Neither minds the other, and together they do no more than one."""
        live = world.live(3)
        loops = [world.loop(), world.loop()]
        for _ in range(4):
            world.dead(3)
            wait_until(lambda: len(world.registered()) == len(live))
        assert [one.stop() for one in loops] == [0, 0]
        assert world.registered().keys() == {one.id for one in live}
        assert [one.told("unmap_remove_failed") + one.told("unmap_unknown") for one in loops] == [[], []]

    def test_somebody_else_was_faster(self, world):
        """The instance is gone between the listing and its removal: nothing to do, and no failure."""
        live, (dead,) = world.live(2), world.dead()
        world.cloud_map.breaks(faults.Then(lambda: world.api.deregister(world.service, dead.id)), "GetInstance", times=1)
        done = world.run()
        assert done.code == 0, done
        assert world.registered().keys() == {one.id for one in live}

    def test_it_was_registered_anew_meanwhile(self, world):
        """Another instance took the id's place before its removal: it is left alone."""
        world.live(2)
        (dead,) = world.dead()
        world.cloud_map.breaks(faults.Then(lambda: world.register(dead.id, address="10.200.0.1", new="yes")),
                               "GetInstance", times=1)
        done = world.run()
        assert world.registered()[dead.id]["new"] == "yes", done
        assert world.cloud_map.called("DeregisterInstance") == []


def failed(body):
    return body.replace(b'"SUCCESS"', b'"FAIL","ErrorCode":"INTERNAL_FAILURE","ErrorMessage":"the test said so"')
