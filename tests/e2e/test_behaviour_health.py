# SPDX-License-Identifier: Apache-2.0
"""Custom health: at once by default, after AWS's wait when that is asked for; GetInstancesHealthStatus."""

import threading
import time

import pytest

from support.client import until
from support.daemon import daemons

DELAY = 2.0


def custom_service(api, name="s"):
    return api.service(api.namespace(name), name, HealthCheckCustomConfig={})


def mark(api, service_id, instance_id, status):
    api.ok("UpdateInstanceCustomHealthStatus", ServiceId=service_id, InstanceId=instance_id, Status=status)


def health(api, service_id):
    return api.ok("GetInstancesHealthStatus", ServiceId=service_id)["Status"]


class TestAtOnce:
    @pytest.fixture
    def service(self, api, fresh):
        return custom_service(api, fresh())

    def test_a_change_is_there_with_the_answer(self, api, service):
        api.register(service, "i")
        for status in ("UNHEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY"):
            answer = api.send("UpdateInstanceCustomHealthStatus", {"ServiceId": service, "InstanceId": "i",
                                                                   "Status": status})
            assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")
            assert health(api, service) == {"i": status}

    def test_the_first_status(self, api, service):
        api.register(service, "a")
        api.register(service, "b", {"AWS_INIT_HEALTH_STATUS": "HEALTHY"})
        api.register(service, "c", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
        assert health(api, service) == {"a": "HEALTHY", "b": "HEALTHY", "c": "UNHEALTHY"}

    def test_the_attribute_does_not_follow(self, api, service):
        api.register(service, "i", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
        mark(api, service, "i", "HEALTHY")
        assert health(api, service) == {"i": "HEALTHY"}
        kept = api.ok("GetInstance", ServiceId=service, InstanceId="i")["Instance"]["Attributes"]
        assert kept == {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}

    def test_registering_again_starts_over(self, api, service):
        api.register(service, "i")
        mark(api, service, "i", "UNHEALTHY")
        api.register(service, "i", {"k": "v"})
        assert health(api, service) == {"i": "HEALTHY"}

    def test_the_service_by_arn(self, api, service):
        api.register(service, "i")
        arn = api.ok("GetService", Id=service)["Service"]["Arn"]
        mark(api, arn, "i", "UNHEALTHY")
        assert health(api, arn) == {"i": "UNHEALTHY"}

    def test_it_survives_a_crash(self, start_daemon):
        daemon = start_daemon()
        service = custom_service(daemon.api)
        daemon.api.register(service, "i")
        mark(daemon.api, service, "i", "UNHEALTHY")
        daemon.restart(crash=True)
        assert health(daemon.api, service) == {"i": "UNHEALTHY"}


class TestErrors:
    """In this order: constraints, service, instance, custom check."""

    def test_the_order(self, api, fresh):
        call, namespace = "UpdateInstanceCustomHealthStatus", api.namespace(fresh())
        plain = api.service(namespace, "plain")
        checked = api.service(namespace, "checked", HealthCheckConfig={"Type": "TCP"})
        api.invalid(call, "1 validation error detected: Value 'UNKNOWN' at 'status' failed to satisfy constraint: "
                    "Member must satisfy enum value set: [HEALTHY, UNHEALTHY]", ServiceId="srv-none", InstanceId="i",
                    Status="UNKNOWN")
        api.fails(call, "ServiceNotFound", ServiceId="srv-none", InstanceId="i", Status="HEALTHY")
        api.fails(call, "InstanceNotFound", ServiceId=plain, InstanceId="i", Status="HEALTHY")
        api.register(plain, "i")
        api.register(checked, "i", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "9"})
        for service in (plain, checked):
            api.fails(call, "CustomHealthNotFound", ServiceId=service, InstanceId="i", Status="HEALTHY")


class TestGetInstancesHealthStatus:
    def test_without_any_check(self, api, fresh):
        service = api.service(api.namespace(fresh()), "a")
        assert health(api, service) == {}
        api.register(service, "i")
        assert health(api, service) == {"i": "UNKNOWN"}

    def test_some(self, api, fresh):
        service = custom_service(api, fresh())
        for name in "abc":
            api.register(service, name)
        mark(api, service, "c", "UNHEALTHY")
        ask = {"ServiceId": service, "Instances": ["c", "a"]}
        assert api.ok("GetInstancesHealthStatus", **ask)["Status"] == {"a": "HEALTHY", "c": "UNHEALTHY"}
        api.fails("GetInstancesHealthStatus", "InstanceNotFound", ServiceId=service, Instances=["a", "x"])
        api.invalid("GetInstancesHealthStatus", ServiceId=service, Instances=[])
        api.fails("GetInstancesHealthStatus", "ServiceNotFound", ServiceId="srv-none")

    def test_the_same_one_twice(self, api, fresh):
        service = custom_service(api, fresh())
        api.register(service, "a")
        assert api.ok("GetInstancesHealthStatus", ServiceId=service, Instances=["a", "a"])["Status"] == {"a": "HEALTHY"}

    def test_pages(self, api, fresh):
        service = custom_service(api, fresh())
        names = {f"i{i}" for i in range(7)}
        for name in names:
            api.register(service, name)
        for more in ({}, {"Instances": sorted(names)}):
            pages = api.pages("GetInstancesHealthStatus", "Status", ServiceId=service, MaxResults=3, **more)
            assert [len(page) for page in pages] == [3, 3, 1]
            assert set().union(*pages) == names


class TestWait:
    """health.custom_delay: AWS's rules. The wait runs from the first request with a value; repeats do not restart it;
    the value in effect cancels it."""

    @pytest.fixture(scope="class")
    def waiting(self, tmp_path_factory, recorder):
        with daemons(tmp_path_factory.mktemp("waiting"), recorder) as start:
            yield start({"health.custom_delay": f"{int(DELAY)}s"})

    @pytest.fixture
    def service(self, waiting, fresh):
        made = custom_service(waiting.api, fresh())
        waiting.api.register(made, "i")
        return made

    @staticmethod
    def changes(api, service, status, since):
        """Waits for the status; returns the seconds since `since`."""
        until(lambda: health(api, service), lambda seen: seen == {"i": status})
        return time.monotonic() - since

    def test_it_takes_the_delay(self, waiting, service):
        for status in ("UNHEALTHY", "HEALTHY"):
            start = time.monotonic()
            mark(waiting.api, service, "i", status)
            assert health(waiting.api, service) != {"i": status}
            assert DELAY - 0.1 <= self.changes(waiting.api, service, status, start)

    def test_repeats_do_not_extend_it(self, waiting, service):
        """Repeated without end, the change still comes: a restarted wait would never."""
        mark(waiting.api, service, "i", "UNHEALTHY")
        start = time.monotonic()

        def repeat_and_look():
            mark(waiting.api, service, "i", "UNHEALTHY")
            return health(waiting.api, service)

        until(repeat_and_look, lambda seen: seen == {"i": "UNHEALTHY"})
        assert DELAY - 0.1 <= time.monotonic() - start

    def test_the_value_in_effect_cancels_it(self, waiting, service):
        """A second instance is marked after the cancelled one; when its change shows, the other's would have come."""
        api = waiting.api
        api.register(service, "witness")
        mark(api, service, "i", "UNHEALTHY")
        mark(api, service, "i", "HEALTHY")
        mark(api, service, "witness", "UNHEALTHY")
        seen = until(lambda: health(api, service), lambda now: now["witness"] == "UNHEALTHY")
        assert seen["i"] == "HEALTHY"

    def test_after_a_cancel_the_wait_starts_anew(self, waiting, service):
        mark(waiting.api, service, "i", "UNHEALTHY")
        mark(waiting.api, service, "i", "HEALTHY")
        start = time.monotonic()
        mark(waiting.api, service, "i", "UNHEALTHY")
        assert DELAY - 0.1 <= self.changes(waiting.api, service, "UNHEALTHY", start)

    def test_registering_again_drops_it(self, waiting, service):
        api = waiting.api
        mark(api, service, "i", "UNHEALTHY")
        api.register(service, "i")
        api.register(service, "witness")
        mark(api, service, "witness", "UNHEALTHY")
        seen = until(lambda: health(api, service), lambda now: now["witness"] == "UNHEALTHY")
        assert seen["i"] == "HEALTHY"

    def test_deregistering_drops_it(self, waiting, service):
        api = waiting.api
        mark(api, service, "i", "UNHEALTHY")
        api.deregister(service, "i")
        api.register(service, "i")
        api.register(service, "witness")
        mark(api, service, "witness", "UNHEALTHY")
        seen = until(lambda: health(api, service), lambda now: now["witness"] == "UNHEALTHY")
        assert seen["i"] == "HEALTHY"

    @pytest.mark.parametrize("crash", [False, True])
    def test_it_survives_a_restart(self, start_daemon, crash):
        daemon = start_daemon({"health.custom_delay": f"{int(DELAY)}s"})
        service = custom_service(daemon.api)
        daemon.api.register(service, "i")
        start = time.monotonic()
        mark(daemon.api, service, "i", "UNHEALTHY")
        daemon.restart(crash=crash)
        taken = self.changes(daemon.api, service, "UNHEALTHY", start)
        assert DELAY - 0.1 <= taken

    def test_it_is_over_when_it_ran_out_while_down(self, start_daemon):
        daemon = start_daemon({"health.custom_delay": "1s"})
        service = custom_service(daemon.api)
        daemon.api.register(service, "i")
        mark(daemon.api, service, "i", "UNHEALTHY")
        daemon.kill9()
        threading.Event().wait(1.1)  # the clock is the only event here
        daemon.start()
        until(lambda: health(daemon.api, service), lambda seen: seen == {"i": "UNHEALTHY"}, seconds=5)

    def test_compat_aws_means_thirty_seconds(self, start_daemon):
        """Not waited for: nothing changes while a daemon with a short wait would have changed."""
        daemon = start_daemon({"compat": "aws"})
        short = start_daemon({"compat": "aws", "health.custom_delay": "1s"})
        services = {}
        for one in (daemon, short):
            services[one] = custom_service(one.api)
            one.api.register(services[one], "i")
            mark(one.api, services[one], "i", "UNHEALTHY")
        until(lambda: health(short.api, services[short]), lambda seen: seen == {"i": "UNHEALTHY"})
        assert health(daemon.api, services[daemon]) == {"i": "HEALTHY"}
