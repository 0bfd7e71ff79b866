"""Charts as pieces of a page: drawings whose colours follow the page's theme and whose text is text."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from agents.report.series import Series
from mlmonster_env.envs.battle import Array

# What a chart is drawn in stands for what the page's theme calls it.
INK, FAINT = "#010101", "#020202"
BETTER, WORSE, QUIET = "#040404", "#050505", "#060606"
LINES = tuple(f"#0{n}0{n}10" for n in range(8))
THEME = {
    INK: "ink",
    FAINT: "rule",
    BETTER: "better",
    WORSE: "worse",
    QUIET: "quiet",
    **{colour: f"line-{n}" for n, colour in enumerate(LINES)},
}
WIDE, HIGH = 4.6, 2.9  # inches of one chart
HIGHEST = 0.98  # of a picture's numbers are told apart by colour, the rest being alike
HEAT = LinearSegmentedColormap.from_list("heat", ["#f2efe6", "#e0b56a", "#b4562f", "#4a1c2c"])
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.size": 9.5, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": FAINT, "grid.linewidth": 0.6, "axes.linewidth": 0.8, "xtick.major.size": 0, "ytick.major.size": 0,
    "axes.axisbelow": True, "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "axes.labelsize": 9.5,
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A drawing with a title, what it says in words, and what stands below it."""

    title: str
    svg: str
    says: str  # for who cannot see it
    note: str = ""
    key: tuple[str, ...] = ()  # what its lines are, in the order of the page's colours


class Sheet:
    """An empty chart to draw on, and the drawing that comes of it."""

    def __init__(self, name: str, wide: float = WIDE, high: float = HIGH) -> None:
        self.name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        with matplotlib.rc_context(STYLE):
            self.figure, self.axes = plt.subplots(figsize=(wide, high), layout="constrained")

    def done(self) -> str:
        """The drawing, to be put into a page; nothing in it refers to anything outside."""
        file = StringIO()
        with matplotlib.rc_context({**STYLE, "svg.hashsalt": self.name}):
            told = {"Date": None, "Creator": None, "Format": None, "Type": None}
            self.figure.savefig(file, format="svg", metadata=told)
        plt.close(self.figure)
        return themed(file.getvalue(), self.name)


def themed(drawing: str, name: str) -> str:
    """An SVG file as a part of a page: no prolog, no namespaces, ids of its own, colours by the page's names."""
    svg = drawing[drawing.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("xlink:href", "href").replace(' version="1.1"', "")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    for colour, called in THEME.items():
        svg = svg.replace(colour, f"var(--{called})")
    return svg.replace("<svg ", '<svg role="presentation" ', 1).strip()


def curves(name: str, series: Sequence[Series], unit: str, *, share: bool = False) -> str:
    """Lines over decisions with a band around each."""
    sheet = Sheet(name)
    axes = sheet.axes
    million = max(float(s.steps[-1]) for s in series) >= 1e6
    scale = 1e6 if million else 1e3
    for number, one in enumerate(series):
        colour = LINES[number % len(LINES)]
        x = one.steps / scale
        marker = "o" if len(x) < 25 else None
        axes.fill_between(x, one.low, one.high, color=colour, alpha=0.16, linewidth=0)
        if one.seeds > 1:
            axes.plot(x, one.runs.T, color=colour, linewidth=0.6, alpha=0.5)
        axes.plot(x, one.mean, color=colour, linewidth=1.7, marker=marker, markersize=2.6)
    if share:
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(percent())
    axes.set_xlabel(f"{'million' if million else 'thousand'} decisions")
    axes.set_ylabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return sheet.done()


def intervals(
    name: str, rows: Sequence[tuple[str, float, float, float]], unit: str, even: float | None, *,
    share: bool = False, strong: Collection[int] = (),
) -> str:  # fmt: skip
    """Points with intervals, a row each, the first one above; with `even`, coloured by the side of it they are on."""
    sheet = Sheet(name, high=0.75 + 0.24 * len(rows))
    axes = sheet.axes
    y = np.arange(len(rows))
    for place, (_, middle, low, high) in zip(y.tolist(), rows, strict=True):
        side = int(low > even) - int(high < even) if even is not None else int(place in strong)
        colour = {0: QUIET, 1: BETTER, -1: WORSE}[side]
        axes.plot(
            [low, high], [place, place], color=colour, linewidth=2.6, solid_capstyle="round", alpha=0.5, clip_on=False
        )
        axes.plot([middle], [place], "o", color=colour, markersize=5, clip_on=False)
    axes.axvline(0.0 if even is None else even, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
    axes.set_yticks(y, [row[0] for row in rows], parse_math=False)  # dollar signs of a name are no formula
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(unit)
    if share:
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(percent())
    return sheet.done()


def reliability(name: str, said: Array, happened: Array, low: Array, high: Array, unit: tuple[str, str]) -> str:
    """What was said against how often it came true, with 95%; the dashed line is what would be right."""
    sheet = Sheet(name)
    axes = sheet.axes
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
    axes.vlines(said, low, high, color=LINES[0], linewidth=2.0, alpha=0.5)
    axes.plot(said, happened, "-o", color=LINES[0], linewidth=1.2, markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=unit[0], ylabel=unit[1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent())
    return sheet.done()


def heat(
    name: str, values: Array, *, extent: tuple[float, float, float, float], unit: tuple[str, str], told: str,
    equal: bool = False, most: float | None = None, marks: Array | None = None, ticks: Sequence[str] | None = None,
) -> str:  # fmt: skip
    """A picture of numbers [rows, columns], the first row below; gaps are left empty, `marks` [n, 2] are crosses.

    The darkest colour is that of `most` and above; if that is not told, of what few numbers reach. `ticks` name rows
    and columns alike, where these are the whole numbers of the extent.
    """
    sheet = Sheet(name, high=HIGH if not equal else 3.4)
    axes = sheet.axes
    axes.grid(visible=False)
    top = float(np.nanquantile(values, HIGHEST)) if most is None else max(most, float(np.nanmax(values)))
    shown = axes.imshow(
        np.ma.masked_invalid(values), origin="lower", aspect="equal" if equal else "auto", extent=extent, cmap=HEAT,
        vmin=0.0, vmax=top, interpolation="nearest",
    )  # fmt: skip
    axes.set(xlabel=unit[0], ylabel=unit[1])
    if marks is not None:
        axes.plot(marks[:, 0], marks[:, 1], "X", markersize=8, markerfacecolor="white", markeredgecolor="black")
    if ticks is not None:
        axes.set_xticks(range(1, len(ticks) + 1), ticks, rotation=50, ha="right")
        axes.set_yticks(range(1, len(ticks) + 1), ticks)
    bar = sheet.figure.colorbar(
        shown, ax=axes, shrink=0.9, pad=0.02, extend="max" if np.nanmax(values) > top else "neither"
    )
    bar.set_label(told)
    bar.outline.set_visible(False)
    return sheet.done()


def lines(
    name: str, x: Array, values: Sequence[Array], unit: tuple[str, str], even: float | None = None
) -> str:  # fmt: skip
    """Plain lines over one quantity."""
    sheet = Sheet(name)
    axes = sheet.axes
    for number, y in enumerate(values):
        axes.plot(x, y, color=LINES[number % len(LINES)], linewidth=1.6)
    if even is not None:
        axes.axhline(even, color=INK, linewidth=0.8, linestyle=(0, (3, 3)))
    axes.set(xlabel=unit[0], ylabel=unit[1])
    axes.set_ylim(bottom=0.0)
    return sheet.done()


def percent() -> FuncFormatter:
    """Shares as percent."""
    return FuncFormatter(lambda value, _: f"{value:.0%}")
