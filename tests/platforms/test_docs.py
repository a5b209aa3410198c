import re
from pathlib import Path

import pytest

from chalicelib.platforms import msg91, ses, telegram, twilio, whatsapp
from chalicelib.platforms.registry import ADAPTERS, MEASURERS
from local.config import platform_secret
from local.sandbox.server import PLATFORMS as SANDBOX
from tests.platforms import contract, golden

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "adding-a-platform.md").read_text(encoding="utf-8")


def rows(heading):
    """Cells of the table whose first column is headed `heading`, by first cell."""
    lines = PAGE.splitlines()
    tables = {}
    for number, line in enumerate(lines):
        if line.startswith(f"| {heading} |"):
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    break
                cells = [cell.strip() for cell in row.strip("|").split("|")]
                tables.setdefault(cells[0].strip("`"), []).append(cells[1:])
    return tables


def told(adapter):
    """What the first table says of an adapter by its capabilities and quota, in the order of its columns."""
    can, quota = adapter.capabilities, getattr(MEASURERS.get(adapter.name), "quota", None)
    sends = [*can.mediums, "templates" * can.templates, "media" * can.media]
    sends.append(f"{can.longest} characters" if can.longest else "")
    figures = "no"
    if quota:
        figures = (
            f"{quota.batch} posts for {quota.units} of {quota.per_window} units in {quota.window_s // 60} min"
        )
    limits = [
        f"{can.rate_per_s:g} a second",
        f"{can.pair_gap_s:g} s to one person" if can.pair_gap_s else "",
        f"{can.per_day} a day" if can.per_day else "",
        "lives {} to {} s".format(*can.ttl_s) if can.ttl_s else "",
    ]
    return [
        "; ".join(filter(None, sends)) or "no",
        *("yes" if has else "no" for has in (can.receipts, can.replies, can.carries_key)),
        figures,
        "; ".join(filter(None, limits)) if can.mediums else "none",
    ]


def test_every_platform_is_on_the_page_with_what_it_can_do():
    documented = rows("platform")
    assert set(documented) == set(ADAPTERS)
    for name, adapter in ADAPTERS.items():
        assert documented[name][0][:6] == told(adapter), name
        assert all(documented[name][0]), name


@pytest.mark.parametrize("platform", sorted(ADAPTERS))
def test_a_platforms_row_names_its_contract_and_tests_that_exist(platform):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", rows("platform")[platform][0][-1])
    assert (f"tests/platforms/test_{platform}.py", type(contract.of(platform)).__name__) in named
    for path, test in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {test}\(", text, re.MULTILINE), (path, test)


@pytest.mark.parametrize("platform", sorted(ADAPTERS))
def test_every_platform_has_samples_golden_files_a_sandbox_and_invented_keys(platform):
    """Its tests are looked for above."""
    assert golden.samples(platform) and golden.known(platform)
    [stands_in] = [one for one in SANDBOX if platform == one.NAME]
    assert stands_in.__module__ == f"local.sandbox.{platform}"
    assert platform in platform_secret()


def test_files_that_the_page_names_are_there():
    named = re.findall(r"`((?:tests|chalicelib|docs|local|scripts)/[\w/]+\.\w+)", PAGE + GUIDE)
    assert named and [path for path in named if not (ROOT / path).exists()] == []


def numbers(text):
    """`1 2; 200-202 x` -> {"1", "2", "200", "201", "202"}"""
    found = set()
    for word in text.replace(";", " ").replace(",", " ").split():
        first, dash, last = word.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            found |= {str(code) for code in range(int(first), int(last or first) + 1)}
    return found


def test_every_code_of_whatsapp_is_on_the_page_where_it_belongs():
    documented = {meaning: numbers(cells[0][1]) for meaning, cells in rows("means").items()}
    scopes = {
        "never to this person": "person",
        "never with this content": "content",
        "not this campaign, for now": "campaign",
        "stop the channel and look": "channel",
    }
    for meaning, scope in scopes.items():
        assert documented[meaning] == {code for code, found in whatsapp.REFUSED.items() if found == scope}
    assert documented["wait, the channel or this person"] == set(whatsapp.RETRY_AFTER_S)


def test_every_code_of_the_sms_platforms_is_on_the_page_where_it_belongs():
    documented = {meaning: cells[0] for meaning, cells in rows("a refusal holds for").items()}
    for column, adapter in enumerate((twilio, msg91)):
        found = {meaning: numbers(cells[column]) for meaning, cells in documented.items()}
        assert found["wait, the channel"] == set(adapter.RETRY_AFTER_S)
        for meaning, scope in (
            ("the person", "person"),
            ("the content", "content"),
            ("the campaign", "campaign"),
            ("the channel's stop", "channel"),
        ):
            assert found[meaning] == {code for code, held in adapter.REFUSED.items() if held == scope}


def test_every_secret_that_verifies_is_on_the_page():
    page = rows("platform")
    assert "app_secret" in page[whatsapp.NAME][1][0]
    assert "secret_token" in page[telegram.NAME][1][0]
    assert "path_token" in page[msg91.NAME][1][0]
    assert "auth_token" in page[twilio.NAME][1][0]


def test_every_error_and_event_of_ses_is_on_the_page_where_it_belongs():
    waits = next(names for names, found in rows("SES answers").items() if "wait a second" in found[0][0])
    assert set(re.findall(r"\w+", waits)) == ses.THROTTLES
    meanings = {
        "channel": "stop the channel and look",
        "content": "never with this content",
        "person": "never to this person",
    }
    for name, clue, scope in ses.REFUSED:
        told = [answer for answer, found in rows("SES answers").items() if [meanings[scope]] in found]
        assert any(name in answer and clue in answer for answer in told), (name, clue)
    events = " ".join(rows("event of SES"))
    assert [event for event in ses.READERS if event not in events] == []
