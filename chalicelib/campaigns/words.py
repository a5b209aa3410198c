"""What the fields and values of a campaign are called on the console: English sentences that are translated
when they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.pages.shell import mark
from chalicelib.pages.words import (
    CAMPAIGN,
    CHANNELS,
    FILES,
    GENDERS,
    GIVEN_BACK,
    PLATFORMS,
    PROFESSIONS,
    WITHDRAWN,
)

if TYPE_CHECKING:
    from chalicelib.campaigns.model import Campaign
    from chalicelib.identity.roles import Principal

KINDS = {
    "awareness": mark("Awareness: a service, a scheme, a piece of advice"),
    "voter_awareness": mark("Voter awareness: how, when and where to vote"),
    "electioneering": mark("Electioneering: for a party or a candidate"),
    "emergency": mark("Emergency: a warning that cannot wait"),
}
COMPENSATIONS = {
    "none": mark("Nothing: they share it of their own will"),
    "paid": mark("Money"),
    "in_kind": mark("Goods or favours"),
}
QUIET = {"none": mark("none: at any hour")}
FIELDS = {
    "title": mark("Title"),
    "department": mark("Department"),
    "partners": mark("Together with"),
    "theme": mark("Theme"),
    "schemes": mark("Schemes"),
    "kind": mark("What kind of campaign is it?"),
    "compensation": mark("What do people get for sharing it?"),
    "certificate": mark("Number of the certificate"),
    "imprint": mark("Who publishes it (imprint)"),
    "links": mark("Links"),
    "channels": mark("Over which channels"),
    "languages": mark("In which languages"),
    "expires_at": mark("Until when may it be sent?"),
    "quiet": mark("Quiet hours"),
    "audience.areas": mark("Where"),
    "audience.themes": mark("Only who speaks about these themes"),
    "audience.platforms": mark("Only who is on these platforms"),
    "audience.languages": mark("Only who reads these languages"),
    "audience.professions": mark("Only these professions"),
    "audience.gender": mark("Gender"),
    "audience.min_followers": mark("At least so many followers"),
    "audience.turnout_below": mark("Turnout below (per cent)"),
    "audience.lowest_share": mark("The lowest booths of each district (per cent)"),
    "audience.turnout_election": mark("At which election"),
    "disclosure": mark("Disclosure in your own words"),
    "posts": mark("Post"),
    "media": mark("Pictures, videos, PDFs"),
    "media_file": mark("File"),
    "reason": mark("Reason"),
    "at": mark("When does it begin?"),
    "repeat": mark("Is it repeated?"),
    "election": mark("Election"),
    "runs": mark("Runs"),
    "spread_minutes": mark("Spread over how many minutes"),
}
PARTS = {
    "text": mark("Text"),
    "subject": mark("Subject"),
    "html": mark("HTML"),
    "template": mark("Template"),
    "template_language": mark("Template"),
    "category": mark("Category"),
    "template_id": mark("Registered template"),
    "header": mark("Header"),
    "params": mark("What is filled in"),
}
EXCLUDED = {
    "theme": mark("speak about other themes"),
    "platform": mark("are not on these platforms"),
    "language": mark("read another language"),
    "followers": mark("have fewer followers"),
    "gender": mark("another gender"),
    "profession": mark("another profession"),
    "paused": mark("want no campaigns for now"),
    "turnout": mark("their area's turnout is higher, or not known"),
    "no_channel": mark("cannot be reached over these channels: no consent, stopped, or no address there"),
}
"""Why somebody in these areas would not be reached."""
LIVES = mark("seven days from its beginning")
"""Until when a campaign is sent that says nothing of it."""
NEXT = {
    "draft": mark("Finish it and put it before an approver"),
    "submitted": mark("An approver decides"),
    "approved": mark("Say when it goes out"),
    "scheduled": mark("It goes out by itself"),
    "paused": mark("Resume it or call it off"),
}
"""Who must act, by the state of a campaign; nobody in the others."""
YOURS = mark("Read it and decide")
"""What comes next for somebody who may decide on it."""
EFFECTS = {
    "silence": mark("In silence nothing of this campaign goes to people there: they are passed over."),
    "code": mark("Under a code of conduct nothing of it goes to people there, unless an approver allows it."),
    "free": mark("Neither silence nor a code of conduct holds a campaign of this kind."),
}
"""What an election means for a campaign, by its kind and whose it is (docs/law.md)."""
RUNS = {
    "scheduled": mark("Scheduled"),
    "dispatching": mark("Being sent"),
    "paused": mark("Paused"),
    "dispatched": mark("Sent"),
    "cancelled": mark("Called off"),
    "expired": mark("Expired"),
}
DECISIONS = {
    "proposed": mark("Waiting for approval"),
    "approved": mark("Approved"),
    "declined": mark("Declined"),
}
"""Of a correction or withdrawal."""
SAID = {
    "saved": mark("The draft is saved."),
    "submitted": mark("It waits for an approver now. They see every text as it will be sent."),
    "approved": mark("It is approved. Say next when it goes out."),
    "declined": mark("It is a draft again, and your reason stands with it."),
}
"""What was done with a draft."""
STEPS = {
    "scheduled": mark("It goes out by itself at this time."),
    "allowed": mark("It may go out under this code of conduct. Senders know it within two seconds."),
    "taken_back": mark("The permission is taken back. Senders know it within two seconds."),
    "proposed": mark("It waits for an approver who had no hand in it."),
    "withdrawn": mark("The campaign is withdrawn. What people are told waits for an approver."),
    "sent": mark("It is approved and goes out now."),
    "not_sent": mark("It is declined, and your reason stands with it."),
}
SHADES = {"draft": "wait", "submitted": "wait", "paused": "wait"}
SHADES |= {"cancelled": "bad", "expired": "bad"}


def status(seen: Campaign) -> str:
    """What the state of a campaign is called."""
    return WITHDRAWN if seen.withdrawn_at else GIVEN_BACK if seen.given_back else CAMPAIGN[seen.status]


def shade(seen: Campaign) -> str:
    """The colour of its chip."""
    return "bad" if seen.withdrawn_at or seen.given_back else SHADES.get(seen.status, "")


def next_step(seen: Campaign, who: Principal) -> str:
    """What comes next, for the one who reads it; empty if nobody needs to do anything."""
    if seen.status == "submitted" and who.may("campaign.approve") and seen.may_be_approved_by(who.id):
        return YOURS
    return "" if seen.withdrawn_at else NEXT.get(seen.status, "")


__all__ = ["CHANNELS", "FILES", "GENDERS", "PLATFORMS", "PROFESSIONS"]
