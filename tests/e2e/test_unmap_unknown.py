# SPDX-License-Identifier: Apache-2.0
"""Unknown is not gone: whatever AWS does wrong, the round fails (exit 1) and nothing is removed."""

import time

import pytest

from support import faults
from support.aws_fleet import ACCOUNT
from support.sdk import REGION
from support.swarm import Swarm

FAR = "eu-west-1"
SERVICES = {"ec2": "DescribeInstances", "cloud_map": "ListInstances"}
STATUSES, TRANSIENT = [*range(400, 600)], (500, 502, 503, 504)
BOMB = (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b"<DescribeInstancesResponse><requestId>&b;</requestId><reservationSet/></DescribeInstancesResponse>")
HURRY = ("--deadline", "200ms")  # no time to try again
EMPTY = (b'<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
         b"<reservationSet/></DescribeInstancesResponse>")


@pytest.fixture
def swarm(make_world, daemon):
    return Swarm(make_world, daemon)


@pytest.fixture
def full(world):
    """Live ones enough, so that no guard stands in the way, and dead ones that would go."""
    world.live(3)
    world.dead()
    world.before = world.registered()
    return world


def is_unknown(world, *words, **more):
    done = world.run(*words, **more)
    assert done.code == 1, done
    assert any(entry["levelname"] == "ERROR" for entry in done.log)
    world.unchanged(world.before)
    return done


def recovers(world):
    """The same world without its fault: the dead one goes."""
    for one in (world.ec2, world.sts, world.cloud_map):
        one.heals()
    done = world.run()
    assert done.code == 0 and len(world.registered()) == 3, done


def on_both(*some):
    return [(endpoint, fault) for endpoint in SERVICES for fault in some]


class TestEveryStatus:
    def test_with_a_code(self, swarm):
        swarm.all_unknown(on_both(*[faults.Status(one, f"Broken{one}") for one in STATUSES if one not in TRANSIENT]))

    def test_with_an_empty_body(self, swarm):
        some = [one for one in [201, 204, 301, 304, *STATUSES[::7]] if one not in TRANSIENT]
        swarm.all_unknown(on_both(*[faults.Status(one, None) for one in some]))

    def test_what_is_tried_again(self, swarm):
        """Three times in vain, with the waits between them."""
        statuses = [faults.Status(one, code) for one in TRANSIENT for code in (None, "InternalError")]
        cuts = [faults.Cut(n) for n in (0, 1, 30, 60, 120, 200, -2, -1)]
        closed = [faults.CloseInHead(0), faults.CloseInHead(1), faults.CloseInHead(20), faults.CloseAfterHead()]
        swarm.all_unknown(on_both(faults.Throttle(), *statuses, *cuts, *closed), each=2, at_once=24)

    @pytest.mark.parametrize("endpoint", SERVICES)
    @pytest.mark.parametrize("code", [
        "UnauthorizedOperation", "AuthFailure", "AccessDeniedException", "OptInRequired", "InvalidFilter",
        "ServiceNotFound", "PendingVerification", "Blocked"])
    def test_denied(self, full, endpoint, code):
        getattr(full, endpoint).breaks(faults.Status(403, code), SERVICES[endpoint])
        assert code in is_unknown(full).err
        recovers(full)


class TestThrottling:
    @pytest.mark.parametrize("endpoint, action", SERVICES.items())
    def test_for_long(self, full, endpoint, action):
        getattr(full, endpoint).breaks(faults.Throttle(), action)
        is_unknown(full)
        assert len(getattr(full, endpoint).called(action)) == 3  # the standard mode's attempts
        recovers(full)

    @pytest.mark.parametrize("endpoint, action", SERVICES.items())
    @pytest.mark.parametrize("fault", [faults.Throttle(), faults.Status(503, None), faults.CloseInHead(0)], ids=repr)
    def test_a_retry_helps(self, full, endpoint, action, fault):
        getattr(full, endpoint).breaks(fault, action, times=1)
        assert full.run().code == 0
        assert len(full.registered()) == 3


class TestCutBodies:
    def test_at_every_byte(self, swarm):
        """With a length that fits: only the text tells that something is missing."""
        swarm.all_unknown([(endpoint, faults.Shorten(n)) for endpoint in SERVICES
                           for n in range(self.length(swarm, endpoint))])

    def test_by_the_end_of_the_connection(self, swarm):
        """Without a length the end looks like the end."""
        swarm.all_unknown([(endpoint, faults.Cut(n, has_length=False)) for endpoint in SERVICES
                           for n in range(0, self.length(swarm, endpoint), 16)])

    @staticmethod
    def length(swarm, endpoint):
        """Of the shortest answer in this world, measured on a run that changes nothing."""
        seen = []
        service = getattr(swarm.world, endpoint)
        service.breaks(faults.Rewrite(lambda body: seen.append(len(body)) or body), SERVICES[endpoint])
        for region, one in swarm.services.items():
            done = swarm.world.plan("-o", "json", services=[one], regions=(region,))
            assert done.code == 2, done
        service.heals()
        assert len(seen) >= len(swarm.services) and min(seen) > 100
        return min(seen)


class TestOddAnswers:
    @pytest.mark.parametrize("body", [
        b"", b" ", b"ok", b"{}", b"<html><body>Login</body></html>", b"<DescribeInstancesResponse/>",
        b"<DescribeInstancesResponse><requestId>r</requestId></DescribeInstancesResponse>",
        EMPTY.replace(b"DescribeInstancesResponse", b"DescribeVpcsResponse"), EMPTY + b"<more/>", EMPTY * 2,
        EMPTY.replace(b"<requestId>r</requestId>", b""), b"\0" + EMPTY, BOMB,
        EMPTY.replace(b"<reservationSet/>", b"<reservationSet><item><instancesSet><item/></instancesSet></item>"
                      b"</reservationSet>"),
        EMPTY.replace(b"</requestId>", b"\xff</requestId>"),
        b"<Response><Errors><Error><Code>InternalError</Code></Error></Errors><RequestID>r</RequestID></Response>",
    ], ids=range(16))
    def test_of_ec2(self, full, body):
        full.ec2.breaks(faults.Body(body))
        is_unknown(full)

    @pytest.mark.parametrize("body", [
        b"", b"null", b"[]", b"{}", b'{"Instances":null}', b'{"Instances":{}}', b'{"Instances":[{}]}',
        b'{"Instances":[]', b'{"Instances":[{"Id":1}]}', b'{"Instances":[{"Id":"i-1","Attributes":{"AWS_INSTANCE_IPV4":1}}]}',
        b'{"Instances":[],"Instances":[]}', b'{"Instances":[],"NextToken":1}', b'{"Instances":[]}x',
        b'{"Instances":[{"Id":"\xff"}]}', b"<html>", b'{"__type":"InternalFailure"}'], ids=range(16))
    def test_of_cloud_map(self, full, body):
        full.cloud_map.breaks(faults.Body(body), "ListInstances")
        is_unknown(full)

    def test_a_huge_answer(self, full):
        end = b"</reservationSet>"
        full.ec2.breaks(faults.Rewrite(lambda body: body.replace(end, b" " * (80 << 20) + end)))
        is_unknown(full)

    @pytest.mark.parametrize("endpoint, action", SERVICES.items())
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed(self, full, endpoint, action, status):
        full.ec2.forget_calls()
        getattr(full, endpoint).breaks(faults.Redirect(status, full.amazon.machine.url), action)
        is_unknown(full)
        assert full.amazon.machine.called() == []

    def test_nobody_listens(self, full):
        for name in ("EC2", "SERVICEDISCOVERY"):
            is_unknown(full, *HURRY, env=full.env(**{f"AWS_ENDPOINT_URL_{name}": "http://127.0.0.1:1"}))

    def test_states_that_ec2_did_not_have(self, full):
        """Whatever they mean, they are no proof of an end."""
        full.ec2.breaks(faults.Rewrite(lambda body: body.replace(b"<name>running<", b"<name>hibernating<")))
        assert full.run().code == 0
        assert len(full.registered()) == 3

    @pytest.mark.parametrize("part", [b"<name>running</name>", b"<code>16</code><name>running</name>"])
    def test_an_instance_without_a_state(self, full, part):
        full.ec2.breaks(faults.Rewrite(lambda body: body.replace(part, b"", 1)))
        is_unknown(full)

    def test_an_instance_that_says_two_things(self, full):
        """The same id on two pages, once alive and once not."""
        one = next(iter(full.fleet.machines.values()))
        other = full.fleet.snapshot().machines[one.id]
        other.state, other.interfaces, other.tags = "terminated", [], {"twin": "yes"}
        full.fleet.machines["twin"] = other
        is_unknown(full)


class TestPages:
    @pytest.fixture
    def pages(self, full):
        full.ec2.page_limit = 1
        return full

    @pytest.mark.parametrize("fault", [faults.LostToken(), faults.RepeatToken()], ids=repr)
    def test_a_token_of_ec2_that_leads_nowhere(self, pages, fault):
        pages.ec2.breaks(fault)
        is_unknown(pages)
        assert len(pages.ec2.called()) < 20

    @pytest.mark.parametrize("after", [1, 2, 3])
    @pytest.mark.parametrize("fault", [faults.Status(403, "AuthFailure"), faults.Shorten(300), faults.Body(EMPTY[:-1]),
                                       faults.Status(400, "InvalidNextToken")], ids=repr)
    def test_a_later_page_breaks(self, pages, fault, after):
        pages.ec2.breaks(fault, after=after)
        is_unknown(pages)

    @pytest.mark.parametrize("after", [1, 2, 3])
    def test_a_page_comes_twice(self, pages, after):
        """In another one's place, with that one's token: an instance that is shown twice tells it."""
        pages.ec2.breaks(faults.RepeatPage(), times=1, after=after)
        is_unknown(pages)

    def test_a_page_comes_twice_in_the_registry(self, full):
        full.live(100)
        full.before = full.registered()
        full.cloud_map.breaks(faults.RepeatPage(), "ListInstances", times=1, after=1)
        is_unknown(full)

    def test_a_token_comes_twice(self, pages):
        """It names a next page that was named already."""
        pages.ec2.breaks(faults.Rewrite(lambda body: pages.ec2.with_token(body, "token-1")), times=2)
        is_unknown(pages)

    @pytest.mark.parametrize("fault", [
        faults.LostToken(), faults.RepeatToken(), faults.Status(400, "InvalidInput"), faults.Shorten(300)], ids=repr)
    def test_pages_of_the_registry(self, full, fault):
        full.live(100)
        before = full.registered()
        is_later = isinstance(fault, (faults.Status, faults.Shorten))
        full.cloud_map.breaks(fault, "ListInstances", after=int(is_later))
        done = full.run()
        assert done.code == 1, done
        full.unchanged(before)


class TestTime:
    @pytest.mark.parametrize("endpoint, action", SERVICES.items())
    def test_a_hang(self, full, endpoint, action):
        getattr(full, endpoint).breaks(faults.Hang(), action)
        began = time.monotonic()
        is_unknown(full, "--deadline", "500ms")
        assert time.monotonic() - began < 10

    @pytest.mark.parametrize("endpoint, action", SERVICES.items())
    def test_slow_bytes(self, full, endpoint, action):
        getattr(full, endpoint).breaks(faults.Slow(8, 0.05), action)
        began = time.monotonic()
        is_unknown(full, "--deadline", "500ms")
        assert time.monotonic() - began < 10

    def test_slow_bytes_in_time(self, full):
        full.ec2.breaks(faults.Slow(200, 0.01))
        full.cloud_map.breaks(faults.Slow(100, 0.01))
        recovers_slowly = full.run()
        assert recovers_slowly.code == 0 and len(full.registered()) == 3, recovers_slowly

    def test_a_date_that_is_wrong(self, full):
        """An answer's Date is believed for signing, not for judging; the next answer sets it right."""
        full.ec2.breaks(faults.WrongDate(7200), times=1)
        full.cloud_map.breaks(faults.WrongDate(-7200), "ListInstances", times=1)
        done = full.run()
        assert done.code == 0 and len(full.registered()) == 3, done


class TestRegions:
    @pytest.mark.parametrize("fault", [
        faults.Status(503, None), faults.Status(403, "UnauthorizedOperation"), faults.Shorten(300), faults.Body(b""),
    ], ids=repr)
    def test_one_of_two_fails(self, full, fault):
        full.live(region=FAR)
        full.before = full.registered()
        full.ec2.breaks(fault, region=FAR)
        is_unknown(full, *HURRY, regions=(REGION, FAR))

    def test_a_region_that_is_none(self, full):
        is_unknown(full, regions=(REGION, "ap-south-1"))  # the double's account has not opted in

    def test_a_service_that_does_not_depend_on_it(self, full):
        other = full.add_service()
        full.live(2, service=other, region=FAR)
        full.dead(service=other, region=FAR)
        full.ec2.breaks(faults.Throttle(), region=REGION)
        file = full.base / "two.conf"
        file.write_text(f"service-region = {REGION}\n[target near]\nservice-id = {full.service}\n"
                        f"instances-region = {REGION}\n[target far]\nservice-id = {other}\ninstances-region = {FAR}\n")
        done = full.command("--config", file, "--single-run", "--state-dir", full.state)
        assert done.code == 1, done
        assert full.registered() == full.before and len(full.registered(other)) == 2

    def test_a_registry_that_breaks_does_not_stop_the_others(self, full):
        other = full.add_service()
        full.live(2, service=other)
        full.dead(service=other)
        full.cloud_map.breaks(faults.Status(403, "AccessDeniedException"), "ListInstances", times=1)
        done = full.run(services=[full.service, other])
        assert done.code == 1, done
        assert full.registered() == full.before and len(full.registered(other)) == 2


class TestIdentity:
    @pytest.mark.parametrize("fault", [
        faults.Throttle(), faults.Status(403, "AccessDenied"), faults.Body(b""), faults.Shorten(200),
        faults.Body(b"<GetCallerIdentityResponse/>")], ids=repr)
    def test_sts_breaks(self, full, fault):
        full.sts.breaks(fault)
        is_unknown(full, "--account-id", ACCOUNT, *HURRY)
        recovers(full)

    @pytest.mark.parametrize("endpoint, action", [
        ("cloud_map", "GetService"), ("cloud_map", "GetInstancesHealthStatus"), ("sts", "GetCallerIdentity")])
    @pytest.mark.parametrize("fault", [faults.Status(403, "AccessDeniedException"), faults.Body(b"{")], ids=repr)
    def test_what_guarded_asks_besides(self, full, endpoint, action, fault):
        full.live(20)
        full.before = full.registered()
        getattr(full, endpoint).breaks(fault, action)
        is_unknown(full, "--policy", "guarded")
        assert getattr(full, endpoint).called(action)

    @pytest.mark.parametrize("fault", [
        faults.Status(403, "AccessDenied"), faults.Body(b"<AssumeRoleResponse/>"), faults.Shorten(300),
        faults.CloseInHead(0)], ids=repr)
    def test_the_role_cannot_be_assumed(self, full, fault):
        arn = full.amazon.cloud.add_role("unmap")
        full.sts.breaks(fault)
        is_unknown(full, "--role-arn", arn, *HURRY)

    def test_a_wrong_key(self, full):
        is_unknown(full, env=full.env(AWS_SECRET_ACCESS_KEY="wrong"))
        is_unknown(full, env=full.env(AWS_ACCESS_KEY_ID="AKIANOBODY"))
        is_unknown(full, env=full.env(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None))


class TestUntruth:
    """Listings that are whole and wrong. The original's options hold what the breaker can tell; the rest is what
    `--policy guarded` is for."""

    def test_an_empty_listing(self, full):
        full.ec2.breaks(faults.Body(EMPTY))
        done = full.run()
        assert done.code == 3, done
        full.unchanged(full.before)

    def test_another_account_holds(self, full):
        full.ec2.breaks(faults.OtherFleet(full.fleet, account="111122223333"))
        assert full.run().code == 3
        full.unchanged(full.before)

    GUARDED = ("--policy", "guarded", "--grace", "0", "--confirmations", "1", "--max-removal-percent", "0")

    def test_a_page_is_left_out(self, full):
        """Nobody can see that it is missing; who asks again for each instance does."""
        full.ec2.page_limit = 1
        full.ec2.breaks(faults.SkipPage(), times=1, after=1)
        full.run(*self.GUARDED)
        live = {one.id for one in full.fleet.machines.values() if one.state == "running"}
        assert live <= full.registered().keys()

    def test_a_stale_listing(self, full):
        """From before the newest instance was launched."""
        old = full.fleet.snapshot()
        (new,) = full.live()
        full.ec2.breaks(faults.OtherFleet(old), times=1)
        full.run(*self.GUARDED)
        assert new.id in full.registered()

    def test_managed_ones_are_hidden(self, full):
        hidden = full.fleet.snapshot()
        (one,) = full.live(is_managed=True)
        full.ec2.breaks(faults.OtherFleet(hidden), times=1)
        full.run(*self.GUARDED)
        assert one.id in full.registered()
