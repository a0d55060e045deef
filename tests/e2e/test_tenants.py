# SPDX-License-Identifier: Apache-2.0
"""Two tenants of one daemon: neither sees, counts, changes or guesses anything of the other's.

TENANT_CALLS says how many random calls (2,000), TENANT_SEED from where (1); ./dev soak tenant takes 100,000.
"""

import os
import sys

from support.daemon import daemons
from support.tenant_worlds import run

CALLS, SEED = int(os.environ.get("TENANT_CALLS", "2000")), int(os.environ.get("TENANT_SEED", "1"))


def test_random_calls(tmp_path, recorder):
    with daemons(tmp_path, recorder) as start:
        print(run(start, tmp_path, CALLS, SEED, lambda line: print(line, file=sys.stderr, flush=True)))
