"""What states and reasons are called on pages: English sentences that the templates translate."""

from __future__ import annotations

from chalicelib.pages.shell import mark
from chalicelib.pages.words import CAMPAIGN, CHANNELS, EVERY, PLATFORMS, PURPOSES, WITHDRAWN

__all__ = [
    "ACTIONS",
    "CAMPAIGN",
    "CHANNELS",
    "EVERY",
    "METRICS",
    "PLATFORMS",
    "PURPOSES",
    "REASONS",
    "WITHDRAWN",
]

REASONS = {
    "no_channel": mark("cannot be reached over the campaign's channels"),
    "no_language": mark("no message in a language that fits"),
    "cancelled": mark("the campaign was called off"),
    "expired": mark("the campaign had expired"),
    "recalled": mark("the message was corrected or withdrawn"),
    "erased": mark("the person had their data erased"),
    "not_approved": mark("the person was no longer approved"),
    "no_address": mark("the person no longer has an address there"),
    "opted_out": mark("the person said stop"),
    "no_consent": mark("the person withdrew the consent"),
    "paused": mark("the person wants no campaigns for now"),
    "weekly_cap": mark("the person already gets as many messages as a week allows"),
    "silence": mark("silence before the end of polling"),
    "code_of_conduct": mark("the code of conduct of an election"),
}
"""Why somebody was skipped or not sent to; a reason that is missing here is shown as it is."""
METRICS = {
    "views": mark("Views"),
    "reach": mark("Reach"),
    "likes": mark("Likes"),
    "comments": mark("Comments"),
    "shares": mark("Shares"),
    "saves": mark("Saves"),
}

ACTIONS = {
    "campaign.created": mark("written"),
    "campaign.changed": mark("changed"),
    "campaign.submitted": mark("put before an approver"),
    "campaign.approved": mark("approved"),
    "campaign.declined": mark("declined"),
    "campaign.overridden": mark("let out under a code of conduct"),
    "campaign.override_withdrawn": mark("override withdrawn"),
    "campaign.report_signed": mark("report signed"),
    "campaign.bundle_made": mark("proof made"),
    "campaign.withdrawn": mark("campaign withdrawn, its words proposed"),
    "correction.proposed": mark("correction proposed"),
    "correction.approved": mark("correction approved"),
    "correction.declined": mark("correction declined"),
    "withdrawal.approved": mark("words of the withdrawal approved"),
    "withdrawal.declined": mark("words of the withdrawal declined"),
    "run.scheduled": mark("scheduled"),
    "run.paused": mark("paused"),
    "run.resumed": mark("resumed"),
    "run.cancelled": mark("called off"),
    "stop.put": mark("stop set"),
    "stop.lifted": mark("stop lifted"),
}
"""What staff did, for the officer's report; an action that is missing here is shown as it is."""

HEALTH = {
    "well": mark("well"),
    "slowed": mark("slowed down by its platform"),
    "resting": mark("resting, as its platform asked"),
    "stopped": mark("stopped"),
}
STOPPED = {
    "all": mark("Everything"),
    "channel": mark("Channel"),
    "department": mark("Department"),
    "area": mark("Area"),
}
"""What a stop is about, by the kind of its scope."""
HALTS = {
    "all": mark(
        "No campaign sends anything more, over any channel, to anybody. Codes for signing in still go out."
    ),
    "channel": mark("Nothing goes out over this channel: campaigns, codes and notices wait."),
    "department": mark("No campaign of this department sends anything more."),
    "area": mark("Nobody in this area, or in any place that belongs to it, gets a campaign."),
}
TRIED = {
    "accepted": mark("The platform took the test message. Please look whether it arrived."),
    "unknown": mark("No answer came: it is not known whether the test message went out."),
}
LETTERS = {
    "callbacks": (
        mark("Receipts and answers from platforms"),
        mark("It may hold a STOP, or a receipt that comes only once: send it back, do not close it unread."),
    ),
    "plan": (
        mark("Planning of runs"),
        mark("Send it back: what was done already is not done twice."),
    ),
    "send": (
        mark("Sending to people"),
        mark("Look at the report first: people may be waiting. Send it back: nobody is sent to twice."),
    ),
    "service": (
        mark("Codes, welcomes, invitations"),
        mark("A code is too late by then: close it. Send a welcome or an invitation back: it goes out once."),
    ),
    "imports": (
        mark("Imports"),
        mark(
            "Look at the import. If it stands still, send it back; if it failed, close it and start it again."
        ),
    ),
    "webhooks": (
        mark("Events for other systems"),
        mark("Look at the receiver under Webhooks, mend it, then send it back."),
    ),
    "events": (
        mark("Events between our own functions"),
        mark("Changes of tables can be sent back for 24 hours. A schedule that was missed: close it."),
    ),
}
"""By dead-letter queue: what lands there, and what to do (docs/dead-letters.md)."""
TEMPLATES = {
    "approved": mark("approved"),
    "pending": mark("waiting for its platform"),
    "rejected": mark("refused by its platform"),
    "paused": mark("paused by its platform"),
    "disabled": mark("switched off by its platform"),
}
VERBS = {
    "pause": (
        mark("Pause"),
        mark("Within five seconds nothing new is sent. It can be resumed until it expires."),
    ),
    "resume": (mark("Resume"), mark("It goes on exactly where it stopped: nobody is sent to twice.")),
    "cancel": (
        mark("Call off"),
        mark("Whoever was not sent to yet is not, and its repetition ends. This cannot be undone."),
    ),
}
STEERED = {
    "begun": mark("It begins now. You can watch it here."),
    "pause": mark("It is paused: nothing new is sent."),
    "resume": mark("It goes on."),
    "cancel": mark("It is called off: nobody else is sent to."),
}
STAGES = {"accepted": mark("Accepted"), "delivered": mark("Delivered"), "read": mark("Read")}
STATUSES = {
    "planned": mark("Still under way"),
    "accepted": mark("Accepted"),
    "sent": mark("Sent"),
    "delivered": mark("Delivered"),
    "read": mark("Read"),
    "failed": mark("Failed"),
    "unknown": mark("Unknown"),
    "not_sent": mark("Not sent"),
    "superseded": mark("Sent once more: counted there"),
}
