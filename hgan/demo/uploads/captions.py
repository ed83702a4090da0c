"""Captions that come with an upload: the readers of `hgan.data.caption_files`, within an upload's bounds."""

from ...data.caption_files import (
    CAPTION_SUFFIXES,
    MAX_CAPTION_FILE,
    MAX_CAPTIONS,
    MAX_CHARACTERS,
    assign,
    read_captions,
)

__all__ = ["CAPTION_SUFFIXES", "MAX_CAPTIONS", "MAX_CAPTION_FILE", "MAX_CHARACTERS", "assign", "read_captions"]
