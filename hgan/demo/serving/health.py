"""`/health`: whether the app is up, and with what, for whoever watches over it."""

from __future__ import annotations

from typing import Any

import fastapi
from starlette.routing import Route

from ...retrieval.retriever import Retriever
from ...version import __version__


def app_kwargs(retriever: Retriever) -> dict[str, Any]:
    """For `launch(app_kwargs=...)`: gradio's own server with one more route, which no queue stands before."""

    def health(request: fastapi.Request) -> fastapi.responses.JSONResponse:
        gallery = retriever.gallery
        return fastapi.responses.JSONResponse(
            {
                "ok": True,
                "version": __version__,
                "model": gallery.manifest["model"]["name"],
                "model_sha256": gallery.manifest["model"]["sha256"],
                "gallery": gallery.name,
                "pictures": len(gallery.items),
                "captions": len(gallery.caption_keys),
                "device": str(retriever.model.device),
            }
        )

    return {"routes": [Route("/health", health)]}
