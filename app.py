"""The demo: search a gallery by sentence or by picture, and see why something matched. Launching only.

The pages are in `hgan.demo`, every number comes from `hgan.retrieval`. Run it with `python app.py`; what can be set,
such as another model and gallery, is listed in docs/hosting.md.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

if __name__ == "__main__":  # what follows takes seconds, and until it is done there is nothing to tidy up
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))

from hgan.demo.serving.start import WarmUp, check_places, ended_by_signals, many_files, small_heap, without_proxy
from hgan.settings import Settings

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported
# Whose address to believe is HGAN_TRUST_PROXY's to say; uvicorn would believe anybody on this machine.
os.environ.setdefault("FORWARDED_ALLOW_IPS", "")

with without_proxy():
    import gradio as gr

    from hgan.demo.end import clean_up
    from hgan.demo.serving.doors import guarded_app
    from hgan.demo.serving.health import app_kwargs
    from hgan.demo.shell import build_demo
    from hgan.demo.uploads.session import everyday
    from hgan.io.images import MAX_BYTES
    from hgan.retrieval.retriever import Retriever
    from hgan.visualize.style import CSS


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


def launch_options(settings: Settings | None = None) -> dict[str, Any]:
    """How the demo is launched, in tests as in `main`. None leaves it to gradio's own GRADIO_SERVER_NAME and _PORT."""
    settings = settings or Settings.from_environment()
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "theme": theme(),
        "css": CSS,
        "show_error": True,
        "max_file_size": max(MAX_BYTES, settings.upload_mb * 1_000_000),
        "allowed_paths": [],
        "strict_cors": True,
        "enable_monitoring": False,
        "run_history": False,  # it would let visitors' own tokens ask the hub from here
        "state_session_capacity": settings.sessions,
        "footer_links": ["api", "settings"],
        "app_kwargs": guarded_app(settings),
    }


def serve(settings: Settings, ended: threading.Event) -> None:
    """Serves until it is stopped, or `ended` is set.

    Raises:
        ValueError, OSError: there is no checkpoint, gallery, folder or free port to serve with.
    """
    check_places(settings)
    many_files()
    small_heap()
    retriever = Retriever.open()
    retriever.encoder.use_bfloat16()
    options = launch_options(settings)
    options["app_kwargs"]["routes"] += app_kwargs(retriever)["routes"]
    demo = build_demo(retriever, settings)

    def warm(report: Any) -> None:
        retriever.warm(report)
        everyday(retriever, report)

    # What the first questions would wait for is made ready while the first visitor reads.
    with without_proxy(), WarmUp(warm):
        try:
            demo.launch(**options, prevent_thread_lock=True)
            while demo.is_running and not ended.is_set():
                time.sleep(0.2)
        finally:
            demo.close(verbose=False)


def main() -> int:
    """Serves until it is stopped: 0 then, as after SIGTERM. Returns 2 when there is nothing to serve with."""
    try:
        with ended_by_signals() as ended:
            try:
                serve(Settings.from_environment(), ended)
            finally:
                clean_up()
    except (ValueError, OSError, ImportError) as error:
        print(f"hgan: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("hgan: stopped; uploads of visitors have been removed", file=sys.stderr)
        return 0
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # everything is tidy; a thread that still computes would abort the interpreter as it ends
