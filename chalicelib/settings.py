"""Every setting of the deployment, typed, read from the environment on first use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Settings:
    """One deployment is one organisation. Each field is the environment variable of the same name in
    capitals."""

    stage: str = "local"
    """Part of every resource's name: `local`, `dev`, `prod`. `local` is a laptop."""
    organisation_kind: str = "public_body"
    """`public_body`, `election_office`, `party` or `ngo`: decides which kinds of campaign may be sent."""
    organisation_name: str = "JanJan"
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the pages, without a slash at the end."""
    quiet_hours: str = "21:00-08:00"
    """In these hours of the recipient's day nothing but emergencies is sent; `none` for no such hours."""
    bus: str = "janjan-local"
    bucket: str = ""
    callbacks_queue_url: str = ""
    plan_queue_url: str = ""
    send_queue_url: str = ""
    service_queue_url: str = ""
    imports_queue_url: str = ""
    webhooks_queue_url: str = ""
    webhooks_dead_url: str = ""
    pool_id: str = ""
    pool_client_id: str = ""
    platform_secret: str = "janjan/local/platforms"
    weekly_cap: int = 7
    """How many runs of one week a person gets, over all campaigns but emergencies, corrections and
    withdrawals; 0: any number."""
    voice_months: int = 12
    """So many months after the end of a voice its sender's address and name are forgotten."""
    platform_url: str = ""
    """Laptop only: base URL that stands in for every platform's own host."""
    clock_file: str = ""
    """Laptop only: file with the seconds by which the clock has been moved."""
    record_calls: str = ""
    """Tests only: file to which every AWS call is appended as a line of JSON."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """The settings in `env`; what is absent keeps its default."""
        given: dict[str, Any] = {f.name: env[f.name.upper()] for f in fields(cls) if f.name.upper() in env}
        for number in {"weekly_cap", "voice_months"} & given.keys():
            given[number] = int(given[number])
        return cls(**given)


@cache
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` makes it read again."""
    return Settings.from_env(os.environ)
