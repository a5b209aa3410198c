"""Addresses that the gateway does not tell apart."""

import pytest

from chalicelib.folding import DEEPEST, Folded, is_folded, resources


def test_an_address_is_found_with_its_named_parts() -> None:
    folded: Folded[str] = Folded()
    folded.add("GET", "/console", "home")
    folded.add("GET", "/console/campaigns/{campaign_id}", "one")
    folded.add("GET", "/console/campaigns/new", "new")
    folded.add("POST", "/console/campaigns/{campaign_id}", "change")
    assert folded.find("GET", []) == ("home", {})
    assert folded.find("GET", ["campaigns", "cmp_1"]) == ("one", {"campaign_id": "cmp_1"})
    assert folded.find("GET", ["campaigns", "new"]) == ("new", {})
    assert folded.find("POST", ["campaigns", "new"]) == ("change", {"campaign_id": "new"})
    assert folded.find("GET", ["groups", "x"]) is None
    assert folded.find("GET", ["campaigns"]) is None


@pytest.mark.parametrize("path", ["/console/a/{other}", "/console/" + "/".join("x" * (DEEPEST + 1))])
def test_an_address_that_is_there_or_too_deep_is_refused(path: str) -> None:
    folded: Folded[str] = Folded()
    folded.add("GET", "/console/a/{one}", "x")
    with pytest.raises(ValueError, match="/console"):
        folded.add("GET", path, "y")


def test_nothing_else_is_folded() -> None:
    assert is_folded("/console") and is_folded("/console/x/y")
    assert not is_folded("/consoles") and not is_folded("/v1/console")
    assert list(resources())[:2] == ["/console", "/console/{part1}"]
