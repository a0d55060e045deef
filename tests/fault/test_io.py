# SPDX-License-Identifier: Apache-2.0
"""A disk that fails: what was acknowledged stays, reads go on, and nothing is promised that cannot be kept."""

import errno

import pytest

from crash import begin
from disks import SmallDisk, needs
from server import Server
from wire import ApiError

RUN_SECONDS = 20  # at most; a run ends when every writer was refused


def run_until_refused(server, workload):
    workload.connect(server.port)
    workload.run(RUN_SECONDS)
    assert all(w.refused for w in workload.writers), "the daemon still acknowledges writes"
    assert {status for status, _ in workload.refused} <= {500, 503}, workload.refused[:3]
    workload.refused.clear()


def try_to_write(client, workload, instance):
    """The status of one registration in a service that the workload does not judge."""
    try:
        client.call("RegisterInstance", ServiceId=workload.services["aside"], InstanceId=instance, Attributes={})
    except ApiError as error:
        return error.status
    return 200


def with_service_aside(server, seed):
    workload = begin(server, seed)
    with server.client() as client:
        workload.services["aside"] = client.service(client.namespace("aside"), "aside")
        workload.cells["service", "aside"] = workload.services["aside"]
    return workload


def judge(server, workload):
    with server.client() as client:
        workload.verify(client)


@pytest.mark.parametrize("onward", [False, True], ids=["once", "for ever"])
def test_no_write_is_acknowledged_after_a_failed_flush(faulty, plan, seed, chance, onward):
    workload = with_service_aside(faulty, seed)
    plan.arm("flush", chance.randint(1, 40), errno.EIO, onward)
    run_until_refused(faulty, workload)
    plan.disarm("flush")
    workload.drain()
    with faulty.client() as client:
        assert {try_to_write(client, workload, f"i-{n}") for n in range(10)} <= {500, 503}
        assert workload.read(client) == workload.cells, "reads go on, and show what was acknowledged"
    assert faulty.events("store_read_only"), faulty.stderr_lines
    assert faulty.stop() not in (0, None), "a daemon that lost a write must not end as if all were well"
    judge(faulty.start(), workload)
    with faulty.client() as client:
        assert try_to_write(client, workload, "i-0") == 200


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get)
def test_failing_writes_lose_nothing(faulty, plan, seed, chance, error):
    workload = with_service_aside(faulty, seed)
    plan.arm("write", chance.randint(1, 60), error, onward=True)
    run_until_refused(faulty, workload)
    workload.drain()
    with faulty.client() as client:
        assert workload.read(client) == workload.cells, "reads go on, and show what was acknowledged"
        plan.disarm("write")
        after = [try_to_write(client, workload, f"i-{n}") for n in range(10)]
    if error != errno.EIO:
        assert set(after) == {200}, "with space again, writes go on without a restart"
    assert len(set(after)) == 1 and set(after) <= {200, 503}, "either lost for good, or as if nothing had been"
    faulty.kill9()
    judge(faulty.start(), workload)


@needs(SmallDisk)
def test_a_full_disk_refuses_writes_until_there_is_space(tmp_path, seed):
    with SmallDisk(tmp_path, 48) as disk, Server(disk.at / "data") as server:
        workload = with_service_aside(server, seed)
        workload.connect(server.port)
        workload.run(20, until=lambda: sum(workload.acknowledged.values()) > 300)
        workload.settle()
        assert not workload.refused, workload.refused[:3]
        ballast = disk.fill()
        run_until_refused(server, workload)
        with server.client() as client:
            assert try_to_write(client, workload, "i-0") in (500, 503)
            assert workload.read(client) == workload.cells, "reads go on, and show what was acknowledged"
            ballast.unlink()
            assert try_to_write(client, workload, "i-1") == 200, "no restart is needed"
        workload.drain()
        server.kill9()
        judge(server.start(), workload)
        assert server.stop() == 0, server.stderr_lines

