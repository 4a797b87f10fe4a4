"""Keras as the type checker sees it: it brings no types, and those that its code's defaults suggest are wrong."""

from typing import Any

def __getattr__(name: str) -> Any: ...
