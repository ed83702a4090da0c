"""The end of the app: stops builds and removes everything of visitors."""

from __future__ import annotations

from .pages.my_gallery import STOPS
from .serving.uploading import UPLOADS
from .uploads import session
from .uploads.galleries import GALLERIES
from .uploads.private import FOLDERS


def clean_up() -> None:
    """Removes everything of visitors from the disk."""
    for stop in list(STOPS.values()):
        stop.set()
    for folder in list(GALLERIES.opened):
        GALLERIES.close(folder)
    FOLDERS.remove_all()
    UPLOADS.remove_all()
    session.everyday_folders.remove_all()
