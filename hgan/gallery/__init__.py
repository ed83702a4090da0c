"""Galleries: encoded pictures and captions on disk, how they are built, and what a query is compared with."""
