"""Galleries: encoded pictures and captions on disk, how they are built, and how queries are scored against them."""
