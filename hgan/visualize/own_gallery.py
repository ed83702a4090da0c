"""A visitor's own gallery as HTML: what was built from an upload, and its pictures. All text from users is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .charts import escape
from .pictures import Picture

SHOWN = 60  # pictures
LISTED = 12  # files that were left out


def upload_page(report: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """What a gallery holds, what was left out and why, and its first pictures as buttons whose data-id names them.

    Args:
        report: as `SessionGallery.to_json` gives it.
        pictures: of the first ids, at most SHOWN.
    """
    skipped = report["skipped"]
    listed = "".join(f"<li><b>{escape(s['name'])}</b>: {escape(s['reason'])}</li>" for s in skipped[:LISTED])
    more = f"<li>… and {len(skipped) - LISTED:,} more</li>" if len(skipped) > LISTED else ""
    left_out = f'<div class="hg-notice"><p>Left out: {_count(len(skipped), "file")}</p><ul>{listed}{more}</ul></div>'
    words = _count(report["captions"], "caption") if report["captions"] else "no captions"
    buttons = "".join(
        f'<button type="button" data-id="{escape(id_)}" aria-pressed="false"><img src="{picture.uri}" alt="">'
        f"<span>{escape(id_)}</span></button>"
        for id_, picture in zip(report["ids"], pictures, strict=False)
    )
    rest = report["pictures"] - len(pictures)
    return (
        f'<section class="hg"><h2>Your gallery: {_count(report["pictures"], "picture")}, {words}</h2>'
        f"{left_out if skipped else ''}<p>Search it on the Search page, or choose a picture to find sentences for it.</p>"
        f'<div class="hg-thumbs">{buttons}</div>{f"<p>… and {rest:,} more</p>" if rest else ""}</section>'
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
