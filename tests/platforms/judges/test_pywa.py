"""pywa, somebody else's reader of WhatsApp's webhooks, and ours tell the same facts of the same bodies.

It asks for more than the platform always gives: everybody's user id, contacts beside each status, an id of
each template. `completed` adds those to a copy that both read; what it cannot read all the same is in UNREAD.
"""

import copy
import json
import logging

import pytest

from chalicelib.platforms.base import Call, Inbound, Notice, Preference, Status
from chalicelib.platforms.registry import ADAPTERS
from tests.platforms import contract, fixtures, golden

pywa = pytest.importorskip("pywa")
WHATSAPP = ADAPTERS["whatsapp"]
BODIES = {sample.stem: sample.read_bytes() for sample in golden.samples("whatsapp")} | {
    one.name: one.body for one in fixtures.files() if one.platform == "whatsapp"
}
UNREAD = {
    "account_alerts",
    "account_review_update",
    "account_update_without_event",
    "business_capability_update",
    "chatwoot_flow_invalid_json",
    "errors_without_messages",
    "message_form",
    "message_template_components_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "status_without_time",
    "template_category",
}
"""Bodies of one update that pywa has no class for, or refuses: a form that is no JSON, a missing time."""


NO_UPDATES = ("Handler", "RawUpdateHandler", "FlowRequestHandler")


class Judge:
    """pywa behind its own webhook, with everything that it makes of a body."""

    def __init__(self):
        self.made = []
        self.client = pywa.WhatsApp(
            phone_id="1",
            token="none",
            server=None,
            verify_token="tok",
            app_secret="current",
            filter_updates=False,
            skip_duplicate_updates=False,
        )
        for name in dir(pywa.handlers):
            kind = getattr(pywa.handlers, name)
            if name.endswith("Handler") and name not in NO_UPDATES:
                self.client.add_handlers(kind(lambda _, update: self.made.append(update)))

    def read(self, body):
        self.made.clear()
        logging.disable(logging.CRITICAL)
        try:
            self.client.webhook_update_handler(body)
        except (KeyError, TypeError, IndexError):
            self.made.clear()
        finally:
            logging.disable(logging.NOTSET)
        return list(self.made)


@pytest.fixture(scope="module")
def judge():
    return Judge()


def completed(body):
    """The body with what pywa asks for; None for what it never reads: several updates, or no object."""
    payload = copy.deepcopy(json.loads(body))
    try:
        [entry] = payload["entry"]
        [change] = entry["changes"]
        value = change["value"]
        said = [value[key] for key in ("messages", "statuses", "user_preferences") if key in value]
    except (KeyError, TypeError, ValueError):
        return None
    if any(len(several) != 1 for several in said):
        return None
    entry.setdefault("id", "1")
    change.setdefault("field", "messages")
    value.setdefault("metadata", {"display_phone_number": "1", "phone_number_id": "1"})
    for one in [*value.get("messages", []), *value.get("statuses", [])]:
        value.setdefault("contacts", [{"wa_id": one.get("from", "1"), "profile": {"name": "x"}}])
        add(one)
    for contact in value.get("contacts", []):
        contact.setdefault("user_id", "IN.1")
    for preference in value.get("user_preferences", []):
        preference.setdefault("detail", "none")
    return json.dumps(payload).encode()


def add(one):
    """To a message or a status."""
    for name, missing in {"from_user_id": "IN.1", "id": "wamid.none"}.items():
        one.setdefault(name, missing)
    if one.get("type") == "interactive":
        one.setdefault("context", {"from": "1", "id": ""})
    for media in {"audio", "document", "image", "sticker", "video"} & one.keys():
        one[media].setdefault("sha256", "none")
    for error in one.get("errors", []):
        error.setdefault("message", "none")


def seconds(at):
    return at and int(at.timestamp())


def ours(update):
    """Our facts, in words that both have."""
    match update:
        case Status():
            return ("status", update.fact, update.message_id, update.key, update.code, seconds(update.at))
        case Inbound():
            return ("inbound", update.text, update.reply_to, seconds(update.at))
        case Preference():
            return ("preference", update.wants, seconds(update.at))  # whose, it takes from the contacts
        case Notice() if update.kind.startswith("template."):
            return ("template", update.template, update.language, seconds(update.at))
        case Notice():
            return ("notice", seconds(update.at))
    return (type(update).__name__,)


def answered(update):
    return update.reply_to_message.id if update.reply_to_message else ""


def message(update):
    about = update.reaction.message_id if update.reaction else answered(update)
    return "inbound", update.text or update.caption or "", about or ""


def status(update):
    fact = {"played": "read"}.get(update.status.value, update.status.value)
    code = str(update.error.code) if update.error else ""
    return "status", fact, update.id, update.tracker or "", code


def template(update):
    return "template", update.template_name, update.template_language.value


def preference(update):
    return "preference", update.value.value in ("resume", "signup")


def edited(update):
    changed = update.message.text or update.message.caption or ""
    return "inbound", changed, update.original_message_id


THEIRS = {
    "MessageStatus": status,
    "GroupMessageStatuses": lambda update: status(update.statuses[0]),
    "Message": message,
    "CallbackButton": lambda update: ("inbound", update.title, answered(update)),
    "CallbackSelection": lambda update: ("inbound", update.title, answered(update)),
    "FlowCompletion": lambda update: ("inbound", update.body, answered(update)),
    "EditedMessage": edited,
    "DeletedMessage": lambda update: ("inbound", "", update.original_message_id),
    "UserMarketingPreferences": preference,
    "TemplateStatusUpdate": template,
    "TemplateQualityUpdate": template,
    "TemplateCategoryUpdate": template,
    "TemplateComponentsUpdate": template,
}


def theirs(update):
    """pywa's facts, in the same words."""
    read = THEIRS.get(type(update).__name__, lambda _: ("notice",))
    return (*read(update), seconds(update.timestamp))


def bodies():
    """Bodies of one update that ours can name, as both read them."""
    for name, body in BODIES.items():
        try:
            given = completed(body)
        except ValueError:
            continue
        if given and len(read := WHATSAPP.parse(given)) == 1 and type(read[0]).__name__ != "Unknown":
            yield pytest.param(name, given, read[0], id=name)


CASES = list(bodies())


@pytest.mark.parametrize(("name", "body", "mine"), CASES)
def test_both_tell_the_same_of_the_same_body(judge, name, body, mine):
    read = judge.read(body)
    if name in UNREAD:
        assert read == []
        return
    [update] = read
    assert theirs(update) == ours(mine)


def test_most_of_the_samples_are_judged():
    judged = {case.values[0] for case in CASES} - UNREAD
    assert len(judged) >= 40
    assert len(judged & {sample.stem for sample in golden.samples("whatsapp")}) >= 30


@pytest.mark.parametrize("secret", ["current", "other"])
def test_both_agree_on_signatures(judge, secret):
    how = contract.of("whatsapp")
    for body in [*BODIES.values(), b"", b"\xff", "बंद".encode()]:
        call = how.signed(body, secret)
        refused = judge.client.webhook_update_validator(body, call.headers["x-hub-signature-256"])
        try:
            WHATSAPP.verify({"app_secret": "current"}, Call(call.headers, body))
        except Exception:
            assert refused
        else:
            assert not refused


def test_both_answer_the_handshake_alike(judge):
    for token in ("tok", "other"):
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "77"}
        answer, status = judge.client.webhook_challenge_handler(token, "77")
        greeting = WHATSAPP.handshake({"verify_token": "tok"}, Call(query=query))
        assert (greeting and greeting.answer) == (answer if status == 200 else None)
