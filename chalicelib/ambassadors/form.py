"""What staff write about ambassadors and invitations, over the API and in the console."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from chalicelib.ambassadors.invitation import KINDS, Channel
from chalicelib.ambassadors.invitations import Wanted
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.names import clean_name, clean_text, refuse
from chalicelib.pages.shell import mark
from chalicelib.phones import clean_phone
from chalicelib.shapes import Day, Strict

AreaId = Annotated[str, Field(min_length=2, max_length=40)]
PersonId = Annotated[str, Field(min_length=1, max_length=40)]
Reason = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(lambda t: clean_text(t, 500))]
STATES = {
    "coming": mark("The appointment has not begun yet."),
    "standing": mark("The appointment stands today."),
    "over": mark("The term of this appointment is over."),
    "ended": mark("This appointment was ended."),
}


class AppointmentBody(Strict):
    influencer_id: PersonId
    area: AreaId
    begins: Day | None = None
    """Left out: today."""
    until: Day | None = None
    """The last day. Left out: a year after the first."""


class RenewalBody(Strict):
    until: Day


class EndBody(Strict):
    reason: Reason


class InvitationOfPerson(Strict):
    """Of somebody who is known from a file."""

    channel: Channel = "whatsapp"
    reason: Reason
    """Why this person, and how one has their address."""


class InvitationBody(Strict):
    """Either `influencer_id`, of somebody who is known from a file, or address, name and area."""

    channel: Channel
    reason: Reason
    influencer_id: Annotated[str, Field(max_length=40)] = ""
    address: Annotated[str, Field(max_length=LONGEST_EMAIL)] = ""
    name: Annotated[
        str, Field(max_length=400), AfterValidator(lambda name: clean_name(name) if name else "")
    ] = ""
    area: Annotated[str, Field(max_length=40)] = ""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "hi"

    @model_validator(mode="after")
    def _one_or_the_other(self) -> InvitationBody:
        told = (self.address, self.name, self.area)
        if any(told) if self.influencer_id else not all(told):
            sentence = "Give either the id of somebody from a file, or address, name and area."
            raise refuse("whom", sentence)
        return self

    @property
    def clean_address(self) -> str:
        """Raises as a validator does."""
        if not self.address:
            return ""
        return clean_phone(self.address) if KINDS[self.channel] == "phone" else clean_email(self.address)

    @model_validator(mode="after")
    def _an_address(self) -> InvitationBody:
        _ = self.clean_address
        return self

    @property
    def wanted(self) -> Wanted:
        """The same, with the address in its one form."""
        return Wanted(
            channel=self.channel,
            reason=self.reason,
            address=self.clean_address,
            name=self.name,
            area=self.area,
            language=self.language,
            influencer=self.influencer_id,
        )
