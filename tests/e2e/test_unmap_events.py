# SPDX-License-Identifier: Apache-2.0
"""cloud-unmap with a queue: EC2 and Auto Scaling tell of an end, and the instance goes in seconds."""

import json
import time

import pytest

from support import faults
from support.aws_fleet import ACCOUNT
from support.sdk import REGION
from support.unmap import wait_until


def state_change(instance_id, state="terminated", region=REGION):
    return {"version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602",
            "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "region": region,
            "resources": [f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{instance_id}"],
            "detail": {"instance-id": instance_id, "state": state}}


def lifecycle(instance_id):
    return {"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "EC2 Instance-terminate Lifecycle Action", "source": "aws.autoscaling", "account": ACCOUNT,
            "time": "2024-01-01T00:00:00Z", "region": REGION, "resources": [],
            "detail": {"LifecycleActionToken": "87654321-4321-4321-4321-210987654321", "AutoScalingGroupName": "asg",
                       "LifecycleHookName": "hook", "EC2InstanceId": instance_id,
                       "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}}


def raw(instance_id):
    """As a lifecycle hook sends it to a queue by itself."""
    return {"Origin": "AutoScalingGroup", "LifecycleHookName": "hook", "Destination": "EC2", "AccountId": ACCOUNT,
            "RequestId": "r", "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "AutoScalingGroupName": "asg", "Service": "AWS Auto Scaling", "Time": "2024-01-01T00:00:00.000Z",
            "EC2InstanceId": instance_id, "LifecycleActionToken": "t"}


@pytest.fixture
def queue(world):
    return world.sqs.add_queue("events", visibility=1, max_receives=2)


def watching(world, queue, *words):
    """A loop whose sweep is far away, behind its first round."""
    loop = world.loop("--sqs-queue-url", queue.url, *words, frequency="1h")
    loop.wait_for("unmap_checked")
    return loop


def all_handled(queue, count):
    queue.wait_until(lambda queue: len(queue.deleted) >= count)
    assert not queue.messages and not queue.dead_letters.messages


class TestEvents:
    @pytest.mark.parametrize("event", [state_change, lifecycle, raw], ids=lambda event: event.__name__)
    def test_a_dead_instance_goes_at_once(self, world, queue, event):
        world.live(2)
        (one,) = world.live()
        loop = watching(world, queue)
        world.fleet.terminate(one)
        began = time.monotonic()
        queue.send(event(one.id))
        loop.wait_for("unmap_removed")
        assert time.monotonic() - began < 5
        assert one.id not in world.registered()
        all_handled(queue, 1)
        assert loop.stop() == 0

    def test_shutting_down_counts(self, world, queue):
        world.live(2)
        (one,) = world.live()
        loop = watching(world, queue)
        world.fleet.set_state(one, "shutting-down")
        queue.send(state_change(one.id, "shutting-down"))
        loop.wait_for("unmap_removed")
        all_handled(queue, 1)
        assert one.id not in world.registered() and loop.stop() == 0

    def test_an_event_about_the_living_removes_nothing(self, world, queue):
        live = world.live(3)
        before = world.registered()
        loop = watching(world, queue)
        queue.send(state_change(live[0].id), lifecycle(live[1].id), raw(live[2].id))
        all_handled(queue, 3)
        assert loop.stop() == 0
        world.unchanged(before)

    def test_what_does_not_concern_us_is_deleted(self, world, queue):
        world.live(2)
        loop = watching(world, queue)
        queue.send(state_change("i-0123456789abcdef0"), state_change("i-0123456789abcdef0", "running"),
                   {"Service": "AWS Auto Scaling", "Event": "autoscaling:TEST_NOTIFICATION", "AccountId": ACCOUNT})
        all_handled(queue, 3)
        assert loop.stop() == 0

    def test_duplicates_and_disorder(self, world, queue):
        world.live(3)
        one, two = world.live(2)
        loop = watching(world, queue)
        world.fleet.terminate(one, two)
        queue.send(state_change(one.id), state_change(two.id), state_change(one.id, "running"),
                   state_change(one.id, "shutting-down"), state_change(two.id), lifecycle(one.id))
        loop.wait_for("unmap_removed", 2)
        all_handled(queue, 6)
        assert loop.stop() == 0
        assert len(world.registered()) == 3 and len(world.cloud_map.called("DeregisterInstance")) == 2

    def test_many_at_once(self, world, queue):
        world.live(3)
        some = world.live(25)
        loop = watching(world, queue)
        world.fleet.terminate(*some)
        queue.send(*[state_change(one.id) for one in some])
        loop.wait_for("unmap_removed", 25)
        all_handled(queue, 25)
        assert loop.stop() == 0 and len(world.registered()) == 3

    def test_poison_is_left_for_the_dead_letter_queue(self, world, queue):
        poison = ["no JSON", "{}", "[]", '{"detail-type":"EC2 Instance State-change Notification","detail":{}}',
                  '{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",'
                  '"detail":{"instance-id":7,"state":"terminated"}}', "[" * 200]
        world.live(2)
        (one,) = world.live()
        loop = watching(world, queue)
        world.fleet.terminate(one)
        queue.send(*poison, state_change(one.id))
        loop.wait_for("unmap_removed")
        queue.dead_letters.wait_until(lambda dead: len(dead.messages) == len(poison))
        queue.wait_until(lambda queue: queue.deleted)
        assert sorted(message.body for message in queue.dead_letters.messages) == sorted(poison)
        assert [json.loads(message.body)["source"] for message in queue.deleted] == ["aws.ec2"]
        assert loop.stop() == 0

    def test_deleted_only_when_handled(self, world, queue):
        """EC2 does not answer: the message comes back, and is handled then."""
        world.live(2)
        (one,) = world.live()
        loop = watching(world, queue)
        world.fleet.terminate(one)
        world.ec2.breaks(faults.Status(403, "UnauthorizedOperation"), times=1)
        queue.send(state_change(one.id))
        loop.wait_for("unmap_removed")
        all_handled(queue, 1)
        assert queue.deleted[0].receives == 2 and loop.stop() == 0

    def test_the_guards_hold_for_events_too(self, world, queue):
        one = world.live()[0]
        loop = watching(world, queue)
        world.fleet.terminate(one)
        queue.send(state_change(one.id))
        loop.wait_for("unmap_held")
        assert loop.stop() == 0
        assert one.id in world.registered() and world.cloud_map.mutations() == []

    def test_guarded(self, world, queue):
        world.live(20)
        (one,) = world.live()
        loop = watching(world, queue, "--policy", "guarded")
        world.fleet.terminate(one)
        queue.send(state_change(one.id))
        loop.wait_for("unmap_removed")
        assert one.id not in world.registered() and loop.stop() == 0

    def test_a_service_that_is_not_there(self, world, queue):
        """It is unknown for ever; the events of the others are handled all the same."""
        world.live(2)
        (one,) = world.dead()
        loop = world.loop("--sqs-queue-url", queue.url, services=[world.service, "srv-doesnotexist00"], frequency="1h")
        loop.wait_for("unmap_unknown")
        queue.send(state_change(one.id))
        all_handled(queue, 1)
        assert one.id not in world.registered() and loop.stop() == 0

    def test_dry_run(self, world, queue):
        """It takes no event away from the controller that it is tried beside."""
        world.live(2)
        (one,) = world.dead()
        queue.send(state_change(one.id))
        before = world.registered()
        loop = world.loop("--sqs-queue-url", queue.url, "--dry-run")
        loop.wait_for("unmap_would_remove", 3)
        world.rounds(2)
        assert loop.stop() == 0
        world.unchanged(before)
        assert queue.deleted == [] and not world.sqs.called("DeleteMessageBatch") + world.sqs.called("DeleteMessage")

    def test_the_sweep_goes_on_beside_it(self, world, queue):
        world.live(2)
        loop = world.loop("--sqs-queue-url", queue.url)
        world.rounds(2)
        (one,) = world.dead()  # no event tells of it
        loop.wait_for("unmap_removed")
        assert one.id not in world.registered() and loop.stop() == 0

    @pytest.mark.parametrize("fault", [
        faults.Status(403, "AccessDenied"), faults.Body(b"{"), faults.CloseInHead(0)], ids=repr)
    def test_a_broken_queue_does_not_stop_the_sweep(self, world, queue, fault):
        world.live(2)
        world.sqs.longest_wait = 0
        world.sqs.breaks(fault)
        loop = world.loop("--sqs-queue-url", queue.url)
        loop.wait_for("unmap_queue")
        (one,) = world.dead()
        loop.wait_for("unmap_removed")
        assert one.id not in world.registered() and loop.stop() == 0

    def test_a_message_that_cannot_be_deleted(self, world, queue):
        """It comes again; the queue heals."""
        world.live(2)
        (one,) = world.live()
        world.sqs.breaks(faults.Status(403, "AccessDenied"), "DeleteMessageBatch", times=1)
        loop = watching(world, queue)
        world.fleet.terminate(one)
        queue.send(state_change(one.id))
        loop.wait_for("unmap_removed")
        all_handled(queue, 1)
        assert loop.told("unmap_queue") and loop.stop() == 0

    def test_it_stops_while_it_polls(self, world, queue):
        world.live(2)
        loop = watching(world, queue)
        began = time.monotonic()
        assert loop.stop() == 0
        assert time.monotonic() - began < 5

    def test_metrics(self, world, queue):
        world.live(2)
        (one,) = world.live()
        loop = watching(world, queue, "--enable-prometheus", "--prometheus-port", "0")
        world.fleet.terminate(one)
        queue.send(state_change(one.id), "poison")
        loop.wait_for("unmap_removed")
        wait_until(lambda: loop.metrics().total("aws_cloud_unmap_events_received_total") >= 2)
        metrics = loop.metrics()
        assert any(name.startswith("aws_cloud_unmap_event_lag_seconds") for name, _ in metrics.samples)
        assert loop.stop() == 0

    def test_a_single_run_reads_no_queue(self, world, queue):
        world.live(2)
        queue.send(state_change("i-0123456789abcdef0"))
        done = world.run("--sqs-queue-url", queue.url)
        assert done.code in (0, 64) and world.sqs.called() == [], done
