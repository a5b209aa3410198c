"""How dates, numbers and money are written in India: one helper each, which the templates know as filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from chalicelib.clock import IST

KILO = 1024


def day(of: date | datetime | str) -> str:
    """DD-MM-YYYY, by the calendar of India; also of a text such as 2026-01-31."""
    if isinstance(of, str):
        of = date.fromisoformat(of)
    if isinstance(of, datetime):
        of = of.astimezone(IST)
    return f"{of:%d-%m-%Y}"


def moment(at: datetime, *, seconds: bool = False) -> str:
    """DD-MM-YYYY HH:MM by the clock of India, with seconds if wished."""
    return f"{at.astimezone(IST):{'%d-%m-%Y %H:%M:%S' if seconds else '%d-%m-%Y %H:%M'}}"


def grouped(number: int | float) -> str:
    """12,34,567: lakhs and crores, as India groups; up to two places behind the point."""
    whole, _, rest = f"{abs(number):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    behind = rest.rstrip("0")
    return f"{'-' if number < 0 else ''}{','.join((*pairs, tail))}{'.' + behind if behind else ''}"


def rupees(amount: int | float) -> str:
    """₹12,34,567.50; whole rupees without a point."""
    shown = grouped(abs(amount))
    whole, point, rest = shown.partition(".")
    return f"{'-' if amount < 0 else ''}₹{whole}{point}{rest.ljust(2, '0') if point else ''}"


def sized(count: int) -> str:
    """The size of a file of so many bytes: 212 KB, 1.4 MB."""
    kilobytes = max(1, round(count / KILO))
    return f"{kilobytes} KB" if kilobytes < KILO else f"{count / KILO / KILO:.1f} MB"


def polyline(values: Sequence[float], most: float) -> str:
    """The points of a line over a field of 100 by 40, from left to right, `most` at its top."""
    step = 100 / max(1, len(values) - 1)
    return " ".join(
        f"{at * step:.1f},{40 - 40 * value / most if most else 40:.1f}" for at, value in enumerate(values)
    )
