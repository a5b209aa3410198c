"""Whose a handle is."""

from __future__ import annotations

from chalicelib.influencers.accounts import Accounts
from tests.influencers.world import World


def test_a_handle_leads_to_its_person_and_a_person_to_their_handles(world: World) -> None:
    person = world.join()
    accounts = Accounts(world.store)
    assert accounts.owner_of_handle("instagram", "sunita.devi") == person.id
    assert accounts.owner_of_handle("x", "sunita.devi") is None
    assert accounts.handles_of(person.id) == [("instagram", "sunita.devi")]
    assert accounts.handles_of("inf_none") == []
