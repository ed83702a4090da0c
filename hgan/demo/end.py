"""The end of the app: builds are stopped, and what belongs to visitors is removed."""

from __future__ import annotations

from .pages.my_gallery import STOPS
from .serving.uploading import UPLOADS
from .uploads import session
from .uploads.galleries import GALLERIES
from .uploads.private import FOLDERS


def clean_up() -> None:
    """Leaves nothing of any visitor on the disk."""
    for stop in list(STOPS.values()):
        stop.set()
    for folder in list(GALLERIES.opened):
        GALLERIES.close(folder)
    FOLDERS.remove_all()
    UPLOADS.remove_all()
    session.everyday_folders.remove_all()
