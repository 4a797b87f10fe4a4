"""How far a program is, as a line that the `recognition` command shows."""


def report_progress(share: float, what: str) -> None:
    """A line that the `recognition` command shows as progress."""
    print(f"progress {share:.2f} {what}", flush=True)
