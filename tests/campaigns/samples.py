"""Campaigns and people that the tests of this folder share."""

from __future__ import annotations

from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.model import Content
from chalicelib.identity.roles import Principal
from chalicelib.ports import Area, RosterRow

EDITOR = Principal("u-editor", "", "", frozenset({"editor"}))
APPROVER = Principal("u-approver", "", "", frozenset({"approver"}))
WRITES_AND_APPROVES = Principal("u-both", "", "", frozenset({"editor", "approver"}))
SECOND_APPROVER = Principal("u-approver-2", "", "", frozenset({"approver"}))
NODAL = Principal("u-nodal", "", "", frozenset({"nodal_officer"}), departments=frozenset({"health"}))

AREAS = [
    Area("IN", "country", ("IN",), {"en": "India"}),
    Area("IN-XN", "state", ("IN", "IN-XN"), {"en": "Namuna Pradesh"}),
    Area("D9001", "district", ("IN", "IN-XN", "D9001"), {"hi": "जनपुर", "en": "Janpur"}),
    Area("D9002", "district", ("IN", "IN-XN", "D9002"), {"hi": "लोकनगर", "en": "Loknagar"}),
    Area("D9001-B1", "block", ("IN", "IN-XN", "D9001", "D9001-B1"), {"en": "Sadar"}),
]

BRIEF = Template(
    name="namuna_brief",
    language="hi",
    category="marketing",
    body="नमस्ते {{1}}, नया अभियान: {{2}}। सामग्री: {{3}} संदेश रोकने के लिए STOP लिखें।",
    state="approved",
)


def whatsapp(**more):
    message = {
        "template": "namuna_brief",
        "category": "marketing",
        "params": ["{name}", "मतदान करें। {disclosure}", "{link}"],
    }
    return message | more


def content(**more):
    given = {
        "title": "मतदान करें",
        "department": "election",
        "compensation": "none",
        "messages": {
            "whatsapp": {"hi": whatsapp()},
            "telegram": {"hi": {"text": "नमस्ते {name}, मतदान करें। {link}"}},
        },
        "links": ["https://example.org/vote"],
        "audience": {"areas": ["IN-XN"]},
    }
    return Content.model_validate(given | more)


def row(n, *, partition="D9001", language="hi", channels=("whatsapp",), **more):
    return RosterRow(f"inf_{n:04d}", partition, f"#inf_{n:04d}", language, channels=channels, **more)


class MemoryRoster:
    """A roster in memory, with the pages of the real one."""

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda one: (one.partition, one.area_key))

    def page(self, where, after, limit):
        mine = [
            one
            for one in self.rows
            if one.partition == where.partition
            and one.area_key.startswith(where.prefix)
            and (after is None or one.area_key > after)
        ]
        return mine[:limit], mine[limit - 1].area_key if len(mine) > limit else None
