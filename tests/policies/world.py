"""Policies and people in a test's hands."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from chalicelib.policies.model import Known, Terms, Version
from chalicelib.ports import Count, KnownPost, Profile, ProfileAccount
from local.engine import ROOT

TODAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SAMPLES: list[dict[str, Any]] = json.loads((ROOT / "local" / "data" / "policies.json").read_text("utf-8"))


def followers(verified: bool = True, **at_least: int) -> dict[str, Any]:
    return {"kind": "followers", "at_least": at_least, "verified": verified}


def tier(tier_id: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": tier_id, "names": {"hi": f"श्रेणी {tier_id}", "en": f"Tier {tier_id}"}, "rules": rules} | more


def terms(*tiers: dict[str, Any], rules: Any = (), **more: Any) -> Terms:
    return Terms.model_validate({"tiers": tiers, "rules": rules} | more)


def version(*tiers: dict[str, Any], number: int = 1, rules: Any = ()) -> Version:
    return Version(policy="pol_x", number=number, terms=terms(*tiers, rules=rules), by="usr_ed", at=NOON)


def account(
    platform: str = "youtube",
    verified: int | None = None,
    declared: int | None = None,
    *,
    own: str = "hnd_1",
    proven_at: datetime | None = LONG_AGO,
    handle: str = "@namuna",
) -> ProfileAccount:
    return ProfileAccount(
        own,
        platform,
        handle,
        Count(verified, NOON) if verified is not None else None,
        Count(declared) if declared is not None else None,
        proven_at,
    )


def person(*accounts: ProfileAccount, path: tuple[str, ...] = ("IN", "IN-XN", "D9001")) -> Profile:
    return Profile("inf_a", "approved", "hi", path, accounts)


def known(*accounts: ProfileAccount, posts: tuple[KnownPost, ...] = (), on: date = TODAY) -> Known:
    return Known(person(*accounts), posts, on)
