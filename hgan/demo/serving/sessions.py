"""What the app keeps of each visit: little, and so much of one visitor that another's stays.

gradio keeps the state of the sessions used last, whoever they are of, and with it a copy of every value that went through a
component, for its deep links. Here each address has a share, and no such copies are made: the pages make the links of this app.
"""

from __future__ import annotations

import datetime
from collections import Counter
from copy import copy
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from ..uploads.session import SessionGallery
from ..uploads.shares import Shares
from .fair_queue import FairQueue
from .visitor import current

ADDRESS_SHARE = 0.4  # of all sessions: a class of 60 with three tabs each fits into 200 of 500


class LeanState(SessionState):
    """State and changed components of a session, without copies of what was shown."""

    def __init__(self, blocks: Any) -> None:
        # Not gradio's own: it writes down the settings of every component, which takes longer than most questions do.
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = (block.time_to_live, datetime.datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        return

    def _update_value_in_config(self, key: int, value: Any) -> None:
        return


class Sessions(StateHolder):
    """In place of gradio's: one's own sessions make room for each other.

    Of an address, sessions that asked but once go first, then those that nobody looks at, then those of open pages and own
    galleries; in each group the one that was used longest ago.
    """

    def __init__(self, total: int) -> None:
        super().__init__()
        self.shares = Shares(total, max(1, int(total * ADDRESS_SHARE)), rank=self.worth)
        self.answered: Counter[str] = Counter()  # questions, by session
        self.streams: Counter[str] = Counter()  # open pages, by session

    def set_blocks(self, blocks: Any) -> None:
        super().set_blocks(blocks)
        self.capacity = 1 << 60  # the shares say who goes

    def worth(self, session: str) -> int:
        """How much a session is worth keeping."""
        state = self.session_data.get(session)
        if state is not None and any(isinstance(value, SessionGallery) for value in state.state_data.values()):
            return 3
        asks = bool(self.blocks._queue.pending_event_ids_session.get(session))
        return 2 if self.streams[session] or asks else min(self.answered[session], 2) // 2

    def known(self, session: str) -> bool:
        """Whether a session has an open page, or has had an answer before."""
        return bool(self.streams[session] or self.answered[session])

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            for gone in self.shares.add(session_id, current(session_id)):
                self.drop(gone)
            self.session_data[session_id] = LeanState(self.blocks)
        else:
            self.shares.touch(session_id)
        self.time_last_used[session_id] = datetime.datetime.now()
        return self.session_data[session_id]

    def drop(self, session: str) -> None:
        """A session is over: its gallery and what waits to be fetched go with it."""
        self.delete_state(session)
        self.session_data.pop(session, None)
        self.time_last_used.pop(session, None)
        self.shares.remove(session)
        self.answered.pop(session, None)
        queue = self.blocks._queue
        if isinstance(queue, FairQueue):
            queue.forget(session)
