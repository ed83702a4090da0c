"""Whose address is believed."""

from __future__ import annotations

import pytest

from hgan.demo.serving.visitor import address_of


@pytest.mark.parametrize(
    ("client", "said", "proxies", "address"),
    [
        ("9.9.9.9", ["1.1.1.1"], 0, "9.9.9.9"),  # believed by nobody unless the host says so
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),  # what a visitor wrote stands to the left
        ("127.0.0.1", ["6.6.6.6", "1.1.1.1"], 1, "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.1"], 2, "1.1.1.1"),
        ("127.0.0.1", [], 1, "127.0.0.1"),
        ("::ffff:9.9.9.9", [], 0, "9.9.9.9"),
        ("2001:db8:1:2:3:4:5:6", [], 0, "2001:db8:1:2::/64"),  # one machine has a whole network
        ("127.0.0.1", ["<script>" * 100], 1, ("<script>" * 8)),
    ],
)
def test_whose_address_is_believed(client: str, said: list[str], proxies: int, address: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in said]
    assert address_of({"client": (client, 1), "headers": headers}, proxies) == address
