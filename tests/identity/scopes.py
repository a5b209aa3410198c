"""For each route: whose things it shows and changes. docs/roles.md shows the same table.

`area`          what lies in the caller's areas (Principal.covers_area)
`department`    what is of the caller's departments (covers_department); coordinators are bound to none
`both`          what is of the caller's areas or departments: campaigns, posts, groups, stops
`own`           what the caller has made, or is
`organisation`  one for all: with the reason why nobody is bound there
`public`        for everybody: with the reason why nothing in it is anybody's
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.identity.land import Side
from tests.policies.world import followers, tier

Scope = Literal["area", "department", "both", "own", "organisation", "public"]


@dataclass(frozen=True)
class Rule:
    """`why`: the reason, where somebody is not bound. `open_to`: roles that are bound elsewhere and not
    here."""

    scope: Scope
    routes: tuple[str, ...]
    why: str = ""
    open_to: frozenset[str] = frozenset()


def _rule(scope: Scope, routes: str, why: str = "", *open_to: str) -> Rule:
    named = tuple(line.strip() for line in routes.strip().splitlines())
    return Rule(scope, named, why, frozenset(open_to))


RULES = (
    _rule(
        "area",
        """
        GET /console/people
        GET /console/people.csv
        GET /console/people/{influencer_id}
        POST /console/people/{influencer_id}/review
        POST /console/people/{influencer_id}/withdrawal
        POST /console/people/{influencer_id}/reveal
        GET /console/review
        POST /console/review
        POST /console/review/{influencer_id}
        GET /v1/influencers
        GET /v1/influencers/{influencer_id}
        POST /v1/influencers/{influencer_id}/erasure
        POST /v1/influencers/{influencer_id}/reveal
        POST /v1/influencers/{influencer_id}/review
        POST /v1/influencers/{influencer_id}/withdrawal
        GET /v1/influencers/{influencer_id}/tier
        POST /v1/policies/{policy}/trial
        GET /v1/invitations
        POST /v1/invitations
        GET /v1/invitations/{invitation}
        POST /v1/influencers/{influencer_id}/invitation
        GET /v1/appeals
        GET /v1/appeals/{appeal_id}
        GET /console/appeals
        GET /console/appeals/{appeal_id}
        POST /console/appeals/{appeal_id}
        GET /console/policies/{policy}/trial
        POST /v1/appeals/{appeal_id}/answer
        GET /v1/ambassadors
        GET /console/ambassadors
        GET /console/ambassadors/shortlist
        POST /console/ambassadors/shortlist
        GET /console/ambassadors/gaps
        POST /console/ambassadors/{appointment}/renewal
        POST /console/ambassadors/{appointment}/end
        GET /console/invitations
        POST /console/invitations
        GET /v1/ambassadors/shortlist
        GET /v1/ambassadors/gaps
        POST /v1/ambassadors
        GET /v1/ambassadors/{appointment}
        GET /v1/ambassadors/{appointment}/letter.pdf
        POST /v1/ambassadors/{appointment}/end
        POST /v1/ambassadors/{appointment}/renewal
        GET /v1/coverage
        PUT /v1/coverage/{area}/goal
        POST /v1/coverage/{area}/recount
        GET /console/areas
        GET /console/areas.csv
        POST /console/areas/goal
        POST /console/areas/women
        GET /v1/turnout
        GET /v1/turnout/compare
        GET /v1/turnout/goals
        PUT /v1/turnout/goals/{area}
        DELETE /v1/turnout/goals/{area}
        GET /v1/turnout/lowest
        GET /v1/turnout/trend
        """,
    ),
    _rule(
        "area",
        """
        POST /v1/audiences/preview
        POST /v1/audiences/preview/jobs
        """,
        "nodal officers write campaigns to any area: they count whom one would reach, and see nobody",
        "nodal_officer",
    ),
    _rule(
        "department",
        """
        GET /console/departments
        GET /console/departments/{department}
        POST /console/departments/{department}/handles
        POST /console/departments/{department}/proof
        POST /console/departments/{department}/officers
        POST /console/departments/{department}/reveal
        GET /console/directives
        POST /console/directives
        GET /console/directives/{directive}
        POST /console/directives/{directive}
        GET /console/schemes
        GET /console/schemes/new
        POST /console/schemes/new
        GET /console/schemes/cards
        GET /console/schemes/cards/new
        POST /console/schemes/cards/new
        GET /console/schemes/cards/{card}
        POST /console/schemes/cards/{card}
        GET /console/schemes/{scheme}
        POST /console/schemes/{scheme}
        GET /console/schemes/{scheme}/text
        POST /console/schemes/{scheme}/text
        GET /v1/cards
        POST /v1/cards
        GET /v1/cards/{card}
        PUT /v1/cards/{card}
        DELETE /v1/cards/{card}
        GET /v1/departments/coverage
        GET /v1/departments/{department}/handles
        POST /v1/departments/{department}/handles
        DELETE /v1/departments/{department}/handles/{handle}
        POST /v1/departments/{department}/handles/{handle}/proof
        POST /v1/departments/{department}/handles/{handle}/proof/check
        GET /v1/departments/{department}/officers
        POST /v1/departments/{department}/officers
        PATCH /v1/departments/{department}/officers/{appointment}
        POST /v1/departments/{department}/officers/{appointment}/end
        POST /v1/departments/{department}/officers/{appointment}/reveal
        GET /v1/directives
        POST /v1/directives
        GET /v1/directives/{directive}
        POST /v1/directives/{directive}/acknowledgement
        GET /v1/directives/{directive}/orders.csv
        POST /v1/directives/{directive}/withdrawal
        POST /v1/schemes
        PATCH /v1/schemes/{scheme}
        POST /v1/schemes/{scheme}/progress
        """,
    ),
    _rule(
        "both",
        """
        GET /console/campaigns
        GET /console/campaigns/{campaign_id}
        POST /console/campaigns/{campaign_id}
        GET /console/campaigns/{campaign_id}/media
        GET /console/campaigns/{campaign_id}/approval
        POST /console/campaigns/{campaign_id}/approval
        GET /console/campaigns/{campaign_id}/reach
        POST /console/campaigns/{campaign_id}/reach
        GET /console/campaigns/{campaign_id}/corrections
        POST /console/campaigns/{campaign_id}/corrections
        POST /console/campaigns/{campaign_id}/corrections/{number}
        POST /console/campaigns/{campaign_id}/overrides
        GET /console/campaigns/{campaign_id}/schedule
        POST /console/campaigns/{campaign_id}/schedule
        POST /console/campaigns/{campaign_id}/withdrawal
        GET /console/campaigns/{campaign_id}/officer-report
        GET /console/campaigns/{campaign_id}/report
        GET /console/campaigns/{campaign_id}/live
        GET /console/campaigns/{campaign_id}/report/pause
        POST /console/campaigns/{campaign_id}/report/pause
        GET /console/campaigns/{campaign_id}/report/resume
        POST /console/campaigns/{campaign_id}/report/resume
        GET /console/campaigns/{campaign_id}/report/cancel
        POST /console/campaigns/{campaign_id}/report/cancel
        POST /v1/campaigns
        GET /v1/campaigns
        GET /v1/campaigns/{campaign_id}
        PATCH /v1/campaigns/{campaign_id}
        POST /v1/campaigns/{campaign_id}/approval
        POST /v1/campaigns/{campaign_id}/bundles
        GET /v1/campaigns/{campaign_id}/bundles
        POST /v1/campaigns/{campaign_id}/cancel
        POST /v1/campaigns/{campaign_id}/corrections
        GET /v1/campaigns/{campaign_id}/corrections
        POST /v1/campaigns/{campaign_id}/corrections/{number}/approval
        GET /v1/campaigns/{campaign_id}/deliveries
        GET /v1/campaigns/{campaign_id}/officer-report
        POST /v1/campaigns/{campaign_id}/officer-report/signature
        POST /v1/campaigns/{campaign_id}/overrides
        DELETE /v1/campaigns/{campaign_id}/overrides/{election}
        POST /v1/campaigns/{campaign_id}/pause
        GET /v1/campaigns/{campaign_id}/report
        POST /v1/campaigns/{campaign_id}/resume
        GET /v1/campaigns/{campaign_id}/runs
        POST /v1/campaigns/{campaign_id}/schedule
        POST /v1/campaigns/{campaign_id}/submission
        POST /v1/campaigns/{campaign_id}/withdrawal
        POST /v1/deliveries/{key}/decision
        GET /v1/groups
        GET /console/groups
        POST /console/groups
        GET /console/groups/{group_id}
        POST /console/groups/{group_id}/link
        POST /console/groups/{group_id}/figures
        POST /console/groups/{group_id}/reveal
        POST /console/groups/{group_id}/kits
        POST /v1/groups
        GET /v1/groups/{group_id}
        PATCH /v1/groups/{group_id}
        GET /v1/groups/{group_id}/figures
        POST /v1/groups/{group_id}/figures
        GET /v1/groups/{group_id}/kits/{campaign_id}
        POST /v1/groups/{group_id}/kits/{campaign_id}/posted
        PUT /v1/groups/{group_id}/link
        POST /v1/groups/{group_id}/reveal
        GET /v1/kits
        POST /v1/posts
        GET /v1/posts
        GET /v1/posts/{post_id}
        POST /v1/posts/{post_id}/decision
        GET /v1/posts/{post_id}/figures
        POST /v1/posts/{post_id}/figures
        GET /v1/voices
        GET /console/voices
        GET /console/voices/{ticket}
        GET /console/voices/{ticket}/pictures/{number}
        POST /console/voices/{ticket}/reveal
        POST /console/voices/{ticket}/assignment
        POST /console/voices/{ticket}/answer
        POST /console/voices/{ticket}/reopening
        POST /console/voices/{ticket}/merge
        POST /console/voices/{ticket}/moderation
        GET /v1/voices/{ticket}/case
        GET /v1/voices/{ticket}/attachments/{number}
        POST /v1/voices/{ticket}/reveal
        POST /v1/voices/{ticket}/assignment
        POST /v1/voices/{ticket}/answer
        POST /v1/voices/{ticket}/resolution
        POST /v1/voices/{ticket}/reopening
        POST /v1/voices/{ticket}/merge
        POST /v1/voices/{ticket}/parting
        POST /v1/voices/{ticket}/abuse
        DELETE /v1/voices/{ticket}/abuse
        POST /v1/voices/{ticket}/redaction
        GET /console/posts
        GET /console/posts/{post_id}
        POST /console/posts/{post_id}/decision
        POST /console/posts/{post_id}/figures
        GET /console/posts/{post_id}/screenshot
        GET /console/unknowns
        POST /console/unknowns
        GET /console/unknowns/{key}
        POST /console/unknowns/{key}
        GET /console/stops
        GET /console/stops/{scope}
        POST /console/stops/{scope}
        GET /v1/stops
        GET /v1/stops/{scope}
        PUT /v1/stops/{scope}
        DELETE /v1/stops/{scope}
        """,
    ),
    _rule(
        "own",
        """
        GET /console/imports
        GET /console/imports/new/{kind}
        POST /console/imports/new/{kind}
        GET /console/imports/new/{kind}/sample
        GET /console/imports/{job_id}
        POST /console/imports/{job_id}/start
        POST /console/imports/{job_id}/taken
        GET /v1/imports
        POST /v1/imports
        GET /v1/imports/{job_id}
        POST /v1/imports/{job_id}/start
        """,
        "admins and auditors answer for the register: they see who has brought in what",
        "admin",
        "auditor",
    ),
    _rule(
        "own",
        """
        GET /v1/jobs/{job_id}
        POST /v1/uploads
        GET /console
        GET /console/waiting/{what}
        GET /me
        GET /me/voice
        POST /me/voice
        POST /v1/me/voices
        GET /me/appeals
        POST /me/appeals
        POST /me/emails
        POST /me/handles/{handle_id}
        POST /me/handles/{handle_id}/check
        POST /me/posts
        GET /me/campaigns
        GET /me/campaigns/{campaign_id}
        GET /me/messages
        GET /me/settings
        POST /me/settings
        POST /me/signout
        POST /v1/handles/{handle_id}/proof
        POST /v1/handles/{handle_id}/proof/check
        GET /v1/me
        PATCH /v1/me
        GET /v1/me/campaigns
        GET /v1/me/campaigns/{campaign_id}
        GET /v1/me/messages
        GET /v1/me/consents
        POST /v1/me/consents
        DELETE /v1/me/consents
        DELETE /v1/me
        POST /v1/me/exports
        GET /me/data
        POST /me/data
        POST /v1/me/emails
        POST /v1/me/withdrawal
        GET /v1/me/appeals
        POST /v1/me/appeals
        GET /v1/me/appointments
        GET /v1/me/appointments/{appointment}/letter.pdf
        GET /v1/me/tier
        GET /v1/me/groups
        POST /v1/me/groups/{group_id}/figures
        GET /v1/me/groups/{group_id}/kits/{campaign_id}
        POST /v1/me/groups/{group_id}/kits/{campaign_id}/posted
        GET /v1/me/posts
        POST /v1/me/posts
        GET /v1/me/posts/{post_id}/figures
        POST /v1/me/posts/{post_id}/figures
        DELETE /v1/me/session
        POST /v1/me/uploads
        """,
    ),
    _rule(
        "organisation",
        """
        GET /console/channels
        GET /console/channels/{channel_id}
        POST /console/channels/{channel_id}/limits
        POST /console/channels/{channel_id}/resume
        POST /console/channels/{channel_id}/test
        GET /console/stops/new
        POST /console/stops/new
        GET /v1/channels
        GET /v1/channels/{channel_id}
        PUT /v1/channels/{channel_id}
        POST /v1/channels/{channel_id}/resume
        POST /v1/channels/{channel_id}/test
        GET /v1/channels/{channel_id}/templates
        PUT /v1/channels/{channel_id}/templates
        """,
        "one number or bot speaks for all: its pace, health and templates are nobody's alone; who may stop "
        "something may stop anything",
    ),
    _rule(
        "organisation",
        """
        GET /console/campaigns/new
        POST /console/campaigns/new
        """,
        "an empty form: it offers what is published; who saves may do so for their own departments alone",
    ),
    _rule(
        "organisation",
        """
        POST /v1/departments
        POST /v1/themes
        GET /console/elections
        GET /console/elections/new
        POST /console/elections/new
        GET /console/elections/{election}
        POST /console/elections/{election}
        POST /console/elections/{election}/removal
        GET /v1/elections
        POST /v1/elections
        GET /v1/elections/{election}
        PUT /v1/elections/{election}
        DELETE /v1/elections/{election}
        GET /v1/turnout/elections
        PUT /v1/turnout/elections/{election}
        POST /console/areas/elections
        """,
        "elections, departments and themes are announced to everybody; admins alone write them",
    ),
    _rule(
        "organisation",
        """
        GET /console/voices/settings
        POST /console/voices/settings
        GET /v1/voices/rules
        PUT /v1/voices/rules
        GET /v1/voices/targets
        PUT /v1/voices/targets
        GET /v1/voices/holidays
        PUT /v1/voices/holidays
        GET /v1/policies
        POST /v1/policies
        GET /v1/policies/{policy}
        POST /v1/policies/{policy}/end
        POST /v1/policies/{policy}/start
        GET /v1/policies/{policy}/versions
        POST /v1/policies/{policy}/versions
        GET /console/policies
        GET /console/policies/new
        POST /console/policies/new
        GET /console/policies/{policy}
        POST /console/policies/{policy}/start
        POST /console/policies/{policy}/end
        GET /console/policies/{policy}/versions
        POST /console/policies/{policy}/versions
        """,
        "rules that hold for all: everybody is to know by which they are placed",
    ),
    _rule(
        "organisation",
        """
        GET /console/letters
        GET /console/letters/{queue}
        POST /console/letters/{queue}
        GET /v1/audit
        GET /v1/audit/check
        GET /v1/users
        POST /v1/users
        GET /v1/users/{user_id}
        PATCH /v1/users/{user_id}
        GET /console/users/{user_id}
        POST /console/users/{user_id}
        GET /console/audit
        GET /console/users
        POST /console/users
        GET /console/webhooks
        POST /console/webhooks/{webhook_id}/resume
        POST /console/webhooks/{webhook_id}/test
        GET /v1/webhooks
        POST /v1/webhooks/{webhook_id}/resume
        POST /v1/webhooks/{webhook_id}/test
        """,
        "for admins and auditors alone, who are bound to no area and no department",
    ),
    _rule(
        "public",
        """
        GET /
        GET /about
        GET /about/{name}
        GET /verify
        GET /{name}
        GET /signup/qr
        GET /static/{name}
        GET /campaigns
        GET /campaigns/{campaign_id}/{page}
        GET /healthz
        GET /openapi.json
        GET /v1/areas
        GET /v1/areas/{area}
        GET /v1/groupings
        GET /v1/themes
        GET /v1/departments
        GET /v1/departments/{department}
        GET /schemes
        GET /v1/schemes
        GET /v1/schemes/{scheme}
        GET /v1/schemes/{scheme}/progress
        GET /transparency
        GET /v1/transparency/campaigns
        GET /v1/audit/roots
        GET /v1/voices/counts
        """,
        "published: the tree, departments with proven accounts, schemes, campaigns that have begun, counts "
        "of voices, the audit's seals",
    ),
    _rule(
        "public",
        """
        GET /signin
        POST /signin
        POST /signout
        POST /v1/session
        DELETE /v1/session
        POST /v1/session/mfa
        GET /me/signin
        POST /me/signin
        POST /v1/me/codes
        POST /v1/me/session
        GET /signup
        POST /signup
        POST /v1/signups
        GET /voice
        POST /voice
        POST /v1/voices
        """,
        "the doors: they answer alike for who is known and who is not",
    ),
    _rule(
        "public",
        """
        GET /r/{code}
        GET /v1/voices/{ticket}
        POST /v1/voices/{ticket}/words
        POST /v1/voices/{ticket}/uploads
        GET /voice/{ticket}
        POST /voice/{ticket}/words
        POST /voice/{ticket}/reopening
        GET /voice/{ticket}/picture
        GET /v1/verify/{code}
        GET /verify/{code}
        GET /confirm/{token}
        POST /confirm/{token}
        GET /resume/{token}
        POST /resume/{token}
        GET /u/{token}
        POST /u/{token}
        GET /signup/{signup_id}
        POST /signup/{signup_id}
        POST /signup/{signup_id}/codes
        POST /v1/signups/{signup_id}/codes
        POST /v1/signups/{signup_id}/verification
        """,
        "opened by a link, an id or a letter's code that its person was given; it tells what that is for",
    ),
    _rule(
        "public",
        """
        GET /webhooks/{platform}
        POST /webhooks/{platform}
        POST /webhooks/{platform}/{tail}
        """,
        "for platforms: nothing is taken without their signature, nothing is told",
    ),
)


def table() -> list[str]:
    """The rules as docs/roles.md shows them: a line for each."""
    lines = ["| whose | routes | why, and for whom it is open |", "| --- | --- | --- |"]
    for rule in RULES:
        by_path: dict[str, list[str]] = {}
        for route in rule.routes:
            method, _, path = route.partition(" ")
            by_path.setdefault(path, []).append(method)
        routes = ", ".join(
            f"{' '.join(sorted(methods))} `{path}`" for path, methods in sorted(by_path.items())
        )
        who = f" (open to: {', '.join(sorted(rule.open_to))})" if rule.open_to else ""
        lines.append(f"| {rule.scope} | {routes} | {rule.why}{who} |")
    return lines


RULE_OF: Mapping[str, Rule] = {route: rule for rule in RULES for route in rule.routes}

PARAMETERS = {
    "influencer_id": "influencer",
    "signup_id": "influencer",
    "group_id": "group",
    "campaign_id": "campaign",
    "post_id": "post",
    "job_id": "job",
    "appeal_id": "appeal",
    "ambassadors appointment": "ambassador",
    "ambassadors_desk appointment": "ambassador",
}
"""Path parameters, of one feature where it is named, whose ids are kept under another name (Side.ids)."""
FIXED = {
    "queue": "send",
    "user_id": "usr_1",
    "kind": "groups",
    "channel_id": "whatsapp-main",
    "number": "1",
    "webhook_id": "sample",
    "what": "reviews",
    "platform": "telegram",
    "tail": "x",
    "page": "report",
    "code": "aaaaaaaaaaaa",
    "token": "x",
    "name": "janjan.css",
}
"""Path parameters that belong to no side."""
QUERIES: dict[str, Callable[[Side], list[str]]] = {
    "area": lambda s: [s.district, s.booth],
    "campaign": lambda s: s.ids["campaign"][:1],
    "chain": lambda s: ["campaign#3"],
    "department": lambda s: [s.department],
    "election": lambda s: s.ids["election"][:1],
    "parent": lambda s: [s.district],
    "person": lambda s: s.ids["influencer"][:1],
    "q": lambda s: [s.word("vyakti", 11), s.phone(11), s.word("naam", 11).lower()],
    "run": lambda s: s.ids["run"][:1],
    "scheme": lambda s: s.ids["scheme"][:1],
    "subject": lambda s: [f"influencer#{s.one('influencer')}"],
    "within": lambda s: [s.district],
}
"""What is asked for, by the name of the query's field."""
ALWAYS: dict[str, dict[str, str]] = {"GET /v1/turnout/compare": {"before": "ls-2024", "after": "vs-2025"}}

OFFICER = {"begins": "2026-03-02", "name": "Namuna Devi"}
FIGURES = {"figures": {"views": 9}, "measured_at": "2026-03-01T06:30:00Z"}
TERMS = {"tiers": [tier("low", followers(instagram=10))]}
WORDS = {"messages": {"telegram": {"hi": {"text": "x"}}}, "reason": "x"}


def _campaign(s: Side) -> dict[str, Any]:
    told = {"title": "x", "department": s.department, "compensation": "none", "schemes": s.ids["scheme"][:1]}
    return told | {"audience": {"areas": [s.district]}}


def _group(s: Side) -> dict[str, Any]:
    link = f"https://chat.whatsapp.com/Namuna{s.digits}{0:011d}"
    admins = [{"name": "x", "influencer": s.one("influencer")}]
    return {"link": link, "area": s.booth, "name": "x", "admins": admins}


def _card(s: Side) -> dict[str, Any]:
    told = {"department": s.department, "scheme": s.one("scheme")}
    return told | {"texts": {"hi": {"myth": "x", "answer": "x"}}}


def _scheme(s: Side) -> dict[str, Any]:
    return {"department": s.department, "texts": {"hi": {"name": "x", "who": "x", "how": "x"}}}


def _post(s: Side) -> dict[str, Any]:
    return {"url": f"https://youtu.be/walk{s.digits}w1", "influencer": s.one("influencer")}


def _poll(s: Side) -> dict[str, Any]:
    poll = {"name": "x", "areas": [s.state], "polling_ends": "2026-05-01T12:00:00Z", "source": "x"}
    return poll | {"code_from": "2026-04-01T00:00:00Z", "code_until": "2026-05-03T00:00:00Z"}


def _signup(s: Side) -> dict[str, Any]:
    from tests.influencers.world import signup

    return signup(phone=s.phone(11), area=s.booth)


BODIES: dict[str, Callable[[Side], dict[str, Any]]] = {
    "POST /v1/audiences/preview": lambda s: {"areas": [s.district]},
    "POST /v1/audiences/preview/jobs": lambda s: {"areas": [s.district]},
    "POST /v1/campaigns": _campaign,
    "PATCH /v1/campaigns/{campaign_id}": lambda s: {"department": s.department},
    "POST /v1/campaigns/{campaign_id}/approval": lambda s: {"decision": "approve"},
    "POST /v1/campaigns/{campaign_id}/bundles": lambda s: {"run": s.one("run")},
    "POST /v1/campaigns/{campaign_id}/corrections": lambda s: WORDS | {"runs": s.ids["run"][:1]},
    "POST /v1/campaigns/{campaign_id}/corrections/{number}/approval": lambda s: {"decision": "approve"},
    "POST /v1/campaigns/{campaign_id}/overrides": lambda s: {"election": s.ids["election"][2], "reason": "x"},
    "POST /v1/campaigns/{campaign_id}/withdrawal": lambda s: WORDS,
    "PUT /v1/channels/{channel_id}/templates": lambda s: {
        "items": [{"name": "x", "language": "hi", "category": "marketing", "body": "x", "state": "approved"}]
    },
    "POST /v1/cards": _card,
    "PUT /v1/cards/{card}": _card,
    "POST /v1/departments/{department}/handles": lambda s: {"platform": "x", "handle": s.word("khata", 9)},
    "POST /v1/departments/{department}/officers": lambda s: OFFICER,
    "PATCH /v1/departments/{department}/officers/{appointment}": lambda s: {"name": "x"},
    "POST /v1/departments/{department}/officers/{appointment}/end": lambda s: {"on": "2026-03-02"},
    "POST /v1/directives": lambda s: {
        "title": "x",
        "text": "x",
        "issued_by": "x",
        "due_on": "2026-04-01",
        "departments": [s.department],
    },
    "POST /v1/directives/{directive}/acknowledgement": lambda s: {"department": s.department},
    "POST /v1/directives/{directive}/withdrawal": lambda s: {"reason": "x"},
    "POST /v1/schemes": _scheme,
    "PATCH /v1/schemes/{scheme}": lambda s: {"department": s.department},
    "POST /v1/schemes/{scheme}/progress": lambda s: {
        "texts": {"hi": {"text": "x"}},
        "as_of": "2026-03-01",
        "source": "x",
    },
    "POST /v1/departments": lambda s: {"id": s.department, "names": {"en": "x"}},
    "POST /v1/themes": lambda s: {"id": "health", "names": {"en": "x"}},
    "POST /v1/elections": _poll,
    "PUT /v1/elections/{election}": _poll,
    "PUT /v1/turnout/elections/{election}": lambda s: {
        "name": "x",
        "date": "2024-05-20",
        "kind": "lok_sabha",
    },
    "POST /v1/channels/{channel_id}/test": lambda s: {"to": s.phone(11), "text": "x"},
    "POST /v1/deliveries/{key}/decision": lambda s: {"decision": "close", "reason": "x"},
    "PUT /v1/stops/{scope}": lambda s: {"reason": "x"},
    "PUT /v1/coverage/{area}/goal": lambda s: {"women": 0.5},
    "POST /v1/groups": _group,
    "PATCH /v1/groups/{group_id}": lambda s: {"area": s.booth},
    "POST /v1/groups/{group_id}/figures": lambda s: {"month": "2026-01", "members": 5},
    "PUT /v1/groups/{group_id}/link": lambda s: {"state": "dead", "seen": "checked"},
    "POST /v1/me/consents": lambda s: {"purpose": "campaigns", "channel": "whatsapp", "notice_version": "1"},
    "POST /v1/me/groups/{group_id}/figures": lambda s: {"month": "2026-01", "members": 5},
    "POST /v1/session": lambda s: {"username": "x@x.test", "password": "x"},
    "POST /v1/session/mfa": lambda s: {"session": "x", "code": "123456"},
    "PATCH /v1/users/{user_id}": lambda s: {"reason": "x", "signed_out": True},
    "POST /v1/users": lambda s: {"email": "n@x.test", "name": "x", "roles": ["editor"]},
    "POST /v1/imports": lambda s: {"kind": "groups", "sha256": "0" * 64, "bytes": 10},
    "POST /v1/influencers/{influencer_id}/review": lambda s: {"decision": "suspend", "reason": "x"},
    "POST /v1/signups": _signup,
    "POST /v1/signups/{signup_id}/verification": lambda s: {"code": "123456"},
    "DELETE /v1/me": lambda s: {"word": "no"},
    "POST /v1/influencers/{influencer_id}/erasure": lambda s: {"asked": "in_writing"},
    "POST /v1/me/codes": lambda s: {"phone": s.phone(11)},
    "POST /v1/me/session": lambda s: {"code": "123456", "id": f"sgn_{'a' * 16}"},
    "POST /v1/me/posts": lambda s: {
        "url": f"https://youtu.be/walk{s.digits}m1",
        "campaign": s.one("campaign"),
    },
    "POST /v1/me/posts/{post_id}/figures": lambda s: FIGURES,
    "POST /v1/me/uploads": lambda s: {"content_type": "image/png"},
    "POST /v1/ambassadors": lambda s: {"influencer_id": s.one("influencer"), "area": s.booth},
    "POST /v1/ambassadors/{appointment}/end": lambda s: {"reason": "x"},
    "POST /v1/ambassadors/{appointment}/renewal": lambda s: {"until": "2028-01-01"},
    "POST /v1/policies": lambda s: {"names": {"en": "x"}, "terms": TERMS},
    "POST /v1/policies/{policy}/versions": lambda s: TERMS,
    "POST /v1/policies/{policy}/start": lambda s: {"version": 1, "begins": "2026-04-01", "reason": "x"},
    "POST /v1/policies/{policy}/end": lambda s: {"on": "2026-04-01", "reason": "x"},
    "POST /v1/policies/{policy}/trial": lambda s: {"area": s.district},
    "POST /v1/me/appeals": lambda s: {"subject": "handle", "about": s.one("handle_id"), "text": "x"},
    "POST /v1/appeals/{appeal_id}/answer": lambda s: {"outcome": "refused", "texts": {"hi": "x"}},
    "POST /v1/invitations": lambda s: {
        "channel": "email",
        "reason": "x",
        "address": f"{s.word('atithi', 9).lower()}@x.test",
        "name": "Namuna Devi",
        "area": s.booth,
    },
    "POST /v1/influencers/{influencer_id}/invitation": lambda s: {"channel": "email", "reason": "x"},
    "POST /v1/voices/{ticket}/assignment": lambda s: {"department": s.department, "reason": "why so"},
    "POST /v1/voices/{ticket}/answer": lambda s: {"text": "what is done"},
    "POST /v1/voices/{ticket}/resolution": lambda s: {"text": "what is done", "status": "resolved"},
    "POST /v1/voices/{ticket}/reopening": lambda s: {"reason": "why so"},
    "POST /v1/voices/{ticket}/merge": lambda s: {"reason": "why so", "into": s.one("ticket")},
    "POST /v1/voices/{ticket}/parting": lambda s: {"reason": "why so"},
    "POST /v1/voices/{ticket}/abuse": lambda s: {"reason": "why so"},
    "POST /v1/voices/{ticket}/redaction": lambda s: {"key": "x", "parts": ["x"]},
    "PUT /v1/voices/rules": lambda s: {"rules": []},
    "PUT /v1/voices/targets": lambda s: {"targets": []},
    "POST /v1/voices": lambda s: {"kind": "problem", "text": "what there is"},
    "POST /v1/me/voices": lambda s: {"kind": "problem", "text": "what there is"},
    "POST /v1/voices/{ticket}/words": lambda s: {"text": "what there is"},
    "POST /v1/posts": _post,
    "POST /v1/posts/{post_id}/decision": lambda s: {"campaign": s.one("campaign"), "reason": "x"},
    "POST /v1/posts/{post_id}/figures": lambda s: FIGURES | {"screenshot": s.one("upload")},
    "POST /v1/uploads": lambda s: {"content_type": "image/png"},
    "PUT /v1/turnout/goals/{area}": lambda s: {"share": 0.6},
}
"""What is sent, as it would be sent of a side; routes whose body may be empty are left out."""
