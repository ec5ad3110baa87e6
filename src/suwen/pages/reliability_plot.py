"""The reliability plot: for mentions of like confidence, how many are right (DeGroot and Fienberg 1983)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

__all__ = ["reliability_plot"]

SIDE, LEFT, TOP, RIGHT, BELOW = 300, 46, 10, 14, 42
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RADIUS = 4.5
MEASURED, PERFECT = "#d9822b", "#8a8f96"


class Bin(Protocol):
    """Mentions of like confidence."""

    @property
    def mentions(self) -> int:
        """Their number."""

    @property
    def confidence(self) -> float:
        """Their mean confidence."""

    @property
    def precision(self) -> float:
        """The part of them that is right."""


def reliability_plot(bins: Sequence[Bin], error: float) -> str:
    """Draw the plot as one SVG element, fit for a page and for a file of its own.

    A dot is a bin, at its mean confidence and its precision; on the dashed line both are equal. The text takes the
    color of what stands around it.

    Parameters
    ----------
    error
        The expected calibration error.
    """
    width, height = LEFT + SIDE + RIGHT, TOP + SIDE + BELOW
    corner, end = (_x(0.0), _y(0.0)), (_x(1.0), _y(1.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="reliability" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="system-ui,sans-serif" font-size="11" '
        'fill="currentColor">',
        f"<title>Reliability: expected calibration error {error:.3f}</title>",
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{PERFECT}"/>',
        *_ticks(),
        f'<path d="M{corner[0]:.1f} {corner[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" stroke="{PERFECT}" '
        'stroke-dasharray="4 4" fill="none"/>',
        f'<path d="M{"L".join(f"{_x(one.confidence):.1f} {_y(one.precision):.1f}" for one in bins)}" '
        f'stroke="{MEASURED}" stroke-width="1.5" fill="none"/>',
        *map(_dot, bins),
        f'<text x="{LEFT + SIDE / 2}" y="{height - 8}" text-anchor="middle">置信度 confidence</text>',
        f'<text transform="translate(13 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">精确率 precision</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ticks() -> Iterator[str]:
    for tick in TICKS:
        yield f'<text x="{_x(tick):.1f}" y="{TOP + SIDE + 15}" text-anchor="middle">{tick:g}</text>'
        yield f'<text x="{LEFT - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'


def _dot(one: Bin) -> str:
    title = f"{one.mentions:,} mentions: confidence {one.confidence:.3f}, precision {one.precision:.3f}"
    return (
        f'<circle cx="{_x(one.confidence):.1f}" cy="{_y(one.precision):.1f}" r="{RADIUS}" fill="{MEASURED}">'
        f"<title>{title}</title></circle>"
    )


def _x(confidence: float) -> float:
    return LEFT + SIDE * confidence


def _y(precision: float) -> float:
    return TOP + SIDE * (1 - precision)
