"""The evaluation as one page for people: its figures, its pictures, and the samples that are worth a look."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from definitions.counts import counted
from definitions.metrics import METRICS
from model_code.evaluation import importance
from model_code.evaluation.files import PAGE_FILE, PLOT_FILES
from model_code.markup import visible

if TYPE_CHECKING:
    from model_code.data.records import Split

# Of each list; what an answer rests on takes dozens of further answers a sample.
SAMPLES_SHOWN = 12
PICTURE_PIXELS = 160
# A fall of the probability as large as this is drawn in full colour; smaller ones up to the largest of the sample.
LEAST_FULL_COLOUR = 0.05
TEXT_CHARACTERS = 1_500
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "figure{display:inline-block;margin:.5rem;vertical-align:top;max-width:100%}figcaption{font-size:.85rem;"
    f"color:#57606a;max-width:{PICTURE_PIXELS}px;overflow-wrap:anywhere}}.text figcaption{{max-width:none}}"
    "img{max-width:100%}.plot{display:inline-block;width:49%}table{border-collapse:collapse}"
    "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #d0d7de}"
    ".text{display:block;border-left:3px solid #d0d7de;padding-left:1rem}"
)


@dataclass(frozen=True)
class Evaluated:
    """What the page is about.

    Attributes:
        split: the test split.
        report: as `evaluation.json` has it, with `worst_mistakes` and `suspected_labels`.
        ask: the model; see `importance`.
        title: of the page.
        is_table: whether each text is a row of a table, a line of CSV.
    """

    split: Split
    report: dict[str, Any]
    ask: importance.Ask
    title: str
    is_table: bool = False


def write_page(evaluated: Evaluated, directory: Path) -> None:
    """Writes PAGE_FILE, which holds the plots of `directory` and refers to nothing outside itself."""
    (directory / PAGE_FILE).write_text(page(evaluated, directory), encoding="utf-8")


def page(evaluated: Evaluated, directory: Path) -> str:
    """The page's HTML."""
    report = evaluated.report
    plots = [
        f'<span class="plot">{picture((directory / name).read_bytes())}</span>'
        for name in PLOT_FILES
        if (directory / name).is_file()
    ]
    metric = METRICS[report["metric"]]
    parts = [
        f"<h1>{shown(evaluated.title)}</h1>",
        f"<p>{shown(metric[:1].upper() + metric[1:])}, which decides, is {report['score']:.4f} on "
        f"{report['samples']:,} test samples.</p>",
        figures(report),
        *plots,
        *by_group(report.get("by_group")),
        "<h2>The surest wrong answers</h2>",
        f"<p>{explained(evaluated.split.feature)}</p>",
        *(
            sample(evaluated, row, f"{row['answer']} ({row['score']:.2f}), labelled {row['label']}", "answer")
            for row in report["worst_mistakes"][:SAMPLES_SHOWN]
        ),
        "<h2>Labels that may be wrong</h2>",
        "<p>Confident learning (Northcutt et al. 2021): the model is surer of another class than it is as a rule of "
        "that class's own samples. A person has to look.</p>",
        *(
            sample(
                evaluated, row, f"labelled {row['label']}, likelier {row['likelier']} ({row['score']:.2f})"
            )
            for row in report["suspected_labels"][:SAMPLES_SHOWN]
        ),
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{shown(evaluated.title)}</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )


def figures(report: dict[str, Any]) -> str:
    """Every figure with its interval, as a table."""
    (metrics,) = [value for name, value in report.items() if name.endswith("classification_metrics")]
    rows = [
        f"<tr><td>{shown(name.replace('_', ' '))}</td><td>{figure['value']:.4f}</td>"
        f"<td>{figure['interval_95'][0]:.4f} to {figure['interval_95'][1]:.4f}</td></tr>"
        for name, figure in metrics.items()
        if "interval_95" in figure
    ]
    return f"<table><tr><th>figure</th><th>value</th><th>95 % interval</th></tr>{''.join(rows)}</table>"


def by_group(grouped: dict[str, Any] | None) -> list[str]:
    """The groups' scores, the worst first; nothing where the data has no groups."""
    if not grouped:
        return []
    rows = [
        f"<tr><td>{shown(row['group'])}</td><td>{row['samples']:,}</td><td>{row['score']:.4f}</td>"
        f"<td>{row['interval_95'][0]:.4f} to {row['interval_95'][1]:.4f}</td></tr>"
        for row in grouped["groups"]
    ]
    heads = "".join(
        f"<th>{head}</th>" for head in ("group", "samples", METRICS[grouped["metric"]], "95 % interval")
    )
    gap = (
        ""
        if grouped["gap"] is None
        else f" The worst stays {grouped['gap']:.4f} behind all samples together."
    )
    small = counted(grouped["too_small"], "group has", "groups have")
    return [
        f"<h2>By group</h2><p>{small} too few samples to say anything of.{gap}</p>",
        f"<table><tr>{heads}</tr>{''.join(rows)}</table>",
    ]


def explained(feature: str) -> str:
    """What the colours of the samples say."""
    part = {"image": "a part of the image is hidden", "text": "a word is left out"}.get(feature)
    if part is None:
        return "What an answer rests on is shown for images and texts."
    return f"Red: where {part}, the answer's probability falls; the stronger the colour, the further. Blue: it rises."


def sample(evaluated: Evaluated, row: dict[str, Any], caption: str, explain: str = "") -> str:
    """One sample with its caption, and with what the class in `row[explain]` rests on."""
    split = evaluated.split
    content = split.samples[row["position"]]
    place = row.get("place", f"number {row['position']} of the split")
    words = f"<figcaption>{shown(caption)}<br>{shown(place)}</figcaption>"
    answer = split.labels.index(row[explain]) if explain else None
    if split.feature == "image":
        pixels = importance.upright_pixels(content)
        heat = None if answer is None else importance.of_image(evaluated.ask, content, answer)
        return f"<figure>{picture(overlaid(pixels, heat))}{words}</figure>"
    if split.feature == "text":
        text = content.decode("utf-8", "replace")
        explained = importance.of_row if evaluated.is_table else importance.of_text
        marked = (
            shown(text[:TEXT_CHARACTERS])
            if answer is None
            else coloured(explained(evaluated.ask, text, answer))
        )
        return f'<figure class="text"><p>{marked}</p>{words}</figure>'
    return f"<figure>A sequence of {len(content):,} steps.{words}</figure>"


def coloured(words: Sequence[tuple[str, float]]) -> str:
    """Words on a ground whose colour says how much the answer rests on each."""
    most = max([LEAST_FULL_COLOUR, *(abs(fall) for _, fall in words)])
    return " ".join(
        f'<span style="background:rgba({"220,38,38" if fall > 0 else "37,99,235"},{abs(fall) / most * 0.6:.2f})">'
        f"{shown(word)}</span>"
        for word, fall in words
    )


def overlaid(pixels: np.ndarray, heat: np.ndarray | None) -> bytes:
    """An image as a PNG of PICTURE_PIXELS on its longer side, with what its answer rests on in colour."""
    from PIL import Image

    image = Image.fromarray(pixels)
    scale = PICTURE_PIXELS / max(image.size)
    image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
    if heat is not None:
        strength = np.abs(heat) / max(LEAST_FULL_COLOUR, np.abs(heat).max())
        mask = Image.fromarray((strength * 150).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
        signs = Image.fromarray(np.where(heat > 0, 255, 0).astype(np.uint8)).resize(image.size)
        colours = Image.composite(
            Image.new("RGB", image.size, (220, 38, 38)), Image.new("RGB", image.size, (37, 99, 235)), signs
        )
        image = Image.composite(colours, image, mask)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture(content: bytes) -> str:
    """A PNG inside the page."""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def shown(words: str) -> str:
    """Words of the data as text of the page."""
    return escape(visible(words))
