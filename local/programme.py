"""Loads the sample programme into a running system: `make run` once, `make demo` each time."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.clock import IST
from local.acting import SMS_TEMPLATES, Caller, CallFailed, Creators, Json, Staff, enrol
from local.config import MSG91
from local.laptop import Laptop, use_environment
from local.sample import Creator, areas_from, creators, load_directory, programme

if TYPE_CHECKING:
    from chalicelib.ports import Area

POLICIES = Path(__file__).parent / "data" / "policies.json"
CREATORS = 200
WAITING = 5
"""So many more have signed up and wait for a review."""
POSTS = 12
"""So many of them publish a post and hand it in."""
GROUPS = 6
ELECTION = "namuna-2024"
A_SLICE = 100
"""Rows that a kind of import takes at once."""
LINKS = {
    "instagram": "https://www.instagram.com/{name}/reel/{post}/?igsh=namuna",
    "youtube": "https://youtu.be/{post}?si=namuna",
    "x": "https://twitter.com/{name}/status/{post}?s=20",
}
"""How people copy the link of a post."""
LOOKS, A_LOOK_S = 8, 2.0
LOST, LATE_MS = 0.2, 3_600_000
"""The share of the sample run's requests whose answer is lost, and over which time receipts come: a few are
unknown then."""
ELSEWHERE = 0.1
"""The share of the sample creators on phones who are reached by SMS or email, too or only."""
EVERYWHERE = ("whatsapp", "telegram", "sms", "email")
A_TRY = 1000
"""Creators of a later try have numbers from here on: an interrupted try may have taken the phones before."""


VOICES = {
    "received": "गली की बत्ती महीने भर से बंद है",
    "assigned": "स्वास्थ्य केंद्र में दवा नहीं मिलती",
    "answered": "टीकाकरण का दिन किसी को पता नहीं चलता",
    "resolved": "एंबुलेंस का नंबर नहीं लग रहा था",
    "declined": "अस्पताल का नाम बदल दीजिए",
}
"""What invented people say, by the state in which the sample shows it."""


def load_ground(system: Laptop, folder: Path | None = None) -> list["Area"]:
    """Stores the areas of `folder`, or the invented ones, with themes and departments; gives the areas."""
    use_environment(system.env)
    from chalicelib import wiring

    areas = areas_from(folder)
    load_directory(wiring.directory(), areas, sample=folder is None)
    return areas


def introduce(system: Laptop) -> None:
    """Says whose pages they are: an invented office."""
    use_environment(system.env)
    from chalicelib.files import Files

    profile = (Path(__file__).parent / "data" / "organisation.json").read_bytes()
    Files(system.env["BUCKET"]).put("site/organisation.json", profile)


def register_groups(staff: Staff, areas: Sequence["Area"]) -> None:
    """A few invented groups: most places have none, one link is dead, one says nothing of women."""
    admin = staff.tokens["admin"]
    places = [area for area in areas if area.level in ("district", "block")][:GROUPS]
    for number, area in enumerate(places, start=1):
        link = f"https://chat.whatsapp.com/NamunaSamuh{number:011}"
        group = {"link": link, "area": area.id, "name": f"नमूना समूह, {area.names['hi']} (sample)"}
        try:
            made = staff.api("POST", "/v1/groups", group, token=admin)["id"]
        except CallFailed:
            continue  # an earlier try has put it there
        women = {} if number == GROUPS else {"women": 20 + 9 * number}
        figures = {"month": "2026-01", "members": 90 + 10 * number, "source": "sample"} | women
        staff.api("POST", f"/v1/groups/{made}/figures", figures, token=admin)
        if number == GROUPS - 1:
            word = {"state": "dead", "seen": "reported", "reason": "sample"}
            staff.api("PUT", f"/v1/groups/{made}/link", word, token=admin)


def tell_voices(staff: Staff, areas: Sequence["Area"]) -> None:
    """Five invented voices of the first district, one in each state."""
    if staff.api("GET", "/v1/voices?limit=1", token=staff.tokens["admin"])["items"]:
        return  # an earlier try has told them
    district = next(area.id for area in areas if area.level == "district")
    admin, officer = staff.tokens["admin"], staff.tokens["officer"]
    for state, words in VOICES.items():
        said = {"kind": "problem", "text": f"{words} (नमूना, sample)", "area": district}
        voice = said if state == "received" else said | {"department": "health"}
        path = f"/v1/voices/{staff.api('POST', '/v1/voices', voice)['ticket']}"
        if state == "answered":
            staff.api("POST", f"{path}/answer", {"text": "जाँच चल रही है (नमूना)"}, token=officer)
        if state in ("resolved", "declined"):
            end = {"status": state, "text": "इस पर निर्णय हो गया है (नमूना)"}
            staff.api("POST", f"{path}/resolution", end, token=admin)


def appoint_first(staff: Staff, areas: Sequence["Area"]) -> None:
    """An invented creator becomes ambassador of the first invented district, with a letter."""
    admin, district = staff.tokens["admin"], next(area.id for area in areas if area.level == "district")
    if staff.api("GET", f"/v1/ambassadors?area={district}", token=admin)["items"]:
        return  # an earlier try has appointed them
    found = staff.api("GET", f"/v1/influencers?status=approved&area={district}&limit=1", token=admin)["items"]
    for one in found:
        staff.api("POST", "/v1/ambassadors", {"influencer_id": one["id"], "area": district}, token=admin)


def tell_turnout(areas: Sequence["Area"]) -> None:
    """Invented turnout of the invented booths at an invented election; the last district did not report."""
    from chalicelib import wiring
    from chalicelib.identity.roles import Principal
    from chalicelib.ports import ImportJob

    admin = Principal("sample", "", "", frozenset({"admin"}))
    name = "नमूना चुनाव 2024 (sample)"
    wiring.turnouts().put_election(admin, ELECTION, name=name, on=date(2024, 5, 20), kind="lok_sabha")
    kind, source = wiring.turnout_kind(), "नमूना (sample)"
    job = ImportJob("sample", "sample", datetime.now(UTC), {"election": ELECTION, "source": source}, admin)
    booths = [area.id for area in areas if area.level == "booth"]
    silent = booths[-1].partition("-")[0]
    rows = [
        {
            "booth": booth,
            "electors": str(800 + 37 * n % 400),
            "voters": "0" if booth.startswith(silent) else str(280 + 53 * n % 500),
        }
        for n, booth in enumerate(booths)
    ]
    for start in range(0, len(rows), A_SLICE):
        kind.write([kind.read(row, job) for row in rows[start : start + A_SLICE]], job)
    kind.finish(job)


def equip_departments(staff: Staff) -> None:
    """A scheme with its progress and a card, two more cards, a directive, an officer and a few accounts, all
    invented: most departments have no account yet."""
    admin, today = staff.tokens["admin"], date.today().isoformat()  # noqa: DTZ011 - of this very laptop
    if staff.api("GET", "/v1/schemes")["items"]:
        return  # an earlier try has written them
    kept = programme()
    for department, accounts in kept["accounts"].items():
        for platform, handle in accounts.items():
            account = {"platform": platform, "handle": handle}
            staff.api("POST", f"/v1/departments/{department}/handles", account, token=admin)
    officer = {"name": "आशा नमूना", "designation": "Sample officer", "begins": today, "phone": "+918100000001"}
    staff.api("POST", "/v1/departments/health/officers", officer, token=admin)
    for card in kept["cards"]:
        staff.api("POST", "/v1/cards", card, token=admin)
    departments = [one["id"] for one in kept["departments"]]
    due = (date.today() + timedelta(days=14)).isoformat()  # noqa: DTZ011
    directive = kept["directive"] | {"departments": departments, "due_on": due}
    made = staff.api("POST", "/v1/directives", directive, token=admin)["id"]
    known = {"department": "health", "note": "sample"}
    staff.api("POST", f"/v1/directives/{made}/acknowledgement", known, token=admin)
    scheme = staff.api("POST", "/v1/schemes", kept["scheme"], token=admin)["id"]
    word = kept["progress"] | {"as_of": today}
    staff.api("POST", f"/v1/schemes/{scheme}/progress", word, token=admin)
    staff.api("POST", "/v1/cards", kept["scheme_card"] | {"scheme": scheme}, token=admin)


def write_policies(staff: Staff) -> None:
    """Three sample policies, the first one in force: written by one person, put in force by another."""
    if staff.api("GET", "/v1/policies", token=staff.tokens["admin"])["items"]:
        return  # an earlier try has written them
    bodies = json.loads(POLICIES.read_text("utf-8"))
    made = [staff.api("POST", "/v1/policies", one, token=staff.tokens["editor"])["id"] for one in bodies]
    today = datetime.now(IST).date().isoformat()
    start = {"version": 1, "begins": today, "reason": "sample"}
    staff.api("POST", f"/v1/policies/{made[0]}/start", start, token=staff.tokens["approver"])


def prepare_campaigns(staff: Staff) -> None:
    """A draft, one campaign that waits for an approver and one that waits for its time, and an election far
    enough ahead to hold nothing back now."""
    here = brief("", ["IN-XN"], EVERYWHERE)
    staff.draft(here)
    waiting = staff.draft(here | {"title": "बूथ तक रास्ता", "audience": {"areas": ["D9001"]}})
    staff.api("POST", f"/v1/campaigns/{waiting}/submission", token=staff.tokens["editor"])
    staff.approved(here | {"title": "मतदाता सूची में नाम", "audience": {"areas": ["D9002"]}})
    polling = (datetime.now(IST) + timedelta(days=90)).replace(hour=18, minute=0, second=0, microsecond=0)
    election = {
        "name": "नमूना उपचुनाव (sample)",
        "areas": ["D9001"],
        "polling_ends": polling.isoformat(),
        "code_from": (polling - timedelta(days=30)).isoformat(),
        "code_until": (polling + timedelta(days=3)).isoformat(),
        "source": "नमूना अधिसूचना 7 (sample)",
    }
    staff.api("POST", "/v1/elections", election, token=staff.tokens["admin"])


IMPORTED = """\
link,area,name,members,women,month
https://chat.whatsapp.com/NamunaAayat0000000001,D9001,नमूना आयात समूह (sample),212,150,2026-01
https://chat.whatsapp.com/NamunaAayat0000000002,D0000,नमूना समूह (sample),98,,2026-01
no link at all,D9001,नमूना समूह (sample),many,,2026-01
"""
"""A file of which two rows cannot be taken, and why is told."""


def leave_work(system: Laptop, staff: Staff, doors: Creators, people: Sequence[Creator]) -> None:
    """What waits in rooms that would else be empty: an appeal, a file with errors, deliveries of which
    nobody knows what became, a dead letter."""
    from chalicelib import wiring

    admin = wiring.gate().principal(staff.tokens["admin"])
    wiring.imports().hand_in(admin, kind="groups", options={}, file=IMPORTED.encode(), once="sample")
    last = people[-1]
    person = staff.api("GET", "/v1/me", token=doors.sign_in(last))["id"]
    word = {"decision": "suspend", "reason": "नमूना (sample)"}
    staff.api("POST", f"/v1/influencers/{person}/review", word, token=staff.tokens["admin"])
    appeal = {"subject": "review", "text": "मुझे क्यों रोका गया, कृपया फिर देखें (नमूना, sample)"}
    staff.api("POST", "/v1/me/appeals", appeal, token=doors.sign_in(last))
    doors.sandbox("POST", "/behaviour", {"lost_reply": LOST, "delay_ms": LATE_MS})
    try:
        sent = brief("", ["D9003"]) | {"title": "नमूना सूचना (sample)", "kind": "emergency"}
        campaign = staff.launch(sent)
        _let_it_go_out(staff, campaign)
    finally:
        doors.sandbox("POST", "/behaviour", {"lost_reply": 0, "delay_ms": 50})
    queue = system.engine.client("sqs")
    dead = queue.get_queue_url(QueueName="janjan-local-plan-dead")["QueueUrl"]
    queue.send_message(QueueUrl=dead, MessageBody=json.dumps({"settle": f"{campaign}-1", "look": 1}))


def _let_it_go_out(staff: Staff, campaign: str) -> None:
    """Waits until nothing more of it goes out, for a few seconds."""
    before = -1
    for _ in range(LOOKS):
        time.sleep(A_LOOK_S)
        found = staff.api("GET", f"/v1/campaigns/{campaign}/report", token=staff.tokens["editor"])
        if 0 < found["accepted"] == before:
            return
        before = found["accepted"]


def load_once(system: Laptop, tell: Callable[[int], object] = lambda _: None, count: int = CREATORS) -> bool:
    """The whole sample programme, unless this folder's state has it: False then.

    Needs about 20 s: the creators sign up as people do. `tell` hears how many are done.
    """
    marker = system.folder / "sample.json"
    known: Json = json.loads(marker.read_text()) if marker.exists() else {"tries": 0, "loaded": False}
    if known["loaded"]:
        return False
    marker.write_text(json.dumps({"tries": known["tries"] + 1, "loaded": False}))
    api = Caller(system.url)
    staff = Staff.signed_in(api, system.env)
    areas = load_ground(system)
    introduce(system)
    staff.register_templates(Caller(system.sandbox_url))
    everybody = creators(count + WAITING, areas, first=known["tries"] * A_TRY + 1, elsewhere=ELSEWHERE)
    people, waiting = everybody[:count], everybody[count:]
    doors = Creators(api, Caller(system.sandbox_url))
    enrol(people, doors, staff, tell)
    for one in waiting:
        doors.sign_up(one)
    register_groups(staff, areas)
    tell_voices(staff, areas)
    appoint_first(staff, areas)
    tell_turnout(areas)
    equip_departments(staff)
    write_policies(staff)
    prepare_campaigns(staff)
    sandbox = Caller(system.sandbox_url)
    published = [(one, where) for one in people for where in LINKS if account_of(one, where)]
    for creator, where in published[:POSTS]:
        publish(sandbox, creator, where)
    leave_work(system, staff, doors, people)
    system.engine.snapshot()
    marker.write_text(json.dumps({"tries": known["tries"] + 1, "loaded": True}))
    return True


def account_of(creator: Creator, platform: str) -> str:
    """The name of a creator's account there, if they can write to us to hand a post in; empty else."""
    writes = creator.channel in EVERYWHERE[:2]
    named = [handle for where, handle, _ in creator.handles if where == platform and writes]
    return named[0].removeprefix("@").lower() if named else ""


def publish(sandbox: Caller, creator: Creator, platform: str) -> str:
    """A creator publishes a sample post and sends us its link, which this gives."""
    name = account_of(creator, platform)
    act = {"platform": platform, "from": name, "kind": "post", "text": "नमूना पोस्ट #ad"}
    link = LINKS[platform].format(name=name, post=sandbox("POST", "/inbound", act)["id"])
    told = {"platform": creator.channel, "from": creator.address, "text": f"देखिए {link}"}
    sandbox("POST", "/inbound", told)
    return link


def brief(marker: str, areas: Sequence[str], channels: Sequence[str] = EVERYWHERE[:2]) -> Json:
    """The draft of a campaign to everybody in the areas, over `channels` in this order of fallback; every
    free text holds the marker."""
    texts = {
        "hi": f"नमस्ते {{name}}, मतदाता जागरूकता: हर मतदाता तक पहुँचें, मतदान की तारीख़ बताएँ। {{link}} {marker}",
        "en": f"Namaste {{name}}, voter awareness: tell every voter the day of the poll. {{link}} {marker}",
    }
    titles = {"hi": "हर मत की क़ीमत", "en": "Every vote counts"}
    messages = {
        "whatsapp": {
            language: {
                "template": "namuna_brief",
                "category": "marketing",
                "params": ["{name}", title, "{link}", "{disclosure}"],
                "text": texts[language],
            }
            for language, title in titles.items()
        },
        "telegram": {language: {"text": text} for language, text in texts.items()},
        "sms": {
            language: {
                "template_id": _registered("namuna_brief", language),
                "header": MSG91.header,
                "params": ["{name}", title, "{link}"],
            }
            for language, title in titles.items()
        },
        "email": {
            language: {
                "subject": f"{title}: {{name}}",
                "text": texts[language],
                "html": f"<h1>{title}</h1><p>{texts[language]}</p>",
            }
            for language, title in titles.items()
        },
    }
    return {
        "title": titles["hi"],
        "department": "information",
        "theme": "voter_awareness",
        "kind": "awareness",
        "compensation": "none",
        "messages": {channel: messages[channel] for channel in channels},
        "links": ["https://example.org/namuna"],
        "audience": {"areas": list(areas)},
        "channels": list(channels),
        "expires_at": (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds"),
    }


def _registered(name: str, language: str) -> str:
    """The id under which the words of an SMS are registered."""
    registered = json.loads(SMS_TEMPLATES.read_text(encoding="utf-8"))
    return next(
        str(one["template_id"]) for one in registered if (one["name"], one["language"]) == (name, language)
    )
