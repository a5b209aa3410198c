"""What people do with JanJan, done over HTTP as they would.

Creators sign up and prove who they are; staff review, write, approve and schedule.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import urllib3

from local.config import WHATSAPP
from local.sample import Creator
from local.token import token_for
from local.users import USERS, load_users

Json = dict[str, Any]

SMS_TEMPLATES = Path(__file__).parent / "data" / "sms_templates.json"
WAIT_S = 180.0
"""The longest that one person waits for a code, a confirmation or a state before giving up."""
LOOK_EVERY_S = 0.1
ENOUGH_TRIES = 5
WORKERS = 12
COORDINATORS = {area: user.email.partition("@")[0] for user in USERS for area in user.areas}


class CallFailed(Exception):
    """The API answered with an error; the message holds its problem."""

    def __init__(self, method: str, path: str, status: int, problem: object) -> None:
        super().__init__(f"{method} {path} -> {status}: {problem}")
        self.status = status


class TookTooLong(Exception):
    """What was waited for did not come."""


@dataclass
class Caller:
    """JSON over HTTP to one base URL, from many threads."""

    base: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False, timeout=60.0)
    )

    def __call__(
        self, method: str, path: str, body: object = None, *, token: str = "", address: str = ""
    ) -> Any:  # noqa: ANN401 - whatever JSON the API answers
        """The answer's JSON. Waits as told by 429 and 503; CallFailed for other errors."""
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if address:
            headers["X-Forwarded-For"] = address
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for _ in range(ENOUGH_TRIES):
            answer = self.pool.request(method, self.base + path, body=raw, headers=headers)
            if answer.status not in (409, 429, 503) or "Retry-After" not in answer.headers:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        if answer.status >= 400:
            raise CallFailed(method, path, answer.status, answer.data.decode("utf-8", "replace"))
        return json.loads(answer.data) if answer.data else None

    def press(self, path: str) -> None:
        """Presses the one button of a page's form. CallFailed when the page does not take it."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.pool.request("POST", self.base + path, body=b"", headers=kind)
        if answer.status >= 400:
            raise CallFailed("POST", path, answer.status, answer.data.decode("utf-8", "replace"))


def wait_for(look: Callable[[], Any], what: str, within_s: float = WAIT_S) -> Any:  # noqa: ANN401 - what look gives
    """What `look` gives as soon as it is truthy; TookTooLong after `within_s`."""
    end = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > end:
            raise TookTooLong(f"{what} did not come within {within_s:.0f} s")
        time.sleep(LOOK_EVERY_S)
    return found


@dataclass
class Creators:
    """Creators at their phones: the public API, and the sandbox that holds their inboxes."""

    api: Caller
    sandbox: Caller

    def sign_up(self, creator: Creator) -> str:
        """Sign up and prove the channel; the influencer's id, pending review."""
        answer = self.api("POST", "/v1/signups", signup_of(creator), address=address_of(creator))
        if creator.channel == "telegram":
            self._press_start(creator, answer["verification"]["deep_link"])
        else:
            self._enter_code(creator, answer["id"])
        return str(answer["id"])

    def sign_in(self, creator: Creator) -> str:
        """Sign in with a code over the creator's own channel; the session's token."""
        before = len(self.inbox(creator))
        where = address_of(creator)
        asked = self.api("POST", "/v1/me/codes", {"phone": creator.phone}, address=where)
        body = {"id": asked["id"], "code": self._code(creator, before)}
        return str(self.api("POST", "/v1/me/session", body, address=where)["token"])

    def _enter_code(self, creator: Creator, signup: str) -> None:
        body = {"code": self._code(creator)}
        self.api("POST", f"/v1/signups/{signup}/verification", body, address=address_of(creator))

    def _code(self, creator: Creator, before: int = 0) -> str:
        """The newest code that came behind the first `before` messages."""

        def look() -> str | None:
            for message in reversed(self.inbox(creator)[before:]):
                if found := re.search(r"\b\d{6}\b", message["text"]):
                    return found[0]
            return None

        return str(wait_for(look, f"the code for {creator.address}"))

    def _press_start(self, creator: Creator, link: str) -> None:
        token = parse_qs(urlsplit(link).query)["start"][0]
        pressed = {
            "platform": "telegram",
            "from": creator.chat,
            "text": f"/start {token}",
            "name": creator.name,
        }
        self.sandbox("POST", "/inbound", pressed)
        wait_for(lambda: self.inbox(creator), f"the bot's answer to {creator.chat}")

    def confirm_email(self, creator: Creator) -> None:
        """Press the button behind the link that came with the welcome."""

        def path() -> str | None:
            for message in self.sandbox("GET", f"/messages?to={quote(creator.email)}"):
                if found := re.search(r"/confirm/[\w.-]+", message["text"]):
                    return found[0]
            return None

        self.api.press(wait_for(path, f"the link for {creator.email}"))

    def inbox(self, creator: Creator) -> list[Json]:
        """What the creator received, newest last."""
        found: list[Json] = self.sandbox("GET", f"/messages?to={quote(creator.address)}")
        return found


def address_of(creator: Creator) -> str:
    """An internet address of their own (RFC 2544's range for tests), so that limits count callers."""
    return f"198.18.{creator.number // 250}.{creator.number % 250 + 1}"


def signup_of(creator: Creator) -> Json:
    """The body of a signup, marked as a sample."""
    return {
        "name": creator.name,
        "phone": creator.phone,
        "language": creator.language,
        "area": creator.area,
        "birth_date": "1995-08-15",
        "gender": creator.gender,
        "profession": creator.profession,
        "handles": [
            {"platform": platform, "handle": handle, "followers": followers}
            for platform, handle, followers in creator.handles
        ],
        "areas_served": [creator.area],
        "themes": list(creator.themes),
        "channel": creator.channel,
        "consents": [
            {"purpose": "campaigns", "channel": channel, "notice_version": "1"}
            for channel in creator.channels
        ],
        **({"email": creator.email} if "email" in creator.channels else {}),
        "idea": "नमूना प्रविष्टि: यह व्यक्ति काल्पनिक है।",
    }


@dataclass
class Staff:
    """The sample users at their desks, each with a token of their own."""

    api: Caller
    tokens: Mapping[str, str]
    """By the name before the @ of the sample user."""

    @classmethod
    def signed_in(cls, api: Caller, env: Mapping[str, str]) -> "Staff":
        """Makes the sample users where they are missing, and signs all of them in."""
        load_users(env)
        return cls(api, {user.email.partition("@")[0]: token_for(env, user.email) for user in USERS})

    def approve(self, influencer: str, area: str) -> None:
        """A coordinator approves one creator of their district; the admin those of other places."""
        token = self.tokens[COORDINATORS.get(area.partition("-")[0], "admin")]
        body = {"decision": "approve", "reason": "sample"}
        self.api("POST", f"/v1/influencers/{influencer}/review", body, token=token)

    def draft(self, body: Json) -> str:
        """Write a campaign; its id."""
        return str(self.api("POST", "/v1/campaigns", body, token=self.tokens["editor"])["id"])

    def approved(self, body: Json) -> str:
        """Write a campaign, submit it, let another person approve it; its id."""
        campaign = self.draft(body)
        self.api("POST", f"/v1/campaigns/{campaign}/submission", token=self.tokens["editor"])
        decision = {"decision": "approve", "reason": "sample"}
        self.api("POST", f"/v1/campaigns/{campaign}/approval", decision, token=self.tokens["approver"])
        return campaign

    def launch(self, body: Json, when: Json | None = None) -> str:
        """Have a campaign approved, and schedule it (for now, without `when`); its id."""
        campaign = self.approved(body)
        self.api("POST", f"/v1/campaigns/{campaign}/schedule", when or {}, token=self.tokens["editor"])
        return campaign

    def register_templates(self, sandbox: Caller) -> None:
        """Copy the templates that WhatsApp lists as approved into the register of our channel, and the words
        of SMS as they are registered."""
        listed = sandbox(
            "GET", f"/whatsapp/v23.0/{WHATSAPP.waba}/message_templates?limit=100", token=WHATSAPP.access_token
        )
        items = [
            {
                "name": template["name"],
                "language": template["language"],
                "category": template["category"].lower(),
                "body": next(part["text"] for part in template["components"] if part["type"] == "BODY"),
                "state": template["status"].lower(),
            }
            for template in listed["data"]
        ]
        admin = self.tokens["admin"]
        self.api("PUT", "/v1/channels/whatsapp-main/templates", {"items": items}, token=admin)
        registered = json.loads(SMS_TEMPLATES.read_text(encoding="utf-8"))
        self.api("PUT", "/v1/channels/sms-main/templates", {"items": registered}, token=admin)

    def report(self, campaign: str) -> Json:
        """The campaign's counts."""
        counts: Json = self.api("GET", f"/v1/campaigns/{campaign}/report", token=self.tokens["editor"])
        return counts


def enrol(
    people: Iterable[Creator],
    creators: Creators,
    staff: Staff,
    tell: Callable[[int], object] = lambda _: None,
) -> None:
    """Everybody signs up, proves their channel, is approved and confirms a second address; `tell` hears how
    many are done.

    The first one goes ahead until they are welcomed: events that find no warm function start one each, so a
    crowd at once would start many. The first failure ends it and is raised.
    """

    def join(creator: Creator) -> None:
        staff.approve(creators.sign_up(creator), creator.area)
        if "email" in creator.also:
            creators.confirm_email(creator)

    first, *others = people
    join(first)
    wait_for(lambda: len(creators.inbox(first)) > 1, f"the welcome to {first.address}")
    tell(1)
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(join, creator) for creator in others]
        try:
            for done, job in enumerate(as_completed(jobs), start=2):
                job.result()
                tell(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
