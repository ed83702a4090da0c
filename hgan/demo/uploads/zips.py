"""Zips from outside: their list of entries is measured before it is read, and no entry is taken at its word."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO

from .limits import Limits

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    struct.error,
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # bz2 and lzma can ask for gigabytes of memory
_ENTRY_MARK, _END_MARK = b"PK\x01\x02", b"PK\x05\x06"  # before each entry of a zip's list, and at its end
_HEADER = 30  # bytes before an entry's name and data, at least
_UTF8 = 1 << 11
_BLOCK = 1 << 20
Stopped = Callable[[], None]


class DamagedError(Exception):
    """An entry cannot be unpacked."""


@dataclass(frozen=True)
class Entry:
    """A file of an upload, in a zip or by itself."""

    name: str  # as shown and matched; never a path
    size: int  # as it is said to be
    open: Callable[[], IO[bytes]]
    reason: str = ""  # why it is not to be opened


def open_zip(path: Path, name: str, limits: Limits, stopped: Stopped | None = None) -> zipfile.ZipFile:
    """Opens a zip.

    Raises:
        ValueError: no zip, too many entries, entries that lie over one another, or more bytes than may be unpacked.
    """
    # zipfile reads the whole list of entries at once, however long: so it is measured first.
    marks, tail = 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if stopped:
                stopped()
            marks += (tail + block).count(_ENTRY_MARK)
            tail = block[1 - len(_ENTRY_MARK) :]
    if marks > limits.entries:
        raise ValueError(f"{name}: got a zip of {marks:,} entries, but expected at most {limits.entries:,}")
    try:
        try:
            archive = zipfile.ZipFile(path)
        except UnicodeDecodeError:
            archive = zipfile.ZipFile(_without_wrong_marks(path))
    except _DAMAGED:
        raise ValueError(f"{name}: got a file that cannot be opened as a zip, but expected a complete zip") from None
    try:
        _require_sound(archive, name, limits)
    except BaseException:
        archive.close()
        raise
    return archive


def entries_of(archive: zipfile.ZipFile, limits: Limits) -> list[Entry]:
    """All files of a zip."""
    return [_entry(archive, info, limits) for info in archive.infolist() if not info.filename.endswith("/")]


def blocks(entry: Entry) -> Iterator[bytes]:
    """What an entry holds, a megabyte at a time.

    Raises:
        DamagedError: it cannot be unpacked, whatever the reason.
    """
    try:
        with entry.open() as source:
            while block := source.read(_BLOCK):
                yield block
    except _DAMAGED as error:
        raise DamagedError(str(error)) from None


def read_entry(entry: Entry, most: int) -> bytes:
    """The first bytes of an entry.

    Raises:
        DamagedError: as `blocks`.
    """
    data = bytearray()
    for block in blocks(entry):
        data += block
        if len(data) >= most:
            break
    return bytes(data[:most])


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Entry:
    name = info.filename.replace("\\", "/")  # some Windows programs write it so
    kind, reason = stat.S_IFMT(info.external_attr >> 16), ""
    if kind not in (0, stat.S_IFREG):
        reason = "links are not followed" if kind == stat.S_IFLNK else "it is not a regular file"
    elif info.flag_bits & 1:
        reason = "it is encrypted: make a zip without a password"
    elif info.compress_type not in _METHODS:
        reason = "its compression is not supported: make an ordinary zip"
    elif info.file_size > 1_000_000 and info.file_size > limits.ratio * info.compress_size:
        reason = f"it unpacks to more than {limits.ratio} times its size"
    return Entry(name, info.file_size, partial(archive.open, info), reason)


def _require_sound(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    for one, following in pairwise(infos):
        if one.header_offset + _HEADER + one.compress_size > following.header_offset:
            raise ValueError(
                f"{name}: got a zip with overlapping entries, but expected an ordinary zip: zip the pictures again"
            )
    unpacked = sum(info.file_size for info in infos)
    if unpacked > 2 * limits.bytes:
        raise ValueError(f"{name}: got a zip of {unpacked:,} bytes unpacked, but expected at most {2 * limits.bytes:,}")


def _without_wrong_marks(path: Path) -> io.BytesIO:
    """A copy in which names that are said to be UTF-8, and are not, are said to be of the old kind: one odd name does not make
    the other files unreadable.

    Raises:
        ValueError: no such list of entries.
    """
    data = bytearray(path.read_bytes())
    end = data.rfind(_END_MARK)
    size, _ = struct.unpack_from("<2L", data, end + 12) if end >= 0 else (0, 0)
    at = end - size
    while 0 <= at < end and data[at : at + 4] == _ENTRY_MARK:
        (flags,) = struct.unpack_from("<H", data, at + 8)
        lengths = struct.unpack_from("<3H", data, at + 28)
        try:
            data[at + 46 : at + 46 + lengths[0]].decode("utf-8")
        except UnicodeDecodeError:
            struct.pack_into("<H", data, at + 8, flags & ~_UTF8)
            (own,) = struct.unpack_from("<L", data, at + 42)
            if data[own : own + 4] == b"PK\x03\x04":
                (flags,) = struct.unpack_from("<H", data, own + 6)
                struct.pack_into("<H", data, own + 6, flags & ~_UTF8)
        at += 46 + sum(lengths)
    return io.BytesIO(data)
