"""JSON lines, read with bounds: one line at a time, and what is wrong with a line said in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .left_out import LeftOut

MAX_LINE = 50_000_000  # bytes
FORM = "a JSON object"


@dataclass(frozen=True)
class Line:
    """One line that is not blank: what it holds, or why that cannot be read."""

    where: str  # such as "captions.jsonl line 3"
    value: dict[str, Any] | None
    reason: str = ""
    raw: bytes = b""  # its beginning, where it cannot be read


def read_jsonl(path: Path, left_out: list[LeftOut] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines of a JSON-lines file with where they stand ("captions.jsonl line 3"); blank lines are passed over.

    Args:
        left_out: takes the lines that cannot be read; without it they are an error.

    Raises:
        ValueError: a line is not a JSON object, or the file is not UTF-8.
    """
    for line in lines_of(path):
        if line.value is not None:
            yield line.where, line.value
        elif left_out is None:
            raise ValueError(f"{line.where}: {line.reason}")
        else:
            left_out.append(LeftOut(line.where, line.reason))


def lines_of(path: Path) -> Iterator[Line]:
    """Every line that is not blank, whether it can be read or not."""
    with path.open("rb") as file:
        yield from parse_lines(file, path.name)


def parse_lines(
    file: IO[bytes], name: str, longest: int = MAX_LINE, stopped: Callable[[], None] | None = None
) -> Iterator[Line]:
    """As `lines_of`, from an open file.

    Args:
        longest: bytes of a line; a longer one is passed over without being kept.
        stopped: called at every line; what it raises ends the reading.
    """
    number = 0
    while raw := file.readline(longest + 1):
        number += 1
        if stopped:
            stopped()
        where = f"{name} line {number}"
        if len(raw) > longest and not raw.endswith(b"\n"):
            while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
            yield Line(where, None, f"got a line of more than {longest:,} bytes, but expected at most that", raw[:2000])
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip():
            yield _parse(where, raw)


def parse_object(raw: bytes | str) -> Any:
    """JSON from outside.

    Raises:
        ValueError: in plain words, whatever is wrong: no JSON, another encoding, too deep, a number of thousands of digits.
    """
    try:
        return json.loads(raw.decode("utf-8") if isinstance(raw, bytes) else raw)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1:,}") from None
    except RecursionError:
        raise ValueError("lists or objects nested too deeply") from None
    except ValueError:
        raise ValueError("a number with too many digits") from None


def _parse(where: str, raw: bytes) -> Line:
    try:
        value = parse_object(raw)
    except ValueError as error:
        return Line(where, None, f"got a damaged line, but expected {FORM} ({error})", raw[:2000])
    if not isinstance(value, dict):
        return Line(where, None, f"got {type(value).__name__}, but expected {FORM}", raw[:2000])
    return Line(where, value)
