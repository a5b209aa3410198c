"""What the audit's actions are called on pages."""

from __future__ import annotations

from chalicelib.identity.roles import Role
from chalicelib.pages.shell import mark
from chalicelib.pages.words import ROLE_NAMES

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
VERBS = {
    "abused": mark("marked as abuse"),
    "acknowledged": mark("acknowledged"),
    "added": mark("added"),
    "answered": mark("answered"),
    "appointed": mark("appointed"),
    "approved": mark("approved"),
    "assigned": mark("given to a department"),
    "bundle_made": mark("proof made"),
    "cancelled": mark("called off"),
    "changed": mark("changed"),
    "closed": mark("closed by a person"),
    "created": mark("written"),
    "decided": mark("decided"),
    "declined": mark("declined"),
    "disabled": mark("switched off"),
    "enabled": mark("switched on again"),
    "ended": mark("ended"),
    "erased": mark("erased"),
    "exported": mark("their data was handed out"),
    "figures": mark("figures written"),
    "goal": mark("goal set"),
    "handle_proven": mark("an account was proven to be theirs"),
    "issued": mark("issued"),
    "kit": mark("material taken for sharing"),
    "lifted": mark("stop lifted"),
    "link": mark("link changed"),
    "made": mark("made"),
    "opened": mark("opened"),
    "overridden": mark("let out under a code of conduct"),
    "paused": mark("paused"),
    "posted": mark("said to be shared"),
    "put": mark("stop set"),
    "received": mark("received"),
    "redriven": mark("sent back to its function"),
    "removed": mark("removed"),
    "renewed": mark("renewed"),
    "reopened": mark("opened again"),
    "report_signed": mark("report signed"),
    "resent": mark("sent once more"),
    "resolved": mark("resolved"),
    "resumed": mark("sent on"),
    "revealed": mark("number and email looked at"),
    "scheduled": mark("scheduled"),
    "signed_out": mark("signed out everywhere"),
    "started": mark("started"),
    "submitted": mark("put before an approver"),
    "suspended": mark("suspended"),
    "tested": mark("test message sent"),
    "withdrawn": mark("withdrawn"),
    "written": mark("written"),
}
"""What was done, by the last part of an action's name."""
OTHERWISE = {
    "influencer.withdrawn": mark("taken out at their own wish"),
    "user.created": mark("added to the staff"),
}
"""Actions that are called otherwise than their last part."""
ROLE_DUTIES: dict[Role, str] = {
    "admin": mark("Looks after everything: staff, areas, departments, channels and stops."),
    "coordinator": mark("Looks after creators, ambassadors, groups and voices, in their own areas alone."),
    "editor": mark("Writes campaigns and puts them before an approver; never approves them."),
    "approver": mark("Approves or sends back what others wrote, schedules it, and can stop everything."),
    "nodal_officer": mark("Answers for a department: its directives, schemes, voices and campaigns."),
    "auditor": mark("Sees everything and changes nothing."),
}
STAFF_STATES = {
    "confirmed": ("", mark("signs in")),
    "force_change_password": ("wait", mark("has not signed in yet")),
    "disabled": ("bad", mark("may not sign in")),
}
"""The colour and the words of what the pool says of somebody."""


def action_words(action: str) -> str:
    """What an action is called, marked; its own name where it has no other."""
    return OTHERWISE.get(action) or VERBS.get(action.partition(".")[2], action)


__all__ = ["ROLE_NAMES"]
