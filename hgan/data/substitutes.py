"""Pictures of a training set: in place of one that cannot be read stands another, the same one every time, so that a run
goes on and a resumed run sees what the unbroken one saw."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from ..io.images import open_image
from ..io.left_out import LeftOut, log
from ..io.names import written
from .record import Record


class Pictures:
    """Pictures of records by number.

    Args:
        records: of one or more datasets.
        sources: which dataset each record is from; a substitute is of the same one, and of the same kind of truth.
    """

    def __init__(self, records: Sequence[Record], sources: Sequence[int]) -> None:
        self.records, self.sources = records, sources
        self.unread: set[int] = set()

    def __call__(self, number: int) -> tuple[int, Image.Image]:
        """The picture of a record, and the number of the record that it is of: the next whose picture can be read.

        Raises:
            ValueError: not one of that dataset can be read.
        """
        first = self.records[number]
        reason = ""
        for step in range(len(self.records)):
            place = (number + step) % len(self.records)
            record = self.records[place]
            same = self.sources[place] == self.sources[number] and (record.facts is None) == (first.facts is None)
            if not same or place in self.unread:
                continue
            try:
                return place, open_image(record.path)
            except (ValueError, OSError) as error:
                self.unread.add(place)
                reason = written(str(error))
                log(
                    [LeftOut(record.place, f"{reason}; another picture takes its place in training")],
                    record.path.parent,
                )
        raise ValueError(f"got no readable picture (the last: {reason or first.place}), but expected some")
