# SPDX-License-Identifier: Apache-2.0
import subprocess
import pytest
def foreign_python(module, version):
    program = f"import {module}; print({module}.__version__)"
    try:
        done = subprocess.run(["python3", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        done = None
    if done is None or done.returncode != 0 or tuple(map(int, done.stdout.split("."))) < version:
        pytest.skip(f"no {module} {'.'.join(map(str, version))} or newer here")
    return "python3"
