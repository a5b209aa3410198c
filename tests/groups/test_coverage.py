"""Which places lack what: sums, lists, goals; and that folding ends as the truth is, however it went."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from chalicelib import wiring
from chalicelib.clock import Clock
from chalicelib.groups.coverage import Partition
from chalicelib.groups.nodes import NodeItem, NodeStore
from chalicelib.influencers.rows import RosterItem
from chalicelib.ports import Area
from tests.groups.streams import Streams
from tests.influencers.test_routes import Api

Add = Callable[..., str]
BLOCK, BOOTH = "D9001-B1", "D9001-A1-P1"


@pytest.fixture
def streams(api: Api) -> Streams:
    made = Streams()
    made.settle()
    return made


def cover(api: Api, query: str = "", who: str = "admin") -> Any:
    status, page = api("GET", f"/v1/coverage{query}", who=who)
    assert status == 200, page
    return page


def listed(page: Any) -> list[str]:
    return [one["id"] for one in page["items"]]


def person(partition: str, path: str, name: str) -> RosterItem:
    return RosterItem(partition, f"{path}#inf_{name}", l="hi")


def rows() -> dict[tuple[str, str], str]:
    items = boto3.client("dynamodb").scan(TableName="janjan-local-coverage")["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item["v"]["S"] for item in items}


def test_every_place_of_the_tree_without_a_group_is_listed(api: Api, streams: Streams, add: Add) -> None:
    add(BOOTH)
    streams.settle()
    page = cover(api, "?area=D9001&show=none")
    assert (page["level"], listed(page)) == ("block", [BLOCK])
    assert page["items"][0]["names"] == {"hi": "आमबाग", "en": "Aambagh"}
    assert listed(cover(api, "?area=D9001&level=booth&show=none")) == []
    assert listed(cover(api, "?area=D9001&level=booth")) == [BOOTH]
    assert listed(cover(api, "?area=IN-XN&level=booth&show=none")) == ["D9002-A2-P1"]
    india = cover(api)
    assert (india["level"], listed(india)) == ("state", ["IN-XM", "IN-XN"])
    assert india["items"][1]["sums"]["groups"] == 1
    assert india["gaps"]["none"] == 2


def test_a_group_is_seen_at_once_and_in_the_sums_above_when_its_row_is_folded(
    api: Api, streams: Streams, add: Add
) -> None:
    group = add(BOOTH)
    assert cover(api, "?area=D9001")["sums"]["groups"] == 1
    streams.settle()
    assert cover(api, "?area=IN-XN")["sums"]["groups"] == 1
    assert cover(api)["sums"]["groups"] == 1
    word = {"state": "dead", "seen": "checked"}
    api("PUT", f"/v1/groups/{group}/link", word, who="admin")
    streams.settle()
    assert listed(cover(api, "?area=D9001&level=booth&show=dead")) == [BOOTH]
    assert cover(api, "?area=IN-XN&level=booth")["gaps"]["dead"] == 1
    api("PUT", f"/v1/groups/{group}/link", word | {"state": "archived"}, who="admin")
    streams.settle()
    assert cover(api, "?area=D9001&level=booth&show=none")["items"][0]["lacks"] == ["none", "no_influencer"]
    assert cover(api)["sums"]["groups"] == 0


def test_a_group_that_moves_is_no_longer_where_it_was(api: Api, streams: Streams, add: Add) -> None:
    group = add(BOOTH)
    assert api("PATCH", f"/v1/groups/{group}", {"area": "D9002-A2-P1"}, who="admin")[0] == 200
    streams.settle()
    assert listed(cover(api, "?area=D9001&level=booth&show=none")) == [BOOTH]
    assert [one["sums"]["groups"] for one in cover(api, "?area=IN-XN")["items"]] == [0, 1]


def test_a_group_of_departments_covers_no_area(api: Api, streams: Streams, add: Add, department: str) -> None:
    add("D9001", kind="coordination", departments=[department])
    assert cover(api, "?area=IN-XN")["sums"]["groups"] == 0
    assert not any("#" in sk for _, sk in rows())


def test_approved_influencers_are_counted_where_they_live_until_they_leave(
    api: Api, streams: Streams, creator: str
) -> None:
    streams.settle()
    assert cover(api, "?area=D9001")["sums"]["influencers"] == 1
    assert listed(cover(api, "?area=D9001&level=booth&show=no_influencer")) == []
    assert listed(cover(api, "?area=IN-XN&level=district&show=no_influencer")) == ["D9002"]
    api("POST", f"/v1/influencers/{creator}/review", {"decision": "suspend", "reason": "x"}, who="admin")
    streams.settle()
    assert cover(api)["sums"]["influencers"] == 0
    assert listed(cover(api, "?area=D9001&level=booth&show=no_influencer")) == [BOOTH]


def test_the_share_of_women_is_of_groups_that_tell_it_and_no_data_is_not_nought(
    api: Api, streams: Streams, add: Add
) -> None:
    one, two, _ = add("D9001"), add(BOOTH), add(BLOCK)
    said = {"month": "2026-01", "members": 100, "women": 20}
    api("POST", f"/v1/groups/{one}/figures", said, who="admin")
    api("POST", f"/v1/groups/{two}/figures", {"month": "2026-01", "members": 50}, who="admin")
    page = cover(api, "?area=D9001")
    assert page["sums"] | {"share": 0.2} == page["sums"]
    counted = ("groups", "with_figures", "members", "with_women", "women")
    assert [page["sums"][name] for name in counted] == [3, 2, 150, 1, 20]
    assert page["items"][0]["sums"]["share"] is None
    assert (page["gaps"]["no_figures"], page["gaps"]["under_goal"]) == (1, 0)


def test_a_goal_holds_for_all_below_that_has_none_of_its_own(api: Api, streams: Streams, add: Add) -> None:
    for area, women in (("D9001", 45), ("D9002", 30), (BOOTH, 45)):
        figures = {"month": "2026-01", "members": 100, "women": women}
        api("POST", f"/v1/groups/{add(area)}/figures", figures, who="admin")
    assert api("PUT", "/v1/coverage/IN-XN/goal", {"women": 0.4}, who="admin")[0] == 200
    streams.settle()
    assert listed(cover(api, "?area=IN-XN&show=women")) == ["D9002"]
    assert listed(cover(api, "?area=D9001&level=booth&show=women")) == []
    api("PUT", "/v1/coverage/D9001/goal", {"women": 0.5}, who="one")
    streams.settle()
    assert listed(cover(api, "?area=IN-XN&show=women")) == ["D9001", "D9002"]
    assert listed(cover(api, "?area=IN-XN&level=booth&show=women")) == [BOOTH]
    assert cover(api, "?area=D9001&level=booth")["items"][0]["goal"] == 0.5
    assert cover(api, "?area=IN-XN&level=booth")["gaps"]["under_goal"] is None
    api("PUT", "/v1/coverage/D9001/goal", {"women": None}, who="one")
    assert cover(api, "?area=D9001")["goal"] == 0.4
    entries = wiring.audit().all_of("area#D9001")
    assert [(one.action, one.detail["women_percent"]) for one in entries] == [
        ("coverage.goal", 50),
        ("coverage.goal", None),
    ]


@pytest.mark.parametrize("share", [-0.1, 1.1, "x"])
def test_a_goal_is_a_share(api: Api, streams: Streams, share: object) -> None:
    assert api("PUT", "/v1/coverage/D9001/goal", {"women": share}, who="admin")[0] == 422


def test_an_area_that_the_caller_does_not_cover_is_as_if_there_were_none(
    api: Api, streams: Streams, add: Add
) -> None:
    add("D9001")
    for method, path, body in (
        ("GET", "/v1/coverage?area={}", None),
        ("PUT", "/v1/coverage/{}/goal", {"women": 0.5}),
        ("POST", "/v1/coverage/{}/recount", {}),
    ):
        foreign = api(method, path.format("D9001"), body, who="two")
        unknown = api(method, path.format("D8888"), body, who="two")
        assert (foreign[0], foreign[1]["detail"]) == (unknown[0], unknown[1]["detail"])
        assert foreign[0] == 404
        assert api(method, path.format("IN-XN"), body, who="two")[0] == 404
    assert cover(api, who="two")["area"] == "D9002"
    assert "D9001" not in json.dumps(cover(api, who="two"))
    assert api("GET", "/v1/coverage?area=IN&level=booth", who="admin")[1]["errors"][0]["field"] == "level"


def test_a_list_goes_on_where_it_stopped_over_all_districts_of_a_state(api: Api, streams: Streams) -> None:
    directory = wiring.directory()
    above = ("IN", "IN-XN", "D9002")
    directory.put_areas(
        Area(f"D9002-A3-P{n}", "booth", (*above, f"D9002-A3-P{n}"), {"en": f"Booth {n}"})
        for n in range(1, 12)
    )
    streams.settle()
    found, cursor = [], ""
    while True:
        page = cover(api, f"?area=IN-XN&level=booth&show=none&limit=4{cursor}")
        found += listed(page)
        assert page["gaps"]["none"] == 13
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == [BOOTH, "D9002-A2-P1", *(f"D9002-A3-P{n}" for n in range(1, 12))]


def world(chance: random.Random) -> None:
    """Areas, groups, people, all at the same time: some come, some go, some move."""
    directory = wiring.directory()
    district = ("IN", "IN-XN", "D9001")
    blocks = [(*district, "D9001-B1"), (*district, "D9001-B2")]
    directory.put_areas([Area(path[-1], "block", path, {"en": path[-1]}) for path in blocks])
    for number in range(20):
        above = chance.choice([district, *blocks])
        booth = Area(f"D9001-A1-P{number}", "booth", (*above, f"D9001-A1-P{number}"), {"en": str(number)})
        directory.put_area(booth)
        one = person("D9001", "/".join(booth.path[3:]), str(number))
        one.save()
        if chance.random() < 0.3:
            one.delete()


@pytest.mark.parametrize("seed", range(4))
def test_records_twice_shuffled_and_late_end_as_the_truth_is(
    api: Api, streams: Streams, add: Add, seed: int
) -> None:
    chance = random.Random(seed)
    world(chance)
    for number in range(8):
        add(f"D9001-A1-P{number}")
    streams.settle(chance)
    folded = rows()
    for item in ("D9001", "IN-XN", "IN"):
        wiring.coverage_fold().recount(item)
    assert {key: value for key, value in rows().items() if value != "0"} == {
        key: value for key, value in folded.items() if value != "0"
    }
    booths = cover(api, "?area=D9001&level=booth&limit=100")
    alive = sum(1 for item in RosterItem.query("D9001"))
    assert booths["gaps"]["nodes"] == 20
    assert booths["sums"]["groups"] == 8
    assert booths["sums"]["influencers"] == alive
    assert booths["gaps"]["none"] == 12
    assert cover(api)["sums"]["influencers"] == alive


def test_a_fold_that_dies_between_its_writes_is_made_whole_when_the_batch_comes_again(
    api: Api, streams: Streams, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(random.Random(1))
    add("D9001-A1-P1")
    records = streams.new()
    real, left = NodeStore.fold_people, [5]

    def dying(self: NodeStore, *args: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise RuntimeError("killed")
        real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(NodeStore, "fold_people", dying)
        with pytest.raises(RuntimeError):
            wiring.coverage_fold().take(records)
    wiring.coverage_fold().take(records)
    streams.settle()
    page = cover(api, "?area=IN-XN&level=district")
    assert page["sums"]["influencers"] == sum(1 for _ in RosterItem.query("D9001"))
    assert page["sums"]["groups"] == 1


def test_of_two_folds_at_the_same_time_the_one_that_read_earlier_does_not_win(
    api: Api, streams: Streams, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, once = NodeStore.partition, [1]

    def interrupted(self: NodeStore, area: str, **more: Any) -> Any:
        found = real(self, area, **more)
        if once and more:
            once.clear()
            add(BOOTH)
            NodeStore(Clock()).fold_sums("D9001")
        return found

    add("D9001")
    monkeypatch.setattr(NodeStore, "partition", interrupted)
    NodeStore(Clock()).fold_sums("D9001")
    assert json.loads(rows()["ST#IN-XN", "D9001="])["b"]["groups"] == 2


def test_a_fold_that_read_of_no_area_takes_away_no_sum_that_was_written_since(
    api: Api, streams: Streams, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("D9001")
    streams.settle()
    real, once, store = NodeStore.partition, [1], NodeStore(Clock())
    sums = rows()["ST#IN-XN", "D9001="]

    def interrupted(self: NodeStore, area: str, **more: Any) -> Any:
        found = real(self, area, **more)
        if not once:
            return found
        once.clear()
        NodeItem("ST#IN-XN", "D9001=", v="stale", rev=99).save()
        store.fold_sums("D9001")
        return Partition(found.name)

    monkeypatch.setattr(NodeStore, "partition", interrupted)
    store.fold_sums("D9001")
    assert rows()["ST#IN-XN", "D9001="] == sums


def test_an_area_that_is_no_more_and_a_booth_that_changes_its_block(api: Api, streams: Streams) -> None:
    directory = wiring.directory()
    district = ("IN", "IN-XN", "D9001")
    directory.put_area(Area("D9001-B2", "block", (*district, "D9001-B2"), {"en": "New"}))
    directory.put_area(Area(BOOTH, "booth", (*district, "D9001-B2", BOOTH), {"en": "Moved"}))
    streams.settle()
    assert listed(cover(api, "?area=D9001-B2")) == [BOOTH]
    assert listed(cover(api, "?area=D9001-B1")) == []
    for sk in ("area", "name#en", "name#hi"):
        key = {"pk": {"S": "D9001-B1"}, "sk": {"S": sk}}
        boto3.client("dynamodb").delete_item(TableName="janjan-local-directory", Key=key)
    streams.settle()
    assert listed(cover(api, "?area=D9001&level=block")) == ["D9001-B2"]


def test_counting_anew_mends_what_was_lost(api: Api, streams: Streams, add: Add) -> None:
    add(BOOTH)
    person("D9001", f"{BLOCK}/{BOOTH}", "x").save()
    streams.settle()
    before = rows()
    for pk, sk in before:
        if "#" not in sk:
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            boto3.client("dynamodb").delete_item(TableName="janjan-local-coverage", Key=key)
    for area in ("D9001", "D9002", "IN-XN", "IN-XM", "IN"):
        assert api("POST", f"/v1/coverage/{area}/recount", {}, who="admin")[0] == 200
    assert rows() == before


def test_counting_anew_writes_only_what_is_wrong_and_says_when_it_is_to_be_asked_again(
    api: Api, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, path in enumerate((f"{BLOCK}/{BOOTH}", BLOCK, "")):
        person("D9001", path, f"x{n}").save()
    streams.settle()
    before = rows()

    def recount() -> tuple[bool, int]:
        streams.new()
        status, told = api("POST", "/v1/coverage/D9001/recount", {}, who="admin")
        assert status == 200
        return told["more"], len([one for one in streams.new() if one["eventSourceARN"].count("coverage")])

    assert recount() == (False, 0)
    for pk, sk in before:
        if pk == "D9001" and "%" in sk:
            boto3.client("dynamodb").update_item(
                TableName="janjan-local-coverage",
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                UpdateExpression="SET v = :v",
                ExpressionAttributeValues={":v": {"S": "7"}},
            )
    monkeypatch.setattr("chalicelib.groups.fold.MOST_COUNTED", 2)
    assert recount()[0] is True
    assert recount()[0] is False
    assert rows() == before


def test_an_area_that_has_ended_is_a_node_no_more_and_gets_no_group(
    api: Api, streams: Streams, add: Add
) -> None:
    add("D9002-A2-P1")
    directory, state = wiring.directory(), ("IN", "IN-XN")
    ended = {"valid_until": "2026-01-01", "successors": ("D9001",)}
    directory.put_area(Area("D9002", "district", (*state, "D9002"), {"en": "Loknagar"}, **ended))  # type: ignore[arg-type]
    booth = (*state, "D9001", BLOCK, BOOTH)
    directory.put_area(Area(BOOTH, "booth", booth, {"en": "x"}, valid_until="2999-12-31"))
    streams.settle()
    assert listed(cover(api, "?area=IN-XN&level=district")) == ["D9001"]
    assert cover(api)["sums"]["groups"] == 0
    assert api("GET", "/v1/coverage?area=D9002", who="admin")[0] == 404
    assert listed(cover(api, "?area=D9001&level=booth")) == [BOOTH]
    body = {"link": "https://t.me/+NaMuNa_abc-DEF12", "area": "D9002", "name": "x"}
    assert api("POST", "/v1/groups", body, who="admin")[1]["errors"][0]["code"] == "area_ended"


def test_a_group_of_a_booth_that_is_no_more_stays_in_the_districts_sums(
    api: Api, streams: Streams, add: Add
) -> None:
    add(BOOTH)
    booth = ("IN", "IN-XN", "D9001", BLOCK, BOOTH)
    wiring.directory().put_area(Area(BOOTH, "booth", booth, {"en": "x"}, valid_until="2026-01-01"))
    streams.settle()
    page = cover(api, "?area=D9001")
    assert (page["sums"]["groups"], page["items"][0]["sums"]["groups"]) == (1, 0)
    assert cover(api, "?area=IN-XN&level=district")["items"][0]["lacks"] == ["none", "no_influencer"]


def test_a_district_that_comes_to_another_state_is_in_its_sums_alone(
    api: Api, streams: Streams, add: Add
) -> None:
    add(BOOTH)
    streams.settle()
    moved = Area("D9001", "district", ("IN", "IN-XM", "D9001"), {"en": "Janpur"})
    wiring.directory().put_area(moved)
    streams.settle()
    groups = {one["id"]: one["sums"]["groups"] for one in cover(api)["items"]}
    assert groups == {"IN-XM": 1, "IN-XN": 0}
    assert listed(cover(api, "?area=IN-XN&level=district")) == ["D9002"]
