"""What people received, as a page to look at: the newest first, one person's by a click."""

import re
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from chalicelib.clock import IST

SHOWN = 50
NAMES = {"whatsapp": "WhatsApp", "telegram": "Telegram", "msg91": "SMS", "twilio": "SMS", "ses": "Email"}
PAGE = Template(Path(__file__).with_name("phones.html").read_text(encoding="utf-8"))
AGAIN = '<meta http-equiv="refresh" content="5">'


def page(messages: list[dict[str, Any]], to: str | None) -> str:
    """A page of the last of `messages` (as the inbox keeps them), all of them to `to` if that is given; it
    looks again by itself then, as nobody is typing a number."""
    summary = f"Messages: {len(messages)}" if messages else "Nothing has come since this was started."
    if len(messages) > SHOWN:
        summary += f", the last {SHOWN} are shown"
    if to:
        summary += ' <a href="/">Everybody\'s</a>'
    return PAGE.substitute(
        again=AGAIN if to else "",
        to=escape(to or ""),
        summary=summary,
        messages="\n".join(_bubble(one) for one in reversed(messages[-SHOWN:])),
    )


def _bubble(message: dict[str, Any]) -> str:
    to, at = message["to"], datetime.fromisoformat(message["at"]).astimezone(IST)
    text = re.sub(
        r"https?://[^\s<>&।]+", lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(message["text"])
    )
    name = NAMES.get(message["platform"], message["platform"])
    return (
        f"<article><p><strong>{escape(name)}</strong> to "
        f'<a href="/?to={quote(to)}">{escape(to)}</a> <small>{at:%d-%m-%Y %H:%M:%S}</small></p>'
        f"<p>{text}</p></article>"
    )
