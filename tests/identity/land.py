"""Two districts in two states, and two departments, with everything that the system keeps of each.

Every name of theirs holds a word of its own (`Aaa…`, `Bbb…`), and every id is remembered with its side: what
of one side stands where it should not is recognised. A colleague who adds a feature fills both sides here, in
`Land.fill`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from chalice.test import Client

from chalicelib import http, wiring
from chalicelib.clock import FixedClock
from chalicelib.dispatch.model import Fact, Page
from chalicelib.dispatch.store import DispatchStore
from chalicelib.errors import Unauthenticated
from chalicelib.identity.gate import Gate
from chalicelib.identity.roles import Principal
from chalicelib.identity.sessions import Creator
from chalicelib.identity.staff import User
from chalicelib.influencers.claims import Proof
from chalicelib.influencers.model import SignupRequest
from chalicelib.ports import Area, ImportJob
from chalicelib.turnout.model import Booth
from chalicelib.voices.model import Arrival, Sender
from local.config import platform_secret
from tests.campaigns.samples import content
from tests.conftest import use_environment
from tests.groups.streams import Streams
from tests.influencers.world import signup
from tests.policies.world import followers, tier

Dump = dict[str, dict[str, str]]
NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
ELECTIONS = {"ls-2024": date(2024, 5, 20), "vs-2025": date(2025, 2, 10)}
FIGURES = {"figures": {"views": 500}, "measured_at": "2026-03-01T06:30:00Z"}
QUEUES = ("PLAN", "SEND", "SERVICE", "IMPORTS", "WEBHOOKS", "CALLBACKS")


@dataclass
class Side:
    """One district with one department. `ids`: what is there, by the names under which paths, queries and
    bodies ask for it."""

    letter: str
    state: str
    district: str
    department: str
    digits: str
    """With which its phones and figures begin."""
    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    private: set[str] = field(default_factory=set)
    """Names, numbers, addresses and links of people and groups."""
    local: set[str] = field(default_factory=set)
    """What else tells of the district."""
    official: set[str] = field(default_factory=set)
    """What tells of the department."""
    batches: int = 0

    @property
    def block(self) -> str:
        return f"{self.district}-B1"

    @property
    def booth(self) -> str:
        return f"{self.district}-A1-P1"

    def word(self, what: str, n: int) -> str:
        """A name of this side that is found again wherever it stands."""
        return f"{self.letter * 3}{what}{''.join(chr(ord('k') + int(digit)) for digit in str(n))}"

    def phone(self, n: int) -> str:
        return f"+91{self.digits}{n:05d}"

    def one(self, name: str) -> str:
        """The first thing of this name."""
        return self.ids[name][0]


def sides() -> tuple[Side, Side]:
    return (
        Side("A", "IN-XA", "D9711", "aaavibhag", "97110"),
        Side("B", "IN-XB", "D9822", "bbbvibhag", "98220"),
    )


def nowhere(like: Side) -> Side:
    """A side that is not there, with ids of the same shapes: what is asked of it tells how "not there"
    sounds."""
    made = Side("M", "IN-XM", "D9933", "mmmvibhag", "99330")
    renamed = {
        like.district: made.district,
        like.department: made.department,
        "coordinator_b": "coordinator_m",
    }
    for name, known in like.ids.items():
        for one in known:
            told = re.sub(r"(?<=_)[a-z0-9]{12,}", lambda found: "a" * len(found[0]), one)
            for old, new in renamed.items():
                told = told.replace(old, new)
            made.ids[name].append(told)
    made.ids["policy"] = like.ids["policy"]
    return made


def staff(a: Side, b: Side) -> dict[str, Principal]:
    """All roles; those that are bound, once for each side."""

    def person(
        name: str, role: Any, areas: tuple[str, ...] = (), departments: tuple[str, ...] = ()
    ) -> Principal:
        mail = f"{name}@x.test"
        return Principal(
            f"usr_{name}", name, mail, frozenset({role}), frozenset(areas), frozenset(departments)
        )

    known = {role: person(role, role) for role in ("admin", "editor", "approver", "auditor")}
    for side in (a, b):
        name = side.letter.lower()
        known[f"coordinator_{name}"] = person(f"coordinator_{name}", "coordinator", (side.district,))
        known[f"officer_{name}"] = person(f"officer_{name}", "nodal_officer", (), (side.department,))
    return known


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class NoPool:
    """The staff's pool, without Cognito: nobody is in it."""

    @property
    def pool(self) -> NoPool:
        return self

    def find(self, user: str) -> None:
        return None

    def page(self, *_: object) -> tuple[list[Any], None]:
        return [], None

    def names(self) -> dict[str, str]:
        return {}

    def create(self, *_: object, **__: object) -> str:
        return "usr_new"

    def get(self, user_id: str) -> User:
        return User(user_id, "n@x.test", "N", "CONFIRMED", frozenset(), (), (), NOW)

    def change(self, by: Principal, user_id: str, wanted: object) -> User:
        return self.get(user_id)


@dataclass
class Land:
    """The two sides, and our HTTP in this process for whoever of them calls."""

    client: Client
    a: Side
    b: Side
    staff: dict[str, Principal]
    streams: Streams
    creators: dict[str, str] = field(default_factory=dict)
    """By bearer, the creator who calls."""
    shared: str = ""
    """A campaign of a third department to all of India, which has gone out on both sides."""
    policy: str = ""

    # --- calling

    def call(
        self,
        who: str,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, object] | None = None,
        *,
        kind: str = "application/json",
    ) -> Answer:
        """`who`: a name of `staff`, of `creators`, or nothing for anybody."""
        sent = {"Content-Type": kind, "Accept-Language": "en"}
        sent |= {"Authorization": f"Bearer {who}"} if who else {}
        raw = b"" if body is None else json.dumps(body).encode()
        where = path + (f"?{urlencode(query)}" if query else "")
        got = self.client.http.request(method, where, headers=sent, body=raw)
        return Answer(got.status_code, got.headers, got.body.decode("utf-8", "replace"))

    def did(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The same where it must succeed."""
        got = self.call(who, method, path, body)
        assert got.status < 300, (method, path, got.status, got.text)
        return json.loads(got.text) if got.text else None

    # --- filling

    def grow(self) -> None:
        """More of everything on side B, and side A as it was."""
        self.fill(self.b)
        fresh()

    def fill(self, side: Side) -> None:
        """One batch of everything that a district and a department have."""
        n = side.batches = side.batches + 1
        if n == 1:
            self._ground(side)
        people = self._people(side, n)
        self._department(side, n)
        self._groups(side, n, people["approved"])
        campaign = self._campaign(side, n, people["approved"])
        self._posts(side, n, people["approved"], campaign)
        self._part(side, n, people["approved"])
        self._ambassador(side, n, people["approved"])
        self._voice(side, n)
        self._turnout(side, n)
        self._rest(side, n)
        self.streams.settle()

    def _ground(self, side: Side) -> None:
        path = ("IN", side.state, side.district)
        wiring.directory().put_areas(
            [
                Area("IN", "country", ("IN",), {"en": "India"}),
                Area(side.state, "state", path[:2], {"en": f"State {side.letter}"}),
                Area(side.district, "district", path, {"en": f"District {side.letter}"}),
                Area(side.block, "block", (*path, side.block), {"en": f"Block {side.letter}"}),
                *(
                    Area(one, "booth", (*path, side.block, one), {"en": f"Booth {one}"})
                    for one in (f"{side.district}-A1-P{k}" for k in range(1, 6))
                ),
            ]
        )
        wiring.directory().put_theme("health", {"en": "Health"}, actor="test")
        wiring.directory().put_department(side.department, {"en": f"Department {side.letter}"})
        side.ids["area"] += [side.district, side.booth, side.block]
        side.ids["department"] += [side.department]
        side.local |= {side.district}
        side.official |= {side.department}

    def _people(self, side: Side, n: int) -> dict[str, str]:
        """One person of each status; the approved one calls as `creator_<letter>`."""
        found, store = {}, wiring._people_store()
        decisions: dict[str, list[str]] = {
            "pending": [],
            "approved": ["approve"],
            "declined": ["decline"],
            "suspended": ["approve", "suspend"],
            "withdrawn": ["approve"],
            "unverified": [],
            "shortlisted": ["approve"],
        }
        for place, (status, steps) in enumerate(decisions.items()):
            number = n * 10 + place
            name, handle = side.word("vyakti", number), side.word("naam", number).lower()
            phone = side.phone(number)
            said = signup(
                name=name,
                phone=phone,
                area=side.booth,
                gender="female",
                channel="whatsapp",
                email=f"{handle}@x.test",
                handles=[
                    {"platform": "instagram", "handle": f"@{handle}", "followers": 1200 + number},
                    {"platform": "youtube", "handle": f"@{handle}", "followers": 2200 + number},
                ],
            )
            person = wiring.signups().sign_up(SignupRequest.model_validate(said), f"203.0.{n}.{place}").id
            side.private |= {name, phone.lstrip("+"), handle}
            side.local.add(person)
            side.ids["influencer"].append(person)
            found[status] = person
            if status == "unverified":
                continue
            from chalicelib.influencers.service import _verified

            store.verify(person, Proof("whatsapp", phone, NOW, "test"), _verified)
            for decision in steps:
                body = {"decision": decision, "reason": side.word("karan", number)}
                self.did("admin", "POST", f"/v1/influencers/{person}/review", body)
            if status == "withdrawn":
                self.did("admin", "POST", f"/v1/influencers/{person}/withdrawal", {})
            side.local.add(side.word("karan", number))
        own = store.person(found["approved"])
        side.ids["handle_id"] += [own.handles[0].id]
        side.local.add(own.handles[0].id)
        bearer = f"creator_{side.letter.lower()}"
        self.creators.setdefault(bearer, own.id)
        side.ids["influencer"].insert(0, own.id)
        self._invited(side, n)
        return found

    def _invited(self, side: Side, n: int) -> None:
        kind = wiring.influencers_kind()
        who = self.staff[f"coordinator_{side.letter.lower()}"]
        job = ImportJob(f"imp_{n}", who.id, NOW, {}, who)
        name, phone = side.word("nimantrit", n), side.phone(n * 10 + 9)
        row = {"name": name, "phone": phone, "area": side.booth}
        kind.write([kind.read(row, job)], job)
        side.private |= {name, phone.lstrip("+")}
        side.ids["phone"].append(phone)

    def _department(self, side: Side, n: int) -> None:
        where = f"/v1/departments/{side.department}"
        name, mail = side.word("adhikari", n), f"{side.word('adhikari', n).lower()}@x.test"
        officer = {"begins": f"2026-01-{n:02d}", "name": name, "phone": side.phone(7000 + n), "email": mail}
        made = self.did("admin", "POST", f"{where}/officers", officer)
        side.ids["appointment"].append(made["id"])
        account = self.did(
            "admin",
            "POST",
            f"{where}/handles",
            {"platform": "youtube", "handle": f"@{side.word('khata', n)}"},
        )
        side.ids["handle"].append(account["id"])
        to = {"title": side.word("adesh", n), "text": "x", "issued_by": side.word("sachiv", n)}
        directive = self.did(
            "admin", "POST", "/v1/directives", to | {"due_on": "2026-04-01", "departments": [side.department]}
        )["id"]
        told = {"department": side.department, "note": side.word("tippani", n)}
        self.did("admin", "POST", f"/v1/directives/{directive}/acknowledgement", told)
        side.ids["directive"].append(directive)
        text = {"hi": {"name": side.word("yojana", n), "who": "x", "how": "x"}}
        scheme = self.did(
            "admin", "POST", "/v1/schemes", {"department": side.department, "texts": text, "theme": "health"}
        )["id"]
        word = {"texts": {"hi": {"text": "x"}}, "as_of": "2026-03-01", "source": "x"}
        self.did("admin", "POST", f"/v1/schemes/{scheme}/progress", word)
        side.ids["scheme"].append(scheme)
        card = {"department": side.department, "theme": "health", "scheme": scheme}
        texts = {"hi": {"myth": side.word("bhram", n), "answer": side.word("uttar", n)}}
        side.ids["card"].append(self.did("admin", "POST", "/v1/cards", card | {"texts": texts})["id"])
        side.official |= {name, mail, made["id"], account["id"], directive, side.ids["card"][-1]}
        side.official |= {side.word(one, n) for one in ("khata", "adesh", "sachiv", "tippani", "bhram")}

    def _groups(self, side: Side, n: int, creator: str) -> None:
        for kind in ("area", "coordination"):
            code = hashlib.sha256(f"{side.letter}{n}{kind}".encode()).hexdigest()[:22]
            link, name = f"https://chat.whatsapp.com/{code}", side.word(f"samuh{kind[0]}", n)
            body = {"link": link, "area": side.booth, "name": name, "kind": kind}
            body |= {"departments": [side.department]} if kind == "coordination" else {}
            admins = [{"name": side.word("prabandhak", n), "phone": side.phone(8000 + n)}]
            if kind == "area":
                admins.append({"name": side.word("prabandhak", n), "influencer": creator})
            made = self.did("admin", "POST", "/v1/groups", body | {"admins": admins})["id"]
            figures = {"month": "2026-02", "members": 61 + n, "women": 31}
            self.did("admin", "POST", f"/v1/groups/{made}/figures", figures)
            word = {"state": "alive" if n % 2 else "dead", "seen": "checked", "reason": side.word("kadi", n)}
            self.did("admin", "PUT", f"/v1/groups/{made}/link", word)
            side.ids["group"].append(made)
            side.private |= {code, name, side.word("prabandhak", n)}
            side.local |= {made, side.word("kadi", n)}
        self.streams.settle()
        self.did("admin", "PUT", f"/v1/coverage/{side.district}/goal", {"women": 0.4 + n / 100})

    def _campaign(self, side: Side, n: int, creator: str) -> str:
        """A campaign of the department to the district that has gone out, with an unknown delivery, a
        correction, a proof, and a draft beside it."""
        words = f"नमस्ते {{name}}, {side.word('sandesh', n)} {{link}}"
        told = {
            "title": side.word("abhiyan", n),
            "department": side.department,
            "theme": "health",
            "messages": {"telegram": {"hi": {"text": words}}},
            "audience": {"areas": [side.district]},
            "schemes": [side.one("scheme")],
        }
        body = content(**told).model_dump(mode="json", exclude_none=True)
        draft = self.did("editor", "POST", "/v1/campaigns", body)["id"]
        campaign = self.did("editor", "POST", "/v1/campaigns", body)["id"]
        where = f"/v1/campaigns/{campaign}"
        self.did("editor", "POST", f"{where}/submission")
        self.did("approver", "POST", f"{where}/approval", {"decision": "approve"})
        run = self.did("approver", "POST", f"{where}/schedule", {})["id"]
        wiring.runs().start(run)
        store = DispatchStore()
        page = store.freeze(
            Page(run, 0, 0, side.district, {"telegram hi": (creator,)}, {"no_channel": 3}, None)
        )
        [chunk] = store.write_chunks(page, 1)
        store.record(run, chunk.id, {0: {Fact.UNKNOWN: 1}})
        key = str(chunk.key(0))
        group = side.ids["group"][-2]
        if n % 2:
            self.did("admin", "GET", f"/v1/groups/{group}/kits/{campaign}")
            self.did("admin", "POST", f"/v1/groups/{group}/kits/{campaign}/posted", {})
        wiring.runs().finish(run)
        self.did("approver", "POST", f"{where}/officer-report/signature", {"reason": side.word("sahi", n)})
        self.did("approver", "POST", f"{where}/bundles", {"run": run})
        taken = {"messages": {"telegram": {"hi": {"text": "x"}}}, "reason": side.word("sudhar", n)}
        self.did("editor", "POST", f"{where}/corrections", taken)
        side.ids["campaign"] += [campaign, draft]
        side.ids["run"].append(run)
        side.ids["key"].append(key)
        side.official |= {
            campaign,
            draft,
            *(side.word(one, n) for one in ("abhiyan", "sandesh", "sahi", "sudhar")),
        }
        return campaign

    def _part(self, side: Side, n: int, creator: str) -> None:
        """This side's part of the shared campaign: deliveries, a post, a kit."""
        if not self.shared:
            wiring.directory().put_department("saanjha", {"en": "Shared"})
            told = {"title": "Shared", "department": "saanjha", "audience": {"areas": ["IN"]}}
            told |= {"messages": {"telegram": {"hi": {"text": "नमस्ते {name} {link}"}}}}
            body = content(**told).model_dump(mode="json", exclude_none=True)
            self.shared = self.did("editor", "POST", "/v1/campaigns", body)["id"]
            where = f"/v1/campaigns/{self.shared}"
            self.did("editor", "POST", f"{where}/submission")
            self.did("approver", "POST", f"{where}/approval", {"decision": "approve"})
            wiring.runs().start(self.did("approver", "POST", f"{where}/schedule", {})["id"])
            self.a.ids["campaign"].insert(2, self.shared)
        run, store, stretch = f"{self.shared}-1", DispatchStore(), 2 * n + (side is self.b)
        skipped = {"no_channel": 10 + n}
        page = Page(run, stretch, 0, side.district, {"telegram hi": (creator,)}, skipped, None)
        [chunk] = store.write_chunks(store.freeze(page), 1)
        store.record(run, chunk.id, {0: {Fact.ACCEPTED: 1}})
        clip = hashlib.sha256(f"{side.letter}{n}shared".encode()).hexdigest()[:9]
        mine = {"url": f"https://youtu.be/{clip}s1", "influencer": creator, "campaign": self.shared}
        post = self.did("admin", "POST", "/v1/posts", mine)["id"]
        decided = {"campaign": self.shared, "matched": True, "reason": "x"}
        self.did("admin", "POST", f"/v1/posts/{post}/decision", decided)
        self.did("admin", "POST", f"/v1/posts/{post}/figures", FIGURES)
        self.did("admin", "GET", f"/v1/groups/{side.ids['group'][-2]}/kits/{self.shared}")
        side.local |= {post, clip}

    def _ambassador(self, side: Side, n: int, creator: str) -> None:
        """An appointment; the policy by whose tiers people are placed is one for all."""
        asked = {"influencer_id": creator, "area": side.booth}
        made = self.did("admin", "POST", "/v1/ambassadors", asked)
        side.ids["ambassador"].append(made["id"])
        side.local |= {made["id"], made["code"]}
        if not self.policy:
            tiers = [tier("low", followers(instagram=10))]
            policy = {"names": {"en": "Sample policy"}, "terms": {"tiers": tiers}, "sample": True}
            self.policy = self.did("editor", "POST", "/v1/policies", policy)["id"]
            start = {"version": 1, "begins": "2026-03-02", "reason": "x"}
            self.did("approver", "POST", f"/v1/policies/{self.policy}/start", start)
        side.ids["policy"] = [self.policy]
        bearer = f"creator_{side.letter.lower()}_{n}"
        self.creators[bearer] = creator
        appeal = {"subject": "tier", "about": self.policy, "text": side.word("arzi", n)}
        side.ids["appeal"].append(self.did(bearer, "POST", "/v1/me/appeals", appeal)["id"])
        side.local |= {side.ids["appeal"][-1], side.word("arzi", n)}

    def _voice(self, side: Side, n: int) -> None:
        """A citizen's problem, for the department; an invitation to somebody who is not here yet."""
        name, phone, text = side.word("nagarik", n), side.phone(6000 + n), side.word("samasya", n)
        sender = Sender(channel="whatsapp", address=phone, name=name, language="hi")
        told = {
            "evidence": f"{side.letter}{n}",
            "source": "whatsapp",
            "text": text,
            "at": NOW,
            "sender": sender,
        }
        place = {"area": side.booth, "department": side.department}
        voice = wiring.voices().receive(Arrival.model_validate(told | place)).id
        side.ids["ticket"].append(voice)
        guest, mail = side.word("atithi", n), f"{side.word('atithi', n).lower()}@x.test"
        asked = {"channel": "email", "reason": side.word("prayojan", n), "address": mail, "name": guest}
        made = self.did("admin", "POST", "/v1/invitations", asked | {"area": side.booth})["id"]
        side.ids["invitation"].append(made)
        side.private |= {name, phone.lstrip("+"), guest, mail}
        side.local |= {voice, text, made, side.word("prayojan", n)}

    def _posts(self, side: Side, n: int, creator: str, campaign: str) -> None:
        clip = hashlib.sha256(f"{side.letter}{n}".encode()).hexdigest()[:9]
        mine = {"url": f"https://youtu.be/{clip}p1", "influencer": creator, "campaign": campaign}
        ours = {"url": f"https://youtu.be/{clip}o1", "department": side.department}
        for body in (mine, ours):
            made = self.did("admin", "POST", "/v1/posts", body)["id"]
            self.did("admin", "POST", f"/v1/posts/{made}/figures", FIGURES)
            side.ids["post"].append(made)
        side.private |= {f"{clip}p1"}
        side.local |= {side.ids["post"][-2]}
        side.official |= {side.ids["post"][-1], f"{clip}o1"}

    def _turnout(self, side: Side, n: int) -> None:
        admin, kind = self.staff["admin"], wiring.turnout_kind()
        for election, on in ELECTIONS.items():
            wiring.turnouts().put_election(
                admin, election, name=f"Sample {election}", on=on, kind="lok_sabha"
            )
            job = ImportJob("imp_t", "usr_admin", NOW, {"election": election, "source": "Sample"}, admin)
            booths = [Booth(f"{side.district}-A1-P{k}", 1000 + n, 300 + 10 * k + n) for k in range(1, 6)]
            rows = [{"booth": b.id, "electors": str(b.electors), "voters": str(b.voters)} for b in booths]
            kind.write([kind.read(row, job) for row in rows], job)
            kind.finish(job)
        self.did("admin", "PUT", f"/v1/turnout/goals/{side.district}", {"share": 0.5 + n / 100})
        side.ids["election"] += list(ELECTIONS) if n == 1 else []

    def _rest(self, side: Side, n: int) -> None:
        """Stops, elections, imports, uploads, jobs."""
        who = f"coordinator_{side.letter.lower()}"
        for scope in (f"area:{side.district}", f"department:{side.department}"):
            self.did("admin", "PUT", f"/v1/stops/{quote(scope, safe='')}", {"reason": side.word("rok", n)})
            side.ids["scope"] += [scope] if n == 1 else []
        poll = {"name": f"Poll {n}", "areas": [side.state], "polling_ends": "2026-05-01T12:00:00Z"}
        poll |= {"code_from": "2026-04-01T00:00:00Z", "code_until": "2026-05-03T00:00:00Z", "source": "x"}
        side.ids["election"].append(self.did("admin", "POST", "/v1/elections", poll)["id"])
        digest = hashlib.sha256(f"{side.letter}{n}".encode()).hexdigest()
        imported = self.did(who, "POST", "/v1/imports", {"kind": "groups", "sha256": digest, "bytes": 10})[
            "id"
        ]
        job = self.did(who, "POST", "/v1/audiences/preview/jobs", {"areas": [side.district]})["id"]
        side.ids["job"] += [imported, job]
        wiring.counting().step({"preview": job, "rev": 1})
        upload = self.did(who, "POST", "/v1/uploads", {"content_type": "image/png"})
        side.ids["upload"].append(upload["key"])
        side.local |= {imported, job, upload["key"], side.word("rok", n)}

    # --- looking

    def dump(self) -> Dump:
        """All items of all tables, each as a line; without limits and kept answers, which are nobody's."""
        client, found = boto3.client("dynamodb"), dict[str, dict[str, str]]()
        for table in client.list_tables()["TableNames"]:
            if not table.endswith("-ops"):
                items = [
                    one
                    for page in client.get_paginator("scan").paginate(TableName=table)
                    for one in page["Items"]
                ]
                found[table] = {
                    f"{one['pk']['S']} {one['sk']['S']}": json.dumps(one, sort_keys=True, default=str)
                    for one in items
                }
        return found


def fresh() -> None:
    """Collaborators that remember nothing, at a standing clock; sessions are as given."""
    use_environment({})
    wiring.clock = lambda: FixedClock(at=NOW)  # type: ignore[assignment]
    wiring.users = NoPool  # type: ignore[assignment]


def settle_down(client: Client) -> Land:
    """Both sides filled, on the engine's empty tables. Its caller puts `wiring` and the doors back."""
    boto = boto3.client
    secret = json.dumps(platform_secret())
    boto("secretsmanager").create_secret(Name="janjan/local/platforms", SecretString=secret)
    where = {"LocationConstraint": boto("s3").meta.region_name}
    boto("s3").create_bucket(Bucket="files", CreateBucketConfiguration=where)
    made = {
        f"{name}_QUEUE_URL": boto("sqs").create_queue(QueueName=name.lower())["QueueUrl"] for name in QUEUES
    }
    use_environment(made | {"BUCKET": "files"})
    fresh()
    a, b = sides()
    land = Land(client, a, b, staff(a, b), Streams())

    class Doorkeeper:
        def principal(self, bearer: str) -> Principal:
            if bearer not in land.staff:
                raise Unauthenticated
            return land.staff[bearer]

        def require(self, principal: Any, action: str) -> None:
            Gate(tokens=None, sessions=None, ended=None).require(principal, action)  # type: ignore[arg-type]

        def creator(self, bearer: str) -> Any:
            if bearer not in land.creators:
                raise Unauthenticated
            return Creator(land.creators[bearer], f"session of {bearer}")

        heard = creator

    http._doors[0].gate = Doorkeeper
    for side in (a, b):
        land.fill(side)
    return land
