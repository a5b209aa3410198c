"""The console's room of groups, over two filled districts."""

from __future__ import annotations

from chalicelib import wiring
from tests.ambassadors.test_desk import text, visit
from tests.identity.land import Land
from tests.identity.test_two_districts import land

__all__ = ["land"]
ROOM = "/console/groups"
LINK = "https://chat.whatsapp.com/NamunaNamunaNamuna99"


def test_a_group_is_put_on_the_register_once_and_its_link_and_figures_are_noted(land: Land) -> None:
    fields = {"name": "Namuna <b>Samuh</b>", "link": "chat.example/x", "area": land.a.block}
    wrong = visit(land, "coordinator_a", ROOM, fields)
    assert wrong.status_code == 422 and "Namuna &lt;b&gt;Samuh" in text(wrong)
    made = visit(land, "coordinator_a", ROOM, fields | {"link": LINK})
    assert "said=added" in made.headers["Location"]
    again = visit(land, "coordinator_a", ROOM, fields | {"link": LINK})
    assert again.status_code == 409 and "stands on the register already" in text(again)
    here = made.headers["Location"].partition("?")[0]
    shown = text(visit(land, "coordinator_a", here))
    assert LINK not in shown and "Namuna &lt;b&gt;Samuh" in shown
    figures = {"month": "2026-02", "members": "50", "women": "60"}
    assert visit(land, "coordinator_a", f"{here}/figures", figures).status_code == 422
    noted = visit(land, "coordinator_a", f"{here}/figures", figures | {"women": "20"})
    assert "said=figures" in noted.headers["Location"]
    word = visit(land, "coordinator_a", f"{here}/link", {"state": "dead", "reason": "gone"})
    assert "said=link" in word.headers["Location"]
    assert "The link is dead" in text(visit(land, "coordinator_a", here))
    assert LINK in text(visit(land, "coordinator_a", f"{here}/reveal", {"x": "1"}))
    group = here.rpartition("/")[2]
    assert [entry.action for entry in wiring.audit().all_of(f"group#{group}")][-1] == "group.revealed"


def test_another_districts_group_is_not_there(land: Land) -> None:
    other = land.b.one("group")
    assert other not in text(visit(land, "coordinator_a", ROOM))
    assert visit(land, "coordinator_a", f"{ROOM}/{other}").status_code == 404
    for what in ("reveal", "kits", "figures", "link"):
        fields = {"campaign": land.a.one("campaign"), "state": "dead", "month": "2026-02", "members": "1"}
        assert visit(land, "coordinator_a", f"{ROOM}/{other}/{what}", fields).status_code == 404
    assert visit(land, "coordinator_a", f"{ROOM}?area={land.b.district}").status_code == 422


def test_a_kit_is_shown_to_be_copied_and_noted_as_posted(land: Land) -> None:
    [group] = land.a.ids["group"][:1]
    campaigns = land.a.ids["campaign"]
    pages = [visit(land, "coordinator_a", f"{ROOM}/{group}/kits", {"campaign": one}) for one in campaigns]
    shown = [(one, page) for one, page in zip(campaigns, pages, strict=True) if page.status_code == 200]
    assert shown, [page.status_code for page in pages]
    campaign, page = shown[0]
    assert "The link of this group alone" in text(page) and "readonly" in text(page)
    done = visit(land, "coordinator_a", f"{ROOM}/{group}/kits", {"campaign": campaign, "do": "posted"})
    assert "said=posted" in done.headers["Location"]
    assert visit(land, "coordinator_a", f"{ROOM}/{group}/kits", {"campaign": "cmp_none"}).status_code == 404
