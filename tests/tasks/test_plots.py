"""What a plot shows, as far as its dots tell."""

from __future__ import annotations

import io
from datetime import date, timedelta

from matplotlib.image import imread

from policies.attainment import Week
from tasks import plots

MONDAY = date(2026, 9, 7)
GREEN, ORANGE = (0x2F, 0x85, 0x5A), (0xC0, 0x56, 0x21)


def drawn(*counts: tuple[int, int]) -> dict[tuple[int, int, int], int]:
    """Draws weeks of (met, due). Gives how many dots each colour has."""
    weeks = [Week(MONDAY + timedelta(weeks=at), met, due) for at, (met, due) in enumerate(counts)]
    png = plots.shares("Answered in time", weeks)
    assert png.startswith(b"\x89PNG")
    dots = (imread(io.BytesIO(png))[:, :, :3] * 255).round().astype(int).reshape(-1, 3)
    return {colour: int((dots == colour).all(axis=1).sum()) for colour in (GREEN, ORANGE)}


def test_a_bar_is_as_high_as_the_share() -> None:
    half, whole = drawn((1, 2), (0, 0)), drawn((2, 2), (0, 0))
    assert half[GREEN] == 0
    assert whole[ORANGE] == 0
    assert 0.49 < half[ORANGE] / whole[GREEN] < 0.51


def test_a_week_in_which_nothing_was_due_has_no_bar() -> None:
    assert drawn(*[(0, 0)] * 12) == {GREEN: 0, ORANGE: 0}
