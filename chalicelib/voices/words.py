"""What we say about voices: English sentences, translated when they are sent or shown. No I/O."""

from __future__ import annotations

from datetime import datetime

from chalicelib.clock import IST
from chalicelib.i18n import say
from chalicelib.pages.shell import mark
from chalicelib.voices.model import PublicVoice

RECEIVED = "Thank you. We have taken down what you wrote. Your ticket: %(ticket)s"
WHERE = "What becomes of it you can see here at any time: %(link)s"
BEHALF = "We also write to the number that you named. Whoever it is can stop that by writing STOP."
NOTICE = (
    "We keep your words, and your number, name and pictures until %(months)s months after the matter is"
    " closed, for this purpose only. To have number, name and pictures erased before, write ERASE."
)
ASK_DISTRICT = "In which district is it? Please write the name of the district."
SEVERAL = mark("There are several districts of this name. Please write the district and the state:")
PLACED = mark("Noted: %(area)s. (%(ticket)s)")
ADDED = "Added to %(ticket)s. Thank you."
ERASED = "Your number, your name and your pictures have been erased from your tickets."
BROUGHT = (
    "Somebody has told us about a matter in your name. Ticket: %(ticket)s. What becomes of it: %(link)s\n"
    "If you do not want messages about it, write STOP."
)
PICTURE_LOST = (
    "Your picture for %(ticket)s could not be taken: the platform no longer has it, or it is no JPEG, PNG or"
    " WebP of at most %(most)s MB. Please send it again."
)
PICTURE_REFUSED = "Your picture was not added to %(ticket)s. %(why)s"
NO_TICKET = "There is no ticket %(ticket)s. Please check it."
DUE = "An answer is due by %(day)s."
ANSWERED = "An answer to %(ticket)s:\n%(text)s"
RESOLVED = mark("%(ticket)s is settled:\n%(text)s")
DECLINED = "Nothing can be done about %(ticket)s:\n%(text)s"
CARRIED = "What you brought to us has come to an end (%(ticket)s). What was done:\n%(text)s"
AGAIN = "If it is not settled, you can open it again once: %(link)s"
SUBJECT = mark("About your ticket %(ticket)s")

KINDS = {"problem": mark("A problem"), "suggestion": mark("A suggestion")}
STATES = {
    "received": mark("Received: somebody is looking who must answer"),
    "assigned": mark("With the department"),
    "answered": mark("Answered"),
    "resolved": mark("Settled"),
    "declined": mark("Declined"),
}
OCCASIONS = {
    "answered": mark("Answer"),
    "resolved": mark("What was done"),
    "declined": mark("Why nothing is done"),
}


STEPS = {
    "received": mark("Received"),
    "assigned": mark("Given to the department"),
    "answered": mark("First answer"),
    "closed": mark("Closed"),
    "reopened": mark("Opened again"),
    "due": mark("To be answered by"),
}


def page_of(public_url: str, ticket: str, lang: str) -> str:
    """Where whoever has the ticket sees what becomes of it."""
    return f"{public_url}/voice/{ticket}?lang={lang}"


def day_of(at: datetime) -> str:
    """The day in India, as one writes it there."""
    return f"{at.astimezone(IST):%d-%m-%Y}"


def steps_of(voice: PublicVoice) -> list[tuple[str, datetime | None]]:
    """What happened when, and until when the next is due, in the order of its page."""
    return [
        (STEPS["received"], voice.received_at),
        (STEPS["assigned"], voice.assigned_at),
        (STEPS["answered"], voice.answered_at),
        (STEPS["reopened"], voice.reopened_at),
        (STEPS["closed"], voice.closed_at),
        (STEPS["due"], voice.answer_due),
    ]


def state_in_words(voice: PublicVoice, lang: str, link: str) -> str:
    """How a voice stands, with its last answer, for a message."""
    lines = [f"{voice.ticket}: {say(lang, STATES[voice.status])}"]
    if voice.answer_due is not None:
        lines.append(say(lang, DUE, {"day": day_of(voice.answer_due)}))
    if voice.answers:
        lines.append(voice.answers[-1].text)
    return "\n".join([*lines, link])
