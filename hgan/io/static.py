"""Reads the scripts and styles of the pages, which lie beside the code as files of their own language."""

from __future__ import annotations

import functools
import json
from importlib.resources import files


@functools.cache
def read_static(package: str, name: str) -> str:
    """The text of a file in the folder `static` of a package, such as `read_static("hgan.demo", "choose.js")`."""
    return (files(package) / "static" / name).read_text("utf-8")


def call_static(package: str, name: str, *values: str | float | None) -> str:
    """JavaScript that calls the function in a file, and so stands for what the function returns.

    Args:
        values: arguments of the call.
    """
    function = read_static(package, name).rstrip().removesuffix(";")
    return f"({function})({', '.join(json.dumps(value) for value in values)})"
