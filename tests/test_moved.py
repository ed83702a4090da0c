"""Old import paths: every one finds the module under its new name, and it is never seen half imported."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hgan.moved import MOVED

ROOT = Path(__file__).resolve().parent.parent
# Eight threads import each old name at the same moment.
AT_ONCE = """
import sys, threading, warnings
warnings.simplefilter("ignore")
import hgan
from hgan.moved import MOVED
faults, together = [], threading.Barrier(8)
def work():
    for name in MOVED:
        together.wait()
        try:
            exec(f"from hgan.{name} import __file__", {})
        except ImportError as error:
            faults.append(str(error))
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit("\\n".join(sorted(set(faults))) or 0)
"""


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_path_finds_the_module_with_its_new_name(old: str) -> None:
    sys.modules.pop(f"hgan.{old}", None)
    with pytest.warns(DeprecationWarning, match=rf"hgan\.{old} has moved to hgan\.{MOVED[old]}"):
        found = importlib.import_module(f"hgan.{old}")
    assert found is importlib.import_module(f"hgan.{MOVED[old]}")
    assert found.__spec__ is not None
    assert found.__spec__.name == found.__name__ == f"hgan.{MOVED[old]}"


def test_an_unknown_path_is_refused() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"hgan\.no_such_module"):
        importlib.import_module("hgan.no_such_module")


def test_threads_that_import_an_old_path_at_once_all_find_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
