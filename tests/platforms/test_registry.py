from dataclasses import replace

import pytest

from chalicelib.errors import PlatformOff, Transient
from chalicelib.platforms import registry
from chalicelib.platforms.base import (
    Accepted,
    AccountReading,
    Capabilities,
    Line,
    Outgoing,
    PostReading,
    Quota,
    SendRefused,
)
from chalicelib.platforms.registry import ADAPTERS, WEBHOOK_CONTENT_TYPES, Platforms
from chalicelib.secrets import Secrets
from tests.platforms.test_whatsapp import Answers
from tests.platforms.test_youtube import Api

SECRET = {
    "whatsapp": {"app_secret": "s", "verify_token": "v"},
    "telegram": {},
    "channels": {
        "other": {"platform": "sms", "auth_key": "k"},
        "wa-first": {"platform": "whatsapp", "phone_number_id": "1", "access_token": "t"},
        "wa-second": {"platform": "whatsapp", "phone_number_id": "2", "access_token": "u"},
        "tg": {"platform": "telegram", "bot_token": "7:t"},
    },
}


class GivenSecrets(Secrets):
    """The secret as given; `newer` is what a refresh finds, once."""

    def __init__(self, value, newer=None):
        super().__init__("given")
        self._value, self._newer, self.refreshed = value, newer, 0

    def all(self):
        return self._value

    def refresh(self):
        self.refreshed += 1
        if self._newer is None:
            return False
        self._value, self._newer = self._newer, None
        return True


def platforms(secret=SECRET, http=None, url=""):
    return Platforms(GivenSecrets(secret), http or Answers(), url)


def test_the_first_configured_channel_of_a_platform_is_its_channel():
    channel = platforms().channel_for("whatsapp")
    assert (channel.id, channel.platform, channel.config["phone_number_id"]) == ("wa-first", "whatsapp", "1")


def test_a_channel_is_found_by_its_id():
    channel = platforms().channel("wa-second")
    assert (channel.id, channel.platform, channel.config["access_token"]) == ("wa-second", "whatsapp", "u")


@pytest.mark.parametrize("name", ["telegram", "sms", "nothing"])
def test_a_platform_without_a_secret_or_an_adapter_is_off(name):
    for ask in (platforms().channel_for, platforms().adapter):
        with pytest.raises(PlatformOff, match=name):
            ask(name)


@pytest.mark.parametrize("channel_id", ["tg", "other", "missing"])
def test_a_channel_of_a_platform_that_is_off_is_off(channel_id):
    with pytest.raises(PlatformOff):
        platforms().channel(channel_id)


def test_a_platform_without_a_channel_cannot_send():
    with pytest.raises(PlatformOff, match="whatsapp"):
        platforms({"whatsapp": {"app_secret": "s"}}).channel_for("whatsapp")


def test_the_capabilities_of_a_platform_are_known_even_while_it_is_off():
    assert platforms().capabilities("telegram").receipts is False
    with pytest.raises(PlatformOff):
        platforms().capabilities("nothing")


OVER_SMS = {
    "msg91": {"auth_key": "k", "path_token": "p"},
    "twilio": {"account_sid": "AC1", "auth_token": "t", "rate_per_s": 3},
    "channels": {
        "wa": {"platform": "twilio", "medium": "whatsapp", "from": "+1", "rate_per_s": 80},
        "tw": {"platform": "twilio", "from": "NAMUNA"},
        "in": {"platform": "msg91", "header": "NAMUNA"},
    },
}


def test_a_channel_of_a_platform_with_several_mediums_says_which_and_is_found_by_it():
    door = platforms(OVER_SMS)
    assert (door.channel_for("sms").id, door.channel_for("whatsapp").id) == ("tw", "wa")
    assert door.capabilities("sms").longest == 1600
    assert platforms({**OVER_SMS, "twilio": {}}).channel_for("sms").id == "in"
    assert platforms({**OVER_SMS, "twilio": {}}).capabilities("sms").longest == 2000


BOTH_WHATSAPP = {
    "whatsapp": {"app_secret": "s"},
    "twilio": {"account_sid": "AC1", "auth_token": "t"},
    "channels": {
        "meta": {"platform": "whatsapp", "phone_number_id": "1"},
        "meta2": {"platform": "whatsapp", "phone_number_id": "2"},
        "sms": {"platform": "twilio", "from": "+15550001111"},
        "tw": {"platform": "twilio", "medium": "whatsapp", "from": "+15550001111"},
        "tw2": {"platform": "twilio", "medium": "whatsapp", "messaging_service_sid": "MG2"},
    },
}


@pytest.mark.parametrize(
    ("line", "channel"),
    [
        (Line("whatsapp", ("1",)), "meta"),
        (Line("whatsapp", ("2",)), "meta2"),
        (Line("whatsapp"), "meta"),
        (Line("whatsapp", ("3",)), "meta"),
        (Line("twilio", ("+15550001111",)), "tw"),
        (Line("twilio", ("+15550002222", "MG2")), "tw2"),
    ],
    ids=str,
)
def test_who_writes_is_answered_over_the_line_on_which_they_wrote(line, channel):
    assert platforms(BOTH_WHATSAPP).channel_on(line, "whatsapp").id == channel


def test_a_line_whose_platform_is_off_answers_over_no_other():
    off = {**BOTH_WHATSAPP, "twilio": {}}
    with pytest.raises(PlatformOff):
        platforms(off).channel_on(Line("twilio", ("+15550001111",)), "whatsapp")
    with pytest.raises(PlatformOff):
        platforms(BOTH_WHATSAPP).channel_on(Line("telegram"), "telegram")


def test_what_a_channel_does_not_say_its_platforms_entry_says():
    tw, wa = (platforms(OVER_SMS).channel(name).config for name in ("tw", "wa"))
    assert (tw["account_sid"], tw["rate_per_s"], wa["rate_per_s"]) == ("AC1", 3, 80)


def test_a_channel_knows_our_address_for_its_platforms_callbacks():
    door = Platforms(GivenSecrets(OVER_SMS), Answers(), "http://sandbox", "https://janjan.example")
    assert door.channel("tw").webhook == "https://janjan.example/webhooks/twilio"


def test_requests_go_to_the_platform_and_on_the_laptop_to_the_sandbox():
    for url, expected in (
        ("", "https://graph.facebook.com/v23.0"),
        ("http://sandbox", "http://sandbox/whatsapp/v23.0"),
    ):
        http = Answers(200, {"messages": [{"id": "wamid.A"}]})
        gateway = platforms(http=http, url=url)
        assert gateway.send(gateway.channel_for("whatsapp"), "+91", Outgoing(text="x")) == Accepted("wamid.A")
        assert http.asked[0][0] == f"{expected}/1/messages"


def test_nothing_is_sent_over_a_platform_that_has_been_switched_off():
    http = Answers()
    channel = platforms().channel_for("whatsapp")
    with pytest.raises(PlatformOff):
        platforms({}, http).send(channel, "+91", Outgoing(text="x"))
    assert http.asked == []


class SmsGate:
    """An adapter for SMS that takes everything."""

    name, base_url, webhook_content_types = "gate", "https://gate.test", ()
    capabilities = Capabilities(mediums=("sms",))

    def __init__(self):
        self.sent = []

    def send(self, http, base_url, channel, to, message):
        self.sent.append(message)
        return Accepted("1")


@pytest.mark.parametrize(
    ("template", "text", "refused_for"),
    [
        ("11071", "कोड: 123456।", None),
        ("11071", "कोड: 123456। और", "campaign"),  # other words: they would be refused for everybody
        ("11071", f"कोड: {'1' * 31}।", "content"),  # this value alone
        ("11072", "कोड: 123456।", "campaign"),
        ("", "कोड: 123456।", "campaign"),
    ],
)
def test_an_sms_goes_out_with_words_that_are_registered_under_its_id_alone(
    monkeypatch, template, text, refused_for
):
    gate = SmsGate()
    monkeypatch.setitem(registry.SENDERS, "gate", gate)
    monkeypatch.setitem(registry.ADAPTERS, "gate", gate)
    secret = {"gate": {"auth_key": "k"}, "channels": {"sms-main": {"platform": "gate"}}}
    register = {"11071": ["कोड: {#var#}।"]}
    gateway = replace(platforms(secret), registered=lambda one, anew: register.get(one, ()))
    value = text.removeprefix("कोड: ").partition("।")[0]
    message = Outgoing(template=template, text=text, params=(value,))
    if refused_for is None:
        gateway.send(gateway.channel("sms-main"), "+91", message)
    else:
        with pytest.raises(SendRefused) as refused:
            gateway.send(gateway.channel("sms-main"), "+91", message)
        assert (refused.value.platform_code, refused.value.scope) == ("words_not_registered", refused_for)
    assert gate.sent == ([] if refused_for else [message])


def test_an_sms_is_refused_by_no_old_copy_of_the_register(monkeypatch):
    gate = SmsGate()
    monkeypatch.setitem(registry.SENDERS, "gate", gate)
    monkeypatch.setitem(registry.ADAPTERS, "gate", gate)
    secret = {"gate": {"k": "k"}, "channels": {"sms-main": {"platform": "gate"}}}
    gateway = replace(platforms(secret), registered=lambda one, anew: ["नमस्ते"] if anew else [])
    gateway.send(gateway.channel("sms-main"), "+91", Outgoing(template="1", text="नमस्ते"))
    assert len(gate.sent) == 1


def test_a_register_that_cannot_be_read_holds_an_sms_back_and_it_may_be_tried_again(monkeypatch):
    gate = SmsGate()
    monkeypatch.setitem(registry.SENDERS, "gate", gate)
    secret = {"gate": {"k": "k"}, "channels": {"sms-main": {"platform": "gate"}}}

    def unreadable(template_id, anew):
        raise ConnectionError

    gateway = replace(platforms(secret), registered=unreadable)
    with pytest.raises(Transient):
        gateway.send(gateway.channel("sms-main"), "+91", Outgoing(template="1", text="x"))
    assert gate.sent == []


def test_without_a_register_no_sms_goes_out(monkeypatch):
    gate = SmsGate()
    monkeypatch.setitem(registry.SENDERS, "gate", gate)
    gateway = platforms({"gate": {"k": "k"}, "channels": {"sms-main": {"platform": "gate"}}})
    with pytest.raises(SendRefused):
        gateway.send(gateway.channel("sms-main"), "+91", Outgoing(template="1", text="x"))


def test_every_adapter_goes_by_its_own_name():
    assert {name: adapter.name for name, adapter in ADAPTERS.items()} == {name: name for name in ADAPTERS}


def test_every_kind_of_body_that_a_platform_posts_is_taken():
    posted = {kind for adapter in ADAPTERS.values() for kind in adapter.webhook_content_types}
    assert set(WEBHOOK_CONTENT_TYPES) == posted


class Teller:
    """A platform that tells what it was asked with."""

    name = "teller"
    base_url = "https://teller.example"
    quota = Quota(batch=2, units=1, per_window=10, window_s=60)
    figures_key = "key"

    def read_posts(self, http, base_url, secrets, ids):
        return {one: PostReading({"views": 7}, account=f"{base_url} {secrets['key']}") for one in ids}

    def read_account(self, http, base_url, secrets, handle):
        return AccountReading("1", handle, 5) if handle == "known" else None

    def name_of(self, http, base_url, secrets, sender):
        return f"{base_url} {secrets['key']} {sender}"


def test_figures_are_asked_for_with_the_platforms_own_secret_at_its_own_address(monkeypatch):
    monkeypatch.setitem(registry.MEASURERS, "teller", Teller())
    monkeypatch.setitem(ADAPTERS, "teller", Teller())
    door = platforms(SECRET | {"teller": {"key": "k"}})
    assert (door.measurers(), door.quota("teller").batch) == (["teller"], 2)
    assert door.read_posts("teller", ["a"]) == {
        "a": PostReading({"views": 7}, account="https://teller.example k")
    }
    assert [door.read_account("teller", name) for name in ("known", "other")] == [
        AccountReading("1", "known", 5),
        None,
    ]


def test_who_wrote_is_asked_where_a_platform_tells_it(monkeypatch):
    monkeypatch.setitem(registry.MEASURERS, "teller", Teller())
    monkeypatch.setitem(ADAPTERS, "teller", Teller())
    door = platforms(SECRET | {"teller": {"key": "k"}})
    assert door.name_of("teller", "5001") == ""
    monkeypatch.setitem(registry.INTRODUCERS, "teller", Teller())
    assert door.name_of("teller", "5001") == "https://teller.example k 5001"
    with pytest.raises(PlatformOff):
        door.name_of("telegram", "5001")


def test_who_tells_no_figures_or_has_no_secret_is_off(monkeypatch):
    monkeypatch.setitem(registry.MEASURERS, "teller", Teller())
    door = platforms(SECRET | {"teller": {"app_secret": "only heard"}})
    assert door.measurers() == []
    for name in ("teller", "telegram", "nothing"):
        for ask in (lambda n: door.read_posts(n, ["a"]), lambda n: door.read_account(n, "a"), door.quota):
            with pytest.raises(PlatformOff, match=name):
                ask(name)


@pytest.mark.parametrize(
    ("url", "hub"),
    [
        ("", "https://pubsubhubbub.appspot.com/subscribe"),
        ("http://sandbox", "http://sandbox/youtube/hub/subscribe"),
    ],
)
def test_a_hub_is_asked_at_its_own_host_and_on_the_laptop_in_the_sandbox(url, hub):
    http = Api(202)
    door = platforms(SECRET | {"youtube": {"websub_secret": "w"}}, http, url)
    door.follow("youtube", "UC1", "https://janjan.test/webhooks/youtube", wanted=True)
    assert http.asked[0][0] == hub


@pytest.mark.parametrize("name", ["youtube", "whatsapp", "nothing"])
def test_who_is_off_or_announces_nothing_is_not_asked(name):
    with pytest.raises(PlatformOff, match=name):
        platforms().follow(name, "UC1", "https://janjan.test/webhooks/youtube", wanted=True)
