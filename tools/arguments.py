"""The command line of a program that takes no arguments."""

from __future__ import annotations

import argparse


def refuse_arguments(documentation: str | None) -> None:
    """Ends the program with status 2 where it is given a word that it would ignore; `--help` shows what it does."""
    argparse.ArgumentParser(description=(documentation or "").partition("\n")[0]).parse_args()
