"""What staff write about departments, over the API and in the console."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chalicelib.departments.model import Seat
from chalicelib.departments.scheme import Line
from chalicelib.emails import LONGEST_EMAIL, clean_email
from chalicelib.handles import clean_handle
from chalicelib.names import clean_name, clean_text
from chalicelib.phones import clean_phone
from chalicelib.shapes import Day, Strict

Name = Annotated[str, Field(max_length=400), AfterValidator(clean_name)]
Designation = Annotated[str, Field(max_length=400), AfterValidator(lambda text: clean_text(text, 100))]
Phone = Annotated[str, Field(max_length=80), AfterValidator(lambda text: clean_phone(text) if text else "")]
Email = Annotated[
    str, Field(max_length=LONGEST_EMAIL), AfterValidator(lambda text: clean_email(text) if text else "")
]
UserId = Annotated[str, Field(max_length=80)]
Reason = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(lambda t: clean_text(t, 500))]
Platform = Literal["facebook", "instagram", "x", "youtube", "whatsapp", "telegram"]
DepartmentId = Annotated[str, Field(min_length=1, max_length=40)]


class AppointmentBody(Strict):
    seat: Seat = "officer"
    begins: Day
    name: Name
    designation: Designation = ""
    phone: Phone = ""
    email: Email = ""
    user: UserId = ""


class HandleBody(Strict):
    platform: Platform
    handle: Annotated[str, Field(min_length=1, max_length=500)]
    """Its name or its link."""

    @field_validator("handle")
    @classmethod
    def _canonical(cls, handle: str, info: ValidationInfo) -> str:
        platform = info.data.get("platform")
        return clean_handle(platform, handle) if platform else handle


class DirectiveBody(Strict):
    title: Line
    text: Annotated[str, Field(min_length=1, max_length=16000), AfterValidator(lambda t: clean_text(t, 4000))]
    issued_by: Line
    reference: Annotated[str, Field(max_length=100)] = ""
    issued_on: Day | None = None
    """Left out: today."""
    due_on: Day
    """The last day on which it is acknowledged in time; one that is past makes it overdue at once."""
    departments: Annotated[tuple[DepartmentId, ...], Field(min_length=1, max_length=500)]


class AcknowledgementBody(Strict):
    department: DepartmentId
    note: Annotated[str, Field(max_length=2000), AfterValidator(lambda text: clean_text(text, 500))] = ""


class WithdrawalBody(Strict):
    reason: Reason
