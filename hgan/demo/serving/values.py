"""What comes with a question, checked before any component or handler sees it: how much it is, and of what kind.

A page sends what its components allow; a program may send anything to any of them, also to those that no page shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

MOST_TEXT = 100_000  # characters in all, of one question
MOST_ITEMS = 2_000  # values in all
DEEPEST = 12  # lists in lists
LARGEST = 2**53  # numbers up to here are whole in every language
MOST_TICKED = 300  # of one list of choices
MOST_ID = 1_000  # characters
MOST_PATH = 4_096
_OF_A_FILE = {"path", "url", "size", "orig_name", "mime_type", "is_stream", "meta"}


@dataclass(frozen=True)
class Refused:
    """Stands for the values of a question that was refused as it came in."""

    message: str


def refusal(value: Any) -> str | None:
    """Why a question holds more than the app takes, whatever it is for; None where it does not."""
    text = 0
    for count, (one, depth) in enumerate(_walk(value)):
        if count > MOST_ITEMS:
            return f"got more than {MOST_ITEMS:,} values in one request, but expected at most that: send fewer"
        if depth > DEEPEST:
            return f"got lists within lists, {depth} deep, but expected at most {DEEPEST}"
        if isinstance(one, str):
            text += len(one)
            if text > MOST_TEXT:
                return f"got more than {MOST_TEXT:,} characters in one request, but expected at most that: shorten it"
            if any("\ud800" <= c <= "\udfff" for c in one):
                return "got text with half a character (a lone surrogate), but expected whole characters"
        elif isinstance(one, float) and not math.isfinite(one):
            return f"got {one} as a number, but expected a finite one"
        elif isinstance(one, int | float) and abs(one) > LARGEST:
            return f"got a number of more than {len(str(LARGEST)) - 1} digits, but expected a smaller one"
    return None


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    """All values, keys of objects too, and how deep each lies."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        yield one, depth
        if _is_file(one):
            continue
        if isinstance(one, dict):
            waiting += [(part, depth + 1) for part in (*one.keys(), *one.values())]
        elif isinstance(one, list | tuple):
            waiting += [(part, depth + 1) for part in one]


def _is_file(value: Any) -> bool:
    """Whether a value is what a page sends for an uploaded file; the component checks it. A drop may hold hundreds."""
    return (
        isinstance(value, dict)
        and value.keys() <= _OF_A_FILE
        and isinstance(value.get("path"), str)
        and all(len(part) <= MOST_PATH for part in value.values() if isinstance(part, str))
        and not any(isinstance(part, list) for part in value.values())
        and len(value.get("meta") or {}) < 2
    )


def checked(component: Any, value: Any, name: str, unset: bool = False) -> Any:
    """A value of the kind that a component takes; None where a list belongs is an empty one.

    Args:
        unset: whether the component starts without a choice, so that none is one of its values.

    Raises:
        ValueError: of another kind, or none of the choices.
    """
    if isinstance(component, gr.Slider):
        return _number(component, value, name)
    if isinstance(component, gr.CheckboxGroup) or (isinstance(component, gr.Dropdown) and component.multiselect):
        return _list(component, value, name)
    if isinstance(component, gr.Radio | gr.Dropdown):
        return None if value is None and unset else _one(component, value, name)
    if isinstance(component, gr.Textbox) and value is not None and not isinstance(value, str):
        raise ValueError(f"got {shown(value)} as {name}, but expected text")
    if isinstance(component, gr.Checkbox) and value is not None and not isinstance(value, bool):
        raise ValueError(f"got {shown(value)} as {name}, but expected true or false")
    if isinstance(component, gr.Dataset):
        choices = len(component.samples or [])
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < choices:
            raise ValueError(
                f"got {shown(value)} as the number of an example, but expected one from 0 to {choices - 1}"
            )
    if isinstance(component, gr.Image | gr.UploadButton) and value is not None and not isinstance(value, dict):
        raise ValueError(f"got {shown(value)} as {name}, which is not an uploaded file, but expected one")
    return value


def _number(component: gr.Slider, value: Any, name: str) -> Any:
    least, most = component.minimum, component.maximum
    whole = component.step == 1
    kind = f"a {'whole ' if whole else ''}number from {least:g} to {most:g}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= most or (whole and value != int(value)):
        raise ValueError(f"got {shown(value)} as {name}, but expected {kind}")
    return value


def _list(component: Any, value: Any, name: str) -> list[Any]:
    values = [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(v, str | int) and not isinstance(v, bool) for v in values):
        raise ValueError(f'got {shown(value)} as {name}, but expected a list of texts, such as [] or ["0"]')
    if len(values) > MOST_TICKED:
        raise ValueError(f"got {len(values):,} values as {name}, but expected at most {MOST_TICKED}")
    if not getattr(component, "allow_custom_value", False):
        for one in values:
            _require_choice(component, one, name)
    return values


def _one(component: Any, value: Any, name: str) -> Any:
    custom = getattr(component, "allow_custom_value", False)
    if value is None and custom:
        return None
    if custom and (not isinstance(value, str) or len(value) > MOST_ID):
        raise ValueError(f"got {shown(value)} as {name}, but expected text of at most {MOST_ID:,} characters")
    if not custom:
        _require_choice(component, value, name)
    return value


def _require_choice(component: Any, value: Any, name: str) -> None:
    choices = [choice for _, choice in component.choices]
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value not in choices:
        some = ", ".join(shown(choice) for choice in choices[:8]) + (", …" if len(choices) > 8 else "")
        raise ValueError(f"got {shown(value)} as {name}, but expected {'one of ' + some if some else 'none'}")


def shown(value: Any) -> str:
    """A value from outside in a message."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


def event_id(event: gr.EventData) -> str:
    """The id that a choice on a page brings.

    Raises:
        ValueError: it brings none, or something that is no id.
    """
    data = getattr(event, "_data", None)
    id_ = data.get("id") if isinstance(data, dict) else None
    if not isinstance(id_, str) or not 0 < len(id_) <= MOST_ID:
        raise ValueError(f"got {shown(id_)} as the id of what was chosen, but expected the id of a match")
    return id_
