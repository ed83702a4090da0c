"""Messages are plain text, and faults that nobody expected leave a reference in the log."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from hgan.demo.serving.messages import as_error, plain


def test_messages_are_text_without_folders_and_bounded() -> None:
    assert plain('<img src="http://a/x.png"> & <form>') == '&lt;img src="http://a/x.png"&gt; &amp; &lt;form&gt;'
    assert plain("Cannot move /srv/hgan/tmp/gradio/ab/x.png to /tmp/y") == "Cannot move …/x.png to …/y"
    assert len(plain("a" * 10_000)) <= 600
    assert "\x1b" not in plain("\x1b[31m")


def test_what_nobody_expected_is_a_reference_into_a_log_without_inputs(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(kind: type[Exception], *args: Any) -> gr.Error:
        try:
            raise kind(*args)
        except Exception as error:
            return as_error(error)

    for kind, args in ((KeyError, ("SECRET",)), (ValueError, ("SECRET",)), (OSError, (13, "SECRET", "/srv/SECRET"))):
        said = fail(kind, *args)
        assert "something went wrong (reference " in said.message
        assert "SECRET" not in said.message
        reference = said.message.split("reference ")[1][:4]
        log = capfd.readouterr().err
        assert f"reference {reference}: " in log
        assert "SECRET" not in log
        assert len(log.splitlines()) == 1
    assert "got a full disk" in fail(OSError, 28, "No space left on device", "/srv/SECRET").message
