# SPDX-License-Identifier: Apache-2.0
"""Sudden death in its short form; ./dev soak crash runs the long one."""

import pytest

from audited import SETTINGS, Judge
from crash import begin, image_rounds, kill_at_calls, kill_rounds, power_rounds
from disks import PowerDisk, needs
from server import Server

LOSS = "acknowledged|half done|went back|saw write|damaged"


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path, seed):
    print(kill_rounds(tmp_path, 15, seed))


def test_changes_and_audit_records_are_one_to_one(tmp_path, seed):
    print(kill_rounds(tmp_path, 5, seed, audited=True))


def test_a_change_without_its_record_is_noticed(tmp_path, seed):
    """And a record without its change."""
    with Server(tmp_path / "data", SETTINGS) as server:
        workload, trail = begin(server, seed), Judge(server.data)
        server.restart()
        trail.begin()
        workload.connect(server.port)
        workload.run(0.2)
        server.kill9()
        workload.drain()
        server.start()
        with server.client() as client:
            workload.verify(client)
        begun = trail.last
        trail.judge(workload)
        one = next(call for call in workload.history if call.answered is not None)
        for history, says in (([*workload.history, one], "acknowledged, and not in the audit trail"),
                              ([call for call in workload.history if call is not one], "in the audit trail, and not done")):
            workload.history, trail.last = history, begun
            with pytest.raises(AssertionError, match=says):
                trail.judge(workload)
            workload.history = [call for call in workload.history if call is not one] + [one]


@pytest.mark.parametrize("what, step", [("write", 11), ("flush", 5)])
def test_death_in_a_call_that_changes_a_file(tmp_path, seed, what, step):
    print(kill_at_calls(tmp_path, what, seed, range(1, 20 * step, step)))


@needs(PowerDisk)
def test_nothing_acknowledged_is_lost_by_a_power_cut(tmp_path, seed):
    print(power_rounds(tmp_path, 2, seed))


@needs(PowerDisk)
def test_a_disk_that_lies_about_flushes_is_noticed(tmp_path, seed):
    """The proof that the power cut takes away what was not flushed, and that the judge sees it."""
    with pytest.raises(AssertionError, match=LOSS):
        power_rounds(tmp_path, 5, seed, lie=True)


def test_images_of_a_disk_that_lies_are_noticed(tmp_path, seed):
    with pytest.raises(AssertionError, match=LOSS):
        image_rounds(tmp_path, 20, 400, seed, lie=True)


def test_an_undone_write_is_noticed(server, seed):
    """The judge finds what it looks for: a write that the history does not know, and one that is gone."""
    workload = begin(server, seed)
    workload.connect(server.port)
    workload.run(0.3)
    server.kill9()
    workload.drain()
    server.start()
    with server.client() as client:
        workload.verify(client)
        client.finished("RegisterInstance", ServiceId=workload.services["plain"], InstanceId="stranger",
                        Attributes={"k0": "1.0"})
        with pytest.raises(AssertionError, match="stranger"):
            workload.verify(client)
        client.finished("DeregisterInstance", ServiceId=workload.services["plain"], InstanceId="stranger")
        _, service, instance = next(cell for cell in workload.cells if cell[0] == "instance")
        client.finished("DeregisterInstance", ServiceId=workload.services[service], InstanceId=instance)
        with pytest.raises(AssertionError, match=f"{instance}.*found None"):
            workload.verify(client)


def test_disks_that_a_power_cut_could_have_left(tmp_path, seed):
    print(image_rounds(tmp_path, 20, 400, seed))
