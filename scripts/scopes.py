"""Writes the rules of tests/identity/scopes.py into docs/roles.md."""

from __future__ import annotations

from pathlib import Path

from tests.identity.scopes import table

ROLES = Path(__file__).parents[1] / "docs" / "roles.md"
BEGINS, ENDS = "<!-- scopes -->\n", "\n<!-- /scopes -->"


def main() -> None:
    """Puts the table between its marks."""
    before, _, rest = ROLES.read_text(encoding="utf-8").partition(BEGINS)
    after = rest.partition(ENDS)[2]
    ROLES.write_text(before + BEGINS + "\n".join(table()) + ENDS + after, encoding="utf-8")


if __name__ == "__main__":
    main()
