"""What is said of schemes, marked for translation."""

from __future__ import annotations

from chalicelib.pages.shell import mark

VALIDITIES = {"current": mark("Under way"), "to_come": mark("Begins later"), "ended": mark("Ended")}
