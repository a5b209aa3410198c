"""Under which accounts departments speak: one owner each, proven as creators' are; who has none where."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.departments.accounts import Accounts
from chalicelib.departments.model import OfficialAccount
from chalicelib.departments.store import Record
from chalicelib.errors import Conflict, NotFound, OtherDepartment
from chalicelib.events.outbox import entry_of
from chalicelib.identity.audit import Audit
from chalicelib.influencers.accounts import Handles
from chalicelib.influencers.model import Influencer
from chalicelib.influencers.proofs import Heard
from chalicelib.influencers.rows import OwnedItem
from chalicelib.ops import RateLimits
from chalicelib.platforms.base import Inbound
from chalicelib.ports import OwnAccount
from chalicelib.proving import NotReadable, ProvenByAnother, Proving
from tests.departments.world import ADMIN, APPROVER, COORDINATOR, NAMES, ROADS, WATER, World
from tests.influencers.world import World as Creators

NAME = "sunita.devi"


class Both:
    """Departments and creators on the same tables, each knowing of the other's claims."""

    def __init__(self) -> None:
        self.creators = Creators()
        self.departments = World(self.creators.clock)
        store = self.creators.store
        self.accounts = Accounts(
            store=self.departments.store,
            departments=lambda: NAMES,
            claims=lambda: store,
            proving=lambda: Proving(self.creators.accounts, self.creators.secrets, self.creators.clock),  # type: ignore[arg-type]
            limits=RateLimits(self.creators.clock),
            changes=self.departments.changes,
        )
        object.__setattr__(store, "department_loses", self.accounts.loses)
        self.heard = Heard((lambda: self.creators.proofs, lambda: self.accounts)).heard

    def add(
        self, department: str = "water", platform: str = "instagram", handle: str = NAME
    ) -> OfficialAccount:
        return self.accounts.add(ADMIN, department, platform, handle)

    def known(self, department: str = "water") -> list[tuple[str, str]]:
        return [(one.handle, one.proof) for one in self.accounts.listed(ADMIN, department).accounts]

    def show(self, department: str, account: OfficialAccount, own_id: str = "178") -> None:
        code = self.accounts.begin(ADMIN, department, account.id).code
        self.creators.accounts.show(account.platform, account.handle, f"x {code}", own_id)

    def prove(self, department: str, account: OfficialAccount) -> OfficialAccount:
        self.show(department, account)
        return self.accounts.check(ADMIN, department, account.id)

    def prove_creator(self, person: Influencer) -> None:
        [account] = [*person.handles, *person.contested]
        code = self.creators.proofs.begin(person.id, account.id).code
        self.creators.accounts.show("instagram", NAME, code)
        self.creators.proofs.check(person.id, account.id)

    def raised(self, department: str) -> tuple[str, str] | None:
        """The event that the last change of a department's desk brings to the bus: its name and account."""
        change = Record.get("desk", department).to_dynamodb_dict()
        entry = entry_of({"dynamodb": {"NewImage": change}})
        assert entry is None or entry.data["department"] == department
        return (entry.name, str(entry.data["handle_id"])) if entry else None

    def claims(self) -> dict[str, tuple[str, str]]:
        found = OwnedItem.scan(OwnedItem.sk == "claim")
        rows = {one.pk: (str(one.owner), str(one.proof)) for one in found}
        return {key: row for key, row in rows.items() if not key.startswith("phone")}


@pytest.fixture
def both(tables: object) -> Both:
    return Both()


def test_an_account_is_stated_then_proven_by_its_own_words_and_stands_in_the_audit(both: Both) -> None:
    account = both.add()
    assert (account.proof, both.known()) == ("stated", [(NAME, "stated")])
    assert both.add().id == account.id  # the same again is the same
    proven = both.prove("water", account)
    assert (proven.proof, proven.account) == ("verified", "178")
    assert both.claims() == {
        f"handle#instagram#{NAME}": ("department#water", "proven"),
        "account#instagram#178": ("department#water", "proven"),
    }
    entries = Audit().all_of("department#water")
    assert [entry.action for entry in entries] == ["department.handle_added", "department.handle_proven"]
    assert NAME not in str(entries)
    assert both.raised("water") == ("department.handle_proven", account.id)
    handles = Handles(both.creators.store, both.accounts.handles_of)
    assert handles.handles_of("department#water") == [OwnAccount("instagram", NAME, "178", proven=True)]
    assert handles.proven_by("instagram", [NAME]) == "department#water"


def test_an_account_that_a_creator_holds_is_contested_for_a_department_that_states_it(both: Both) -> None:
    person = both.creators.join()
    account = both.add()
    desk = both.accounts.listed(ADMIN, "water")
    assert (desk.accounts, desk.contested, both.add().id) == ((), (account,), account.id)
    assert both.claims()[f"handle#instagram#{NAME}"] == (person.id, "stated")
    assert desk.standing("instagram") == "none"


def test_a_department_that_proves_it_takes_it_from_a_creator_who_only_stated_it(both: Both) -> None:
    person = both.creators.join()
    both.prove("water", both.add())
    assert both.claims()[f"handle#instagram#{NAME}"] == ("department#water", "proven")
    after = both.creators.store.person(person.id)
    assert (after.handles, [one.handle for one in after.contested]) == ((), [NAME])
    assert both.known() == [(NAME, "verified")]
    assert Audit().all_of("department#water")[-1].detail["lost_by"] == person.id


def test_an_account_that_a_department_holds_is_contested_for_a_creator_who_states_it(both: Both) -> None:
    both.add()
    person = both.creators.join()
    assert (person.handles, [one.handle for one in person.contested]) == ((), [NAME])
    assert both.claims()[f"handle#instagram#{NAME}"] == ("department#water", "stated")


def test_a_creator_who_proves_it_takes_it_from_a_department_that_only_stated_it(both: Both) -> None:
    account = both.add()
    person = both.creators.join()
    both.prove_creator(person)
    assert both.claims()[f"handle#instagram#{NAME}"] == (person.id, "proven")
    desk = both.accounts.listed(ADMIN, "water")
    assert (desk.accounts, [one.id for one in desk.contested]) == ((), [account.id])
    assert both.raised("water") == ("department.handle_contested", account.id)
    [entry] = [e for e in Audit().all_of(f"influencer#{person.id}") if e.action.endswith("handle_proven")]
    assert entry.detail["lost_by"] == ["department#water"]
    assert desk.standing("instagram") == "none"
    both.show("water", account)
    with pytest.raises(ProvenByAnother):
        both.accounts.check(ADMIN, "water", account.id)


def test_a_department_that_proves_it_takes_it_from_another_that_only_stated_it(both: Both) -> None:
    both.add("roads")
    both.prove("water", both.add("water"))
    assert (both.known("roads"), both.known("water")) == ([], [(NAME, "verified")])
    assert both.raised("roads")[0] == "department.handle_contested"
    both.add("roads", handle="other")
    assert both.raised("roads") is None  # told once
    assert both.accounts.listed(ADMIN, "roads").contested[0].handle == NAME


def test_a_department_cannot_prove_what_a_creator_has_proven(both: Both) -> None:
    account = both.add()
    person = both.creators.join()
    both.prove_creator(person)
    both.show("water", account)
    with pytest.raises(ProvenByAnother):
        both.accounts.check(ADMIN, "water", account.id)
    assert both.claims()[f"handle#instagram#{NAME}"] == (person.id, "proven")


def test_a_creator_keeps_nothing_of_what_a_department_has_proven(both: Both) -> None:
    both.prove("water", both.add())
    person = both.creators.join()
    with pytest.raises(ProvenByAnother):
        both.prove_creator(person)
    assert both.known() == [(NAME, "verified")]


def test_an_account_that_was_taken_comes_back_by_proof_once_its_creator_has_left(both: Both) -> None:
    account = both.add()
    person = both.creators.join()
    both.prove_creator(person)
    both.creators.register.withdraw(_admin(), person.id)
    both.prove("water", account)
    assert both.known() == [(NAME, "verified")]
    assert both.accounts.listed(ADMIN, "water").contested == ()


def _admin() -> Any:
    from tests.influencers.world import ADMIN as STAFF

    return STAFF


def test_two_who_prove_one_account_at_once_leave_it_one_owner(both: Both) -> None:
    """The department has read the claims; before it writes, a creator proves the account."""
    account = both.add()
    person = both.creators.join()
    both.show("water", account)
    real, done = both.creators.store.claim, []

    def slow(*given: Any) -> Any:
        claim = real(*given)
        if not done:
            done.append(1)
            both.prove_creator(person)
        return claim

    object.__setattr__(both.creators.store, "claim", slow)
    with pytest.raises(ProvenByAnother):
        both.accounts.check(ADMIN, "water", account.id)
    assert both.claims()[f"handle#instagram#{NAME}"] == (person.id, "proven")
    assert both.known() == []


def test_two_who_state_a_free_account_at_once_do_not_both_have_it(both: Both) -> None:
    """The department has read that nobody holds it; before it writes, a creator has joined with it."""
    real, people = both.creators.store.claim, []

    def slow(*given: Any) -> Any:
        claim = real(*given)
        if not people:
            people.append(both.creators.join())
        return claim

    object.__setattr__(both.creators.store, "claim", slow)
    both.add()
    assert both.claims()[f"handle#instagram#{NAME}"] == (people[0].id, "stated")
    assert (both.known(), len(both.accounts.listed(ADMIN, "water").contested)) == ([], 1)


def test_an_account_is_proven_by_a_message_from_it_and_from_no_other(both: Both) -> None:
    account = both.add(platform="telegram", handle="jal_vibhag")
    code = both.accounts.begin(ADMIN, "water", account.id).code
    now = both.creators.clock.now()

    def said(handle: str) -> Inbound:
        return Inbound("1", "42", code, "text", now, extra={"handle": handle})

    reply = both.heard("telegram", said("somebody"), now)
    assert reply is not None
    assert "jal_vibhag" in reply
    assert both.known() == [("jal_vibhag", "stated")]
    assert both.heard("x", said("jal_vibhag"), now) is None
    for _ in range(2):  # messages come again
        assert both.heard("telegram", said("jal_vibhag"), now)
    assert both.known() == [("jal_vibhag", "verified")]
    both.departments.days(7)
    assert both.heard("telegram", said("jal_vibhag"), both.creators.clock.now()) is None


def test_an_account_that_goes_is_anybodys_again(both: Both) -> None:
    account = both.prove("water", both.add())
    both.accounts.remove(WATER, "water", account.id)
    assert both.claims() == {}
    assert both.creators.join().handles[0].handle == NAME
    with pytest.raises(NotFound):
        both.accounts.remove(WATER, "water", account.id)


def test_a_nodal_officer_keeps_their_own_departments_accounts_alone(both: Both) -> None:
    account = both.add()
    for act in (
        lambda: both.accounts.listed(ROADS, "water"),
        lambda: both.accounts.add(ROADS, "water", "x", "jal"),
        lambda: both.accounts.remove(ROADS, "water", account.id),
        lambda: both.accounts.begin(ROADS, "water", account.id),
        lambda: both.accounts.check(ROADS, "water", account.id),
    ):
        with pytest.raises(OtherDepartment):
            act()
    assert both.accounts.listed(COORDINATOR, "water").accounts == (account,)
    with pytest.raises(NotFound):
        both.accounts.listed(ADMIN, "moon")


def test_what_is_not_readable_stays_stated(both: Both) -> None:
    account = both.add()
    with pytest.raises(NotReadable):
        both.accounts.check(ADMIN, "water", account.id)
    assert both.known() == [(NAME, "stated")]


def test_a_list_of_accounts_has_an_end(both: Both) -> None:
    for number in range(24):
        both.add(handle=f"jal_{number}")
    with pytest.raises(Conflict):
        both.add()
    assert f"handle#instagram#{NAME}" not in both.claims()


def coverage(both: Both, who: Any = APPROVER, **more: Any) -> Any:
    given: dict[str, Any] = {"missing": "", "standing": "none", "after": "", "limit": 10}
    return both.accounts.coverage(who, **given | more)


def test_coverage_tells_who_has_none_who_only_stated_and_who_has_no_officer(both: Both) -> None:
    both.prove("water", both.add())
    both.add("roads", "x", "sadak")
    facts = {"seat": "officer", "begins": both.creators.clock.today_ist(), "name": "आशा"}
    both.departments.officers.appoint(ADMIN, "roads", **facts)
    table, after = coverage(both)
    shown = {
        row.department: (row.desk.standing("instagram"), row.desk.standing("x"), row.vacant)
        for row in table.rows
    }
    assert shown == {
        "health": ("none", "none", True),
        "roads": ("none", "stated", False),
        "water": ("verified", "none", True),
    }
    assert (table.departments, table.vacant, after) == (3, 2, None)
    assert table.totals["instagram"] == {"verified": 1, "none": 2}
    assert table.totals["x"] == {"stated": 1, "none": 2}


def test_coverage_goes_page_by_page_and_by_what_is_missing(both: Both) -> None:
    both.add("roads", "x", "sadak")
    found, after = [], ""
    while True:
        table, place = coverage(both, after=after, limit=1)
        found += [row.department for row in table.rows]
        if place is None:
            break
        after = place
    assert found == ["health", "roads", "water"]
    assert [row.department for row in coverage(both, missing="x")[0].rows] == ["health", "water"]
    assert [row.department for row in coverage(both, missing="x", standing="stated")[0].rows] == ["roads"]


def test_a_nodal_officer_sees_of_coverage_their_own_departments_in_numbers_too(both: Both) -> None:
    both.add("roads", "x", "sadak")
    table, _ = coverage(both, WATER)
    assert ([row.department for row in table.rows], table.departments) == (["water"], 1)
    assert table.totals["x"] == {"none": 1}


def test_anybody_sees_proven_accounts_alone_and_no_officer(both: Both) -> None:
    both.add("water", "x", "jal")
    both.prove("water", both.add())
    names, accounts = both.accounts.public("water")
    assert (names, [one.handle for one in accounts]) == ({"en": "Water"}, [NAME])
    with pytest.raises(NotFound):
        both.accounts.public("moon")
