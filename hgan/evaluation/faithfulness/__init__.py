"""Are the explanations true? What a model's terms say, held against what is known about pictures and captions."""

from .run import audit

__all__ = ["audit"]
