"""Who asks: the address that a request comes from, as far as the host says that it can be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ..uploads.shares import Visitor

# Of the request, or of the question from the queue, that is being worked on.
ADDRESS: ContextVar[str] = ContextVar("hgan_address", default="")


def current(session: str | None) -> Visitor:
    """Who asks, where a handler runs."""
    return Visitor(ADDRESS.get(), session or "")


def address_of(scope: Mapping[str, Any], proxies: int = 0) -> str:
    """The address of a request; of IPv6 the network, since one machine may use any address in it.

    Args:
        scope: as ASGI gives it.
        proxies: that stand before the app and write whom they speak for at the end of X-Forwarded-For. What stands further to
            the left there was written by the visitor, and is believed by nobody.
    """
    client = str((scope.get("client") or ("",))[0])
    said = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    written = [part.strip() for part in ",".join(said).split(",") if part.strip()]
    chain = [*written, client][::-1]
    return _network(chain[min(proxies, len(chain) - 1)])


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return text[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
