"""The sample programme's turnout."""

from __future__ import annotations

from chalicelib import wiring
from chalicelib.turnout.store import TurnoutStore
from local.programme import ELECTION, tell_turnout
from local.sample import areas_from, load_directory


def test_the_sample_has_low_booths_and_a_district_that_did_not_report(tables):
    areas = areas_from(None)
    load_directory(wiring.directory(), areas, sample=True)
    tell_turnout(areas)
    tell_turnout(areas)  # an earlier try may have put it there
    sums = TurnoutStore().sums(ELECTION)
    assert sum(one.sum.booths for one in sums) == sum(area.level == "booth" for area in areas)
    assert [one.sum.reported > 0 for one in sums].count(False) == 1
    low = wiring.turnout().latest([one.district for one in sums])
    assert len(low) == len(sums) - 1
    shares = [one.sum.share for one in sums if one.sum.share]
    assert all(0.3 < share < 0.8 for share in shares)
    blocks = TurnoutStore().sheet(ELECTION, sums[0].district).sums("block")
    assert blocks
    assert all(one.tells for one in blocks.values())
    assert "sample" in wiring.turnouts().elections()[0].name
