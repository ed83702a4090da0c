"""The demo: search a gallery by sentence or by picture, and see why something matched. Launching only.

The pages are in `hgan.demo`, every number comes from `hgan.retriever.Retriever`. Run it with `python app.py`; HGAN_CHECKPOINT and
HGAN_GALLERY name another model and gallery, HGAN_HOST and HGAN_PORT where to listen.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported

import gradio as gr

from hgan.demo.gpu import place
from hgan.demo.health import app_kwargs
from hgan.demo.shell import build_demo
from hgan.images import MAX_BYTES
from hgan.retriever import Retriever
from hgan.uploads.limits import Limits
from hgan.visualize.style import CSS

SESSIONS = 500  # visitors whose state is kept, for an hour after they leave; the oldest goes first


def theme() -> gr.themes.Base:
    """gradio's own look without fonts from elsewhere, where small and grey text is as dark as it must be to be read by all."""
    own = gr.themes.Default(
        primary_hue="indigo", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    return own.set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
    )


def launch_options() -> dict[str, Any]:
    """How the demo is launched, in tests as in `main`. None leaves it to gradio's own GRADIO_SERVER_NAME and _PORT."""
    port = os.environ.get("HGAN_PORT")
    return {
        "server_name": os.environ.get("HGAN_HOST"),
        "server_port": int(port) if port else None,
        "theme": theme(),
        "css": CSS,
        "show_error": True,
        "max_file_size": max(MAX_BYTES, Limits.from_environment().bytes),
        "allowed_paths": [],
        "strict_cors": True,
        "enable_monitoring": False,
        "state_session_capacity": SESSIONS,
        "footer_links": ["api", "settings"],
    }


def main() -> int:
    """Serves until it is stopped. Returns 2 when there is no checkpoint, gallery or free port to serve with."""
    try:
        retriever = place(Retriever.open())
        # What the first questions would wait for is made ready while the first visitor reads.
        threading.Thread(target=retriever.warm, daemon=True).start()
        build_demo(retriever).launch(**launch_options(), app_kwargs=app_kwargs(retriever))
    except (ValueError, OSError) as error:
        print(f"hgan: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
