#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A steady load of registrations: dns_churn.py PORT SERVICES RATE SECONDS. Says `started`, then how many a second were
acknowledged."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.dont_write_bytecode = True

import wire  # noqa: E402

SLICE = 0.01


def main():
    port, path, rate, seconds = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    services = path.read_text(encoding="utf-8").split()
    clients = [wire.Client(port) for _ in range(16)]
    each = max(1, int(rate * SLICE))
    n, began = 0, time.monotonic()
    print("started", flush=True)
    while (now := time.monotonic() - began) < seconds:
        due = min(int(now * rate) - n, each * 4)
        for at in range(0, max(due, 0), len(clients)):
            batch = clients[:min(len(clients), due - at)]
            for client in batch:  # all sent before the first answer is read: they share commits
                body = wire.json.dumps({"ServiceId": services[n % len(services)], "InstanceId": f"c-{n % 800}",
                                        "CreatorRequestId": str(n),
                                        "Attributes": {"AWS_INSTANCE_IPV4": f"10.9.{n // 250 % 250}.{n % 250 + 1}"}})
                client.socket.sendall(wire.request("RegisterInstance", body.encode()))
                n += 1
            for client in batch:
                status, answer = client.exchange(b"")
                assert status == 200, answer
        time.sleep(SLICE)
    print(int(n / (time.monotonic() - began)))


if __name__ == "__main__":
    main()
