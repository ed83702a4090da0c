"""What is printed: names, captions and queries from outside are shown as text, on any terminal, and JSON stays JSON."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import pytest

from hgan.cli.main import main
from hgan.gallery.store import verify
from hgan.io.files import write_json
from hgan.io.terminal import Parser, guarded, json_text, plain, say, shown

ROOT = Path(__file__).resolve().parents[2]
ODD = "a\x1b[31m\n\r\t\x9b\u202e\u2066\u2028\udce9\x7f\u200bé👍🏽👨‍👩‍👧"


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")


def text_of(file: io.TextIOWrapper) -> str:
    file.flush()
    return file.buffer.getvalue().decode(file.encoding)  # type: ignore[attr-defined]


def test_nothing_is_obeyed_and_letters_stay():
    line = shown(ODD)
    assert line == r"a\x1b[31m\n\r\t\x9b\u202e\u2066\u2028\udce9\x7f\u200bé👍🏽👨‍👩‍👧"
    every = shown("".join(map(chr, range(0x110000))))
    assert not {c for c in every if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    assert not {
        c
        for c in every
        if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "utf-16"])
def test_any_terminal_takes_any_text(encoding):
    file = stream(encoding)
    say(ODD, "two", file=file)
    first, second, rest = text_of(file).split("\n")
    assert (second, rest) == ("two", "")
    assert first.startswith(r"a\x1b[31m\n")
    assert first.isprintable() or encoding.startswith("utf")
    data = {ODD: [ODD, 1.5, None, "plain é"]}
    file = stream(encoding)
    file.write(json_text(data, file))
    said = text_of(file)
    assert json.loads(said) == data
    assert not {c for c in said if c != "\n" and unicodedata.category(c) in ("Cc", "Cs")}


def test_a_file_of_json_holds_any_name(tmp_path):
    write_json(tmp_path / "a.json", {"name": ODD})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"name": ODD}


def test_errors_of_arguments_are_shown_as_text(capsys):
    parser = Parser(prog="x")
    parser.add_subparsers(required=True).add_parser("one")
    for arguments in (["two\x1b[31m"], ["one", "--\x1b[31m\nfoo\udce9"]):
        with pytest.raises(SystemExit):
            parser.parse_args(arguments)
        err = capsys.readouterr().err
        assert "\x1b" not in err
        assert r"\x1b[31m" in err


def test_what_libraries_log_or_warn_is_shown_as_text(capsys):
    with guarded():
        logging.lastResort.emit(logging.LogRecord("PIL", 30, "", 1, "bad file a\x1b[31m", (), None))
        said = warnings.formatwarning("odd \x1b[31m name", UserWarning, "", 1)
    assert said == "UserWarning: odd \\x1b[31m name\n"
    assert "\x1b" not in capsys.readouterr().err


def test_commands_show_names_and_queries_as_text(tiny_checkpoint, tiny_dataset, tmp_path, capsys):
    (tmp_path / "p").mkdir()
    picture = next((tiny_dataset / "images").iterdir()).read_bytes()
    (tmp_path / "p" / "a\x1b[31m\nb\u202e.png").write_bytes(picture)
    (tmp_path / "p" / "bad\x1b[32m.png").write_bytes(b"no picture")
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    gallery = str(tmp_path / "g\x1b[33m")
    assert main(["gallery", "build", str(tmp_path / "p"), "--out", gallery, *model]) == 0
    assert main(["search", "--gallery", gallery, *model, "--text", "a \x1b[34m dog"]) == 0
    assert main(["explain", "--gallery", gallery, *model, "--text", "a dog", "--id", "a\x1b[31m\nb\u202e"]) == 0
    assert main(["gallery", "info", gallery]) == 0
    assert main(["gallery", "verify", gallery]) == 0
    assert main(["explain", "--gallery", gallery, *model, "--text", "a dog", "--id", "\x1b[35m"]) == 2
    assert main(["search", "--gallery", gallery, *model, "--text", "caf\udce9"]) == 0
    out, err = capsys.readouterr()
    assert not {"\x1b", "\u202e"} & set(out + err)
    assert r"a\x1b[31m\nb\u202e" in out
    assert r"left out bad\x1b[32m.png" in err
    assert main(["search", "--gallery", gallery, *model, "--text", "a \x1b[34m dog", "--json"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert json.loads(out)["hits"][0]["id"] == "a\x1b[31m\nb\u202e"


def test_a_terminal_of_plain_letters_gets_no_traceback(tiny_checkpoint, tiny_dataset, tmp_path):
    (tmp_path / "p").mkdir()
    picture = next((tiny_dataset / "images").iterdir()).read_bytes()
    (tmp_path / "p" / "é👍.png").write_bytes(picture)
    Path(os.fsdecode(os.fsencode(tmp_path / "p") + b"/caf\xe9.png")).write_bytes(b"no picture")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = [
        sys.executable,
        "-m",
        "hgan",
        "gallery",
        "build",
        "p",
        "--out",
        "g",
        "--checkpoint",
        str(tiny_checkpoint),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=120)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout.decode("ascii").splitlines()[-1] == "g: 1 pictures, 0 captions, 1 skipped"
    assert rb"left out caf\ufffd.png" in done.stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "full disk at a\\\\nb"),
        (errno.EACCES, "ask its owner"),
        (errno.EROFS, "ask its owner"),
        (errno.ENAMETOOLONG, "expected a shorter one"),
        (errno.EIO, "expected one that can"),
    ],
)
def test_what_the_system_says_is_said_in_plain_words(number, words):
    said = plain(OSError(number, os.strerror(number), "a\nb"))
    assert re.search(words, said)
    assert said.startswith("got ")
    assert ", but expected " in said
    assert "Errno" not in said


def test_a_disk_that_is_full_is_told_in_one_line(tiny_checkpoint, tiny_dataset, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hgan.cli.commands.write_json", full)
    out = tmp_path / "r.json"
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    assert main(["evaluate", "--dataset", str(tiny_dataset), "--out", str(out), *model]) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith("hgan: got a full disk (No space left on device), but expected")
    )


def test_a_reader_who_leaves_does_not_stop_a_build(tiny_checkpoint, picture, tmp_path):
    (tmp_path / "p").mkdir()
    picture(1).save(tmp_path / "p" / "a.png")
    reader, writer = os.pipe()
    os.close(reader)  # as `| head -0` does
    command = [
        sys.executable,
        "-m",
        "hgan",
        "gallery",
        "build",
        "p",
        "--out",
        "g",
        "--checkpoint",
        str(tiny_checkpoint),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, stdout=writer, stderr=writer, cwd=tmp_path, env=environment, check=False)
    os.close(writer)
    assert ended.returncode == 0
    assert verify(tmp_path / "g") == []
