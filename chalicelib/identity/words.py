"""What the audit's actions are called on pages."""

from __future__ import annotations

from chalicelib.pages.shell import mark

SUBJECTS = {
    "ambassador": mark("Ambassador"),
    "area": mark("Area"),
    "campaign": mark("Campaign"),
    "card": mark("Card"),
    "channel": mark("Channel"),
    "delivery": mark("Delivery"),
    "department": mark("Department"),
    "directive": mark("Directive"),
    "election": mark("Election"),
    "group": mark("Group"),
    "import": mark("Import"),
    "influencer": mark("Creator"),
    "invitation": mark("Invitation"),
    "policy": mark("Category"),
    "post": mark("Post"),
    "queue": mark("Queue"),
    "scheme": mark("Scheme"),
    "stop": mark("Stop"),
    "template": mark("Template"),
    "theme": mark("Theme"),
    "turnout": mark("Turnout"),
    "user": mark("Member of staff"),
    "voice": mark("Voice"),
    "webhook": mark("Webhook"),
}
"""Each type of `chain.SUBJECT_TYPES`."""
ACTIONS = {
    "influencer.approved": mark("approved"),
    "influencer.declined": mark("declined"),
    "influencer.suspended": mark("suspended"),
    "influencer.withdrawn": mark("taken out at their own wish"),
    "influencer.revealed": mark("number and email looked at"),
    "influencer.handle_proven": mark("an account was proven to be theirs"),
}
"""In plain words; an action that is not here is shown by its name."""
