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
from hgan.limits import Limits
from hgan.retriever import Retriever
from hgan.style import CSS


def launch_options() -> dict[str, Any]:
    """How the demo is launched, in tests as in `main`. None leaves it to gradio's own GRADIO_SERVER_NAME and _PORT."""
    port = os.environ.get("HGAN_PORT")
    fonts = ["system-ui", "sans-serif"]
    return {
        "server_name": os.environ.get("HGAN_HOST"),
        "server_port": int(port) if port else None,
        "theme": gr.themes.Default(primary_hue="indigo", font=fonts, font_mono=["ui-monospace", "monospace"]),
        "css": CSS,
        "show_error": True,
        "max_file_size": max(MAX_BYTES, Limits.from_environment().bytes),
        "allowed_paths": [],
        "strict_cors": True,
        "enable_monitoring": False,
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
