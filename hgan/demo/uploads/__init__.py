"""Uploads of visitors: safe reading of their files, and private galleries built from them."""
