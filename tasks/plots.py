"""Plots, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from policies.attainment import Week

WIDE, HIGH, MARGIN, DOTS = 10.0, 4.2, 0.15, 100  # inches, and dots an inch
MET, PARTLY, GRID, INK = "#2f855a", "#c05621", "#d9dee4", "#2d3748"


def shares(title: str, weeks: Sequence[Week]) -> bytes:
    """Draws the share answered in time, a bar a week. A week in which nothing was due says so and has no bar."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import PercentFormatter

    figure: Any = Figure(figsize=(WIDE, HIGH), dpi=DOTS, layout=ConstrainedLayoutEngine(h_pad=MARGIN, w_pad=MARGIN))
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    places, heights = range(len(weeks)), [each.share or 0.0 for each in weeks]
    bars = axes.bar(places, heights, color=[MET if each.met == each.due else PARTLY for each in weeks], width=0.7)
    told = axes.bar_label(bars, [_label(each) for each in weeks], padding=4, color=INK, fontsize=9)
    for each in told:
        each.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # or the grid runs through it
    axes.set_xticks(places, [f"{each.monday:%b} {each.monday.day}" for each in weeks], color=INK)
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(length=0, colors=INK)
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", color=INK, fontsize=13, pad=12)
    axes.set_xlabel("Week that begins on", color=INK)
    made = io.BytesIO()
    figure.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()


def _label(week: Week) -> str:
    return f"{week.met} of {week.due}" if week.due else "none\ndue"
