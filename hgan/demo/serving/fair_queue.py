"""gradio's queue, in which visitors take turns.

Addresses take turns, and at an address its sessions do. Sessions that are new there share one turn, so that somebody who makes
up a session for each question gains nothing by it, and a class that comes all at once is served in the order it came in.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from gradio.queueing import Event, Queue

from ..uploads.shares import NOBODY, Visitor
from .messages import logged, plain
from .values import Refused, refusal
from .visitor import ADDRESS, current

ADDRESS_SHARE = 0.25  # of the queue: a class of 60 at one address still has a question each and more
SESSION_SHARE = 16  # questions of one session: a page asks four at once when it opens
NEW_SHARE = 0.75  # of an address's share, for sessions that are new
UNREAD_SECONDS = 10.0  # that an answer is kept for somebody who does not listen, where an address has no more room
BUSY = "got too many requests from one visitor: wait until some are answered, then try again"
FULL = "got more requests than this app can answer right now: wait a moment, then try again"


class FairQueue(Queue):
    """Takes turns among visitors, and lets each have a share of the places."""

    def __init__(self, other: Queue) -> None:
        """As another queue that has not started yet."""
        vars(self).update(vars(other))
        self._turns: dict[Any, int] = {}
        self._clock = itertools.count()
        self._asker: dict[str, Visitor] = {}  # by session, while it has questions or unread answers
        self._answered: dict[str, float] = {}  # when the last answer came, by session

    # Who may come in.

    async def push(self, body: Any, request: Any, username: str | None) -> tuple[bool, Any, Any]:
        visitor = current(body.session_hash)
        if len(self.event_ids_to_events) >= (self.max_size or float("inf")):
            return False, FULL, "queue_full"
        self._require_room(visitor)
        said = refusal([body.data, body.event_data])
        if (
            said is not None
        ):  # it takes its turn as a question that fails, so that browsers and programs are told in the same way
            body.data, body.event_data = [Refused(said)], None
        answer = await super().push(body, request, username)
        event = self.event_ids_to_events.get(str(answer[1])) if answer[0] else None
        if event is not None:
            self._asker[event.session_hash] = Visitor(visitor.address, event.session_hash)
        return answer

    def _require_room(self, visitor: Visitor) -> None:
        """
        Raises:
            HTTPException: the visitor's share is used up.
        """
        share = max(1, int((self.max_size or 1 << 30) * ADDRESS_SHARE))
        if not self._known(visitor.session):  # the rest is for those who are in the middle of something
            share = max(1, int(share * NEW_SHARE))
        if self._open_at(visitor.address) >= share:
            self._forget_unread(visitor.address)
        if sum(self._open_of(visitor.session)) >= SESSION_SHARE or self._open_at(visitor.address) >= share:
            raise HTTPException(429, BUSY)

    def _open_at(self, address: str) -> int:
        """Questions of an address that wait or run, or whose answer nobody has fetched."""
        if len(self._asker) > 2 * len(self.pending_event_ids_session) + 1_000:
            for known in (self._asker, self._answered):
                for session in [s for s in known if s not in self.pending_event_ids_session]:
                    del known[session]
        mine = [s for s in self.pending_event_ids_session if self._asker.get(s, NOBODY).address == address]
        return sum(sum(self._open_of(session)) for session in mine)

    def _open_of(self, session: str) -> tuple[int, int]:
        """Questions of a session that wait or run, and answers that have not been fetched. Who leaves as soon as the answer is
        there leaves its number behind, but no message."""
        ids = self.pending_event_ids_session.get(session, ())
        waiting = sum(id_ in self.event_ids_to_events for id_ in ids)
        messages = self.pending_messages_per_session.get(session)
        return waiting, min(len(ids) - waiting, messages.qsize() if messages is not None else 0)

    def _forget_unread(self, address: str) -> None:
        for session in list(self.pending_event_ids_session):
            waiting, unread = self._open_of(session)
            since = time.monotonic() - self._answered.get(session, 0.0)
            if (
                self._asker.get(session, NOBODY).address == address
                and unread
                and not waiting
                and since > UNREAD_SECONDS
            ):
                self.forget(session)

    # Whose turn it is.

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        for waiting in self.event_queue_per_concurrency_id.values():
            free = waiting.concurrency_limit is None or waiting.current_concurrency < waiting.concurrency_limit
            if free and len(waiting.queue) > 1:
                first = min(waiting.queue, key=self._turn)
                waiting.queue.remove(first)
                waiting.queue.insert(0, first)
        found = super().get_events()
        for event in found[0] if found else ():
            if len(self._turns) > 10_000:
                self._turns.clear()
            address, unit = self._units(event)
            self._turns[address] = self._turns[unit] = next(self._clock)
        return found

    def _turn(self, event: Event) -> tuple[int, int]:
        address, unit = self._units(event)
        return self._turns.get(address, -1), self._turns.get(unit, -1)

    def _units(self, event: Event) -> tuple[str, tuple[str, str]]:
        visitor = self._asker.get(event.session_hash, NOBODY)
        return visitor.address, (visitor.address, visitor.session if self._known(visitor.session) else "")

    def _known(self, session: str) -> bool:
        """Whether a session has an open page or has had an answer before."""
        known: Callable[[str], bool] = getattr(self.blocks.state_holder, "known", lambda session: True)
        return known(session)

    # What is done then.

    async def process_events(self, events: list[Event], *rest: Any) -> None:
        visitor = self._asker.get(events[0].session_hash, NOBODY)
        ADDRESS.set(visitor.address)
        try:
            await super().process_events(events, *rest)
        finally:
            self._answered[visitor.session] = time.monotonic()
            answered = getattr(self.blocks.state_holder, "answered", None)
            if answered is not None and visitor.session in self.blocks.state_holder:
                answered[visitor.session] += 1

    async def start_processing(self) -> None:
        """Goes on whatever happens: in gradio's queue one fault here would end the service for everybody."""
        while True:
            try:
                await super().start_processing()
                return
            except Exception as error:
                logged(error)
                self.stopped = False

    def send_message(self, event: Event, event_message: Any) -> None:
        """To nobody, where the session is over or its page was left."""
        if event.session_hash in self.pending_messages_per_session:
            super().send_message(event, event_message)
        else:
            event.alive = False

    def forget(self, session: str) -> None:
        """Drops the questions of a session that wait, and what it has not fetched."""
        for waiting in self.event_queue_per_concurrency_id.values():
            for event in [event for event in waiting.queue if event.session_hash == session]:
                waiting.queue.remove(event)
                self.event_ids_to_events.pop(event._id, None)
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)

    def log_message(self, event_id: str, log: str, title: str, level: Any, *rest: Any, **options: Any) -> None:
        """What `gr.Info` and `gr.Warning` say: the page would take it for HTML."""
        super().log_message(event_id, plain(log), plain(title), level, *rest, **options)

    def compute_analytics_summary(self, records: Any) -> Any:
        """gradio's monitoring page is off; its tables would be made anew after each answer."""
        return self.cached_event_analytics_summary
