"""Toy Town: rendered scenes with captions and the exact truth about every picture."""
