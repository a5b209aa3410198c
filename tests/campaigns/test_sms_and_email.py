"""What a campaign says by SMS and by email: registered words, escaped values, the disclosure always."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.campaigns import messages as m
from chalicelib.campaigns.correction import Words
from chalicelib.campaigns.corrections import Corrections
from chalicelib.campaigns.messages import Template
from chalicelib.campaigns.model import Content, faults, unready, with_words
from chalicelib.campaigns.register import FRESH_S, SmsRegister
from chalicelib.campaigns.runs import Runs
from chalicelib.campaigns.store import CampaignStore
from chalicelib.clock import parse_rfc3339
from chalicelib.errors import Conflict, InvalidInput
from chalicelib.platforms import dlt
from chalicelib.platforms.base import Outgoing
from chalicelib.ports import Contact
from tests.campaigns.samples import APPROVER, EDITOR, content, whatsapp
from tests.campaigns.test_campaigns import Gateway
from tests.campaigns.test_messages import codes

NOW = parse_rfc3339("2026-01-31T10:00:00Z")
OFFICE = "Namuna Office"
LINE = "यह संदेश Namuna Office की ओर से है। इसे साझा करने के लिए कोई भुगतान नहीं दिया जाता।"
ID = "1107160000000000001"
BODY = f"नमस्ते {dlt.VARIABLE}, मतदान करें: {dlt.VARIABLE} {LINE}"
REGISTERED = Template(
    name="namuna_brief",
    language="hi",
    category="service_explicit",
    template_id=ID,
    header="NAMUNA",
    entity_id="1101160000000000001",
    body=BODY,
    state="approved",
)
TEMPLATES = {("sms", ID, "hi"): REGISTERED}
names = st.text(min_size=1, max_size=120)


def sms(**more):
    return {"template_id": ID, "header": "NAMUNA", "params": ["{name}", "{link}"]} | more


def email(**more):
    return {"subject": "मतदान, {name}", "text": "नमस्ते {name}, {link}"} | more


def by(channel, message, **more):
    return content(messages={channel: {"hi": message}}, **more)


def ready(campaign):
    """The campaign as it is after its submission."""
    return campaign.model_copy(update={"messages": with_words(campaign.messages, TEMPLATES)})


def told(campaign):
    return codes(unready(ready(campaign), TEMPLATES, OFFICE, NOW))


# --- SMS


def test_an_sms_is_the_registered_words_with_its_variables_filled():
    out = ready(by("sms", sms())).render("sms", "hi", name=" रेखा  देवी", organisation=OFFICE)
    assert out.text == f"नमस्ते रेखा देवी, मतदान करें: https://example.org/vote {LINE}"
    assert (out.template, out.header, out.template_language) == (ID, "NAMUNA", "hi")
    assert out.params == ("रेखा देवी", "https://example.org/vote")


@given(names)
def test_whoever_gets_it_an_sms_fits_what_is_registered_and_discloses(name):
    out = ready(by("sms", sms())).render("sms", "hi", name=f"x{name}", organisation=OFFICE)
    assert dlt.fits(BODY, out.text)
    assert LINE in out.text


def test_a_complete_sms_is_ready():
    assert told(by("sms", sms())) == set()


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (sms(template_id="1107160000000000009"), ("messages.sms.hi.template_id", "template_not_approved")),
        (sms(header="OTHERS"), ("messages.sms.hi.header", "template_header")),
        (sms(params=["{name}"]), ("messages.sms.hi.params", "template_params")),
        (sms(params=["{name} जी", "{link}"]), ("messages.sms.hi.params.0", "variable_too_long")),
        (sms(params=["{name}", "{disclosure}"]), ("messages.sms.hi.params.1", "variable_too_long")),
    ],
)
def test_what_the_register_would_refuse_is_named_by_its_field(message, fault):
    assert fault in told(by("sms", message))


def test_a_link_that_is_too_long_for_a_variable_is_named():
    campaign = by("sms", sms(), links=[f"https://example.org/{'x' * 30}"])
    assert told(campaign) == {("messages.sms.hi.params.1", "variable_too_long")}


def test_registered_words_without_the_disclosure_cannot_be_submitted():
    bare = {("sms", ID, "hi"): REGISTERED.model_copy(update={"body": "{#var#} {#var#}"})}
    assert ("messages.sms.hi.template_id", "disclosure_missing") in codes(
        unready(by("sms", sms()), bare, OFFICE, NOW)
    )


def test_an_sms_of_more_than_ten_parts_is_too_long():
    long = {("sms", ID, "hi"): REGISTERED.model_copy(update={"body": f"{BODY} {'न' * 600}"})}
    assert ("messages.sms.hi", "message_too_long") in codes(unready(by("sms", sms()), long, OFFICE, NOW))


def test_words_that_changed_since_the_submission_stop_the_schedule():
    changed = {("sms", ID, "hi"): REGISTERED.model_copy(update={"body": f"{BODY}!"})}
    found = codes(unready(ready(by("sms", sms())), changed, OFFICE, NOW))
    assert found == {("messages.sms.hi.template_id", "template_changed")}


@pytest.mark.parametrize(
    ("channel", "message", "code"),
    [
        ("sms", {"text": "x"}, "template_needed"),
        ("sms", sms(template="namuna_brief"), "template_needed"),
        ("sms", sms(subject="x"), "template_needed"),
        ("email", {"text": "x"}, "text_needed"),
        ("email", {"subject": "x", "html": "<p>x</p>"}, "text_needed"),
        ("email", email(template_id=ID), "text_needed"),
        ("telegram", {"text": "x", "html": "<p>x</p>"}, "text_needed"),
        ("telegram", {"text": "x", "subject": "x"}, "text_needed"),
        ("whatsapp", whatsapp(header="NAMUNA"), "template_needed"),
    ],
)
def test_a_field_that_the_channel_does_not_have_is_refused(channel, message, code):
    assert (f"messages.{channel}.hi", code) in codes(faults(by(channel, message), "public_body"))


@pytest.mark.parametrize("given_id", ["12ab", "1107 16", "x"])
def test_an_id_of_a_registration_is_digits(given_id):
    with pytest.raises(ValidationError):
        by("sms", sms(template_id=given_id))


@pytest.mark.parametrize("body", ["{#var#}", " {#var#} ", "{{1}} x", "{#VAR#} x", "{var} x", "x {#var# }"])
def test_registered_words_have_words_and_variables_in_the_registers_own_spelling(body):
    with pytest.raises(ValidationError, match="Variables are written"):
        Template.model_validate(REGISTERED.model_dump() | {"body": body})


def test_the_register_tells_in_how_many_parts_it_goes_out():
    assert REGISTERED.cost() == {"segments": 3, "alphabet": "ucs2"}
    plain = REGISTERED.model_copy(update={"body": "Your code: {#var#}"})
    assert plain.cost() == {"segments": 1, "alphabet": "gsm7"}


# --- email


@given(names, st.sampled_from(["none", "paid", "in_kind"]), st.sampled_from(["", "<p>{name} {link}</p>"]))
def test_whoever_gets_it_an_email_discloses_in_text_and_in_html(name, compensation, page):
    campaign = by("email", email(html=page), compensation=compensation)
    out = campaign.render("email", "hi", name=name, organisation=OFFICE)
    line = campaign.line("hi", OFFICE)
    assert line in out.text
    assert (m.html.escape(line) in out.html) is bool(page)


@given(names)
def test_nothing_in_a_name_is_read_as_markup_or_as_a_header(name):
    campaign = by("email", email(html="<p>{name}</p>"))
    out = campaign.render("email", "hi", name=f"<b>\r\nBcc: x@y.test {name}", organisation=OFFICE)
    assert "<b>" not in out.html
    assert len(out.subject.splitlines()) == 1
    assert not any(c in out.subject for c in "\r\n\t\v\f")


def test_a_subject_is_one_line_whatever_separates_its_words():
    out = by("email", email(subject="मतदान\u2028करें \u2029 {name}")).render(
        "email", "hi", name="रेखा", organisation=OFFICE
    )
    assert out.subject == "मतदान करें रेखा"


def test_an_address_in_html_stays_inside_its_attribute():
    campaign = by("email", email(html='<a href="{link}">x</a>'), links=['https://example.org/"onclick="x'])
    out = campaign.render("email", "hi", name="x", organisation=OFFICE)
    assert 'href="https://example.org/&quot;onclick=&quot;x"' in out.html


def test_the_disclosure_and_the_way_out_are_the_last_words_of_the_page():
    campaign = by("email", email(html="<html><body><p>{name}</p></BODY></html>"))
    url = "https://x.test/u/inf_a.b"
    out = campaign.render("email", "hi", name="रेखा", organisation=OFFICE, unsubscribe_url=url)
    assert out.unsubscribe_url == url
    assert out.html.endswith(f'<a href="{url}">हमारे ईमेल बंद करने के लिए यहाँ जाएँ</a></p></BODY></html>')
    assert out.html.index(LINE) < out.html.index(url)
    assert out.text.endswith(f"हमारे ईमेल बंद करने के लिए यहाँ जाएँ: {url}")


def test_an_email_without_html_has_none():
    out = by("email", email()).render("email", "hi", name="x", organisation=OFFICE, unsubscribe_url="u")
    assert out.html == ""


def test_a_disclosure_that_the_page_places_itself_stands_once():
    campaign = by("email", email(text="{disclosure}", html="<i>{disclosure}</i>"))
    out = campaign.render("email", "hi", name="x", organisation=OFFICE)
    assert (out.text.count(LINE), out.html.count(LINE)) == (1, 1)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"subject": "a\nb"}, ("messages.email.hi.subject", "subject_lines")),
        ({"subject": "{nam}"}, ("messages.email.hi.subject", "placeholder_unknown")),
        ({"html": "<p>{nam}</p>"}, ("messages.email.hi.html", "placeholder_unknown")),
        ({"html": "<script>x</script>"}, ("messages.email.hi.html", "html_active")),
        ({"html": '<a href="javascript:x">x</a>'}, ("messages.email.hi.html", "html_active")),
        ({"html": "<img src=x onerror=x>"}, ("messages.email.hi.html", "html_active")),
        ({"html": "<form action=x>"}, ("messages.email.hi.html", "html_active")),
    ],
)
def test_what_no_mailbox_shows_is_refused_where_it_stands(more, fault):
    assert codes(faults(by("email", email(**more)), "public_body")) == {fault}


def test_braces_of_a_style_sheet_are_no_placeholders():
    styled = "<style>p {color: red} @media print {p{margin:0}}</style><p>{name}</p>"
    campaign = by("email", email(html=styled))
    assert faults(campaign, "public_body") == []
    assert "{color: red}" in campaign.render("email", "hi", name="x", organisation=OFFICE).html


def test_a_subject_that_is_too_long_with_the_name_is_named():
    assert codes(unready(by("email", email(subject="x" * 80 + "{name}")), {}, OFFICE, NOW)) == {
        ("messages.email.hi.subject", "message_too_long")
    }
    assert unready(by("email", email(subject="x" * 70 + "{name}")), {}, OFFICE, NOW) == []


# --- from the draft to the run


class FourChannels(Gateway):
    channels = Gateway.channels | {"sms-main": "sms", "email-main": "email"}


@pytest.fixture
def service(made):
    found = made(gateway=FourChannels())
    found.put_templates("u-admin", "sms-main", [REGISTERED])
    return found


def everything(**more):
    return content(
        messages={"whatsapp": {"hi": whatsapp()}, "sms": {"hi": sms()}, "email": {"hi": email()}}, **more
    )


def submitted(service, campaign):
    return service.submit(EDITOR, service.create(EDITOR, campaign).id)


def test_the_registered_words_are_written_into_what_is_approved_and_sent(service):
    seen = submitted(service, everything())
    assert seen.content.messages["sms"]["hi"].text == BODY
    service.decide(APPROVER, seen.id, "approve", "", seen.rev)
    run = service.schedule(EDITOR, seen.id, None)
    runs = Runs(CampaignStore(), service.clock, unsubscribe_url=lambda person: f"https://x.test/u/{person}")
    person = Contact("inf_a", "approved", "रेखा", "hi", ("IN",), {}, frozenset(), frozenset())
    assert runs.message(run.id, "sms", "hi", person).text == (
        f"नमस्ते रेखा, मतदान करें: https://example.org/vote {LINE}"
    )
    by_mail = runs.message(run.id, "email", "hi", person)
    assert (by_mail.subject, by_mail.unsubscribe_url) == ("मतदान, रेखा", "https://x.test/u/inf_a")
    assert runs.full_text(run.id, "sms", "hi", person) is None
    assert run.channels == ("whatsapp", "sms", "email")


def test_words_of_the_author_do_not_take_the_place_of_the_registered_ones(service):
    draft = everything(channels=["whatsapp", "sms", "email"])
    forged = draft.model_dump(mode="json")
    forged["messages"]["sms"]["hi"]["text"] = f"कुछ और {LINE}"
    seen = submitted(service, Content.model_validate(forged))
    assert seen.content.messages["sms"]["hi"].text == BODY


def test_a_template_that_was_withdrawn_or_reworded_since_stops_the_schedule(service):
    seen = submitted(service, everything())
    service.decide(APPROVER, seen.id, "approve", "", seen.rev)
    for changed, code in (
        ({"state": "paused"}, "template_not_approved"),
        ({"body": f"{BODY}।"}, "template_changed"),
    ):
        service.put_templates("u-admin", "sms-main", [REGISTERED.model_copy(update=changed)])
        with pytest.raises(InvalidInput) as refused:
            service.schedule(EDITOR, seen.id, None)
        assert [(e.field, e.code) for e in refused.value.errors] == [("messages.sms.hi.template_id", code)]


def test_a_correction_carries_its_registered_words_too(service):
    seen = submitted(service, everything())
    service.decide(APPROVER, seen.id, "approve", "", seen.rev)
    run = service.schedule(EDITOR, seen.id, None)
    runs = Runs(CampaignStore(), service.clock)
    runs.start(run.id)
    runs.finish(run.id)
    words = Words(messages={"sms": {"hi": sms()}}, reason="x")
    proposed = Corrections(service).propose(EDITOR, seen.id, words)
    assert proposed.messages["sms"]["hi"].text == BODY


@pytest.mark.parametrize(
    ("channel", "changes", "faults"),
    [
        ("sms-main", {"template_id": "", "body": "x"}, {("items.0.template_id", "missing")}),
        ("sms-main", {"header": "", "entity_id": ""},
         {("items.0.header", "missing"), ("items.0.entity_id", "missing")}),
        ("sms-main", {"category": "marketing"}, {("items.0.category", "category_unknown")}),
        ("whatsapp-main", {"category": "marketing", "template_id": ""},
         {("items.0.header", "only_sms"), ("items.0.entity_id", "only_sms")}),
    ],
)  # fmt: skip
def test_a_template_has_what_its_channel_registers_and_nothing_else(service, channel, changes, faults):
    with pytest.raises(InvalidInput) as refused:
        service.put_templates("u-admin", channel, [REGISTERED.model_copy(update=changes)])
    assert {(e.field, e.code) for e in refused.value.errors} == faults


def test_an_email_has_no_register(service):
    with pytest.raises(Conflict):
        service.put_templates("u-admin", "email-main", [REGISTERED])


# --- the register, for the last step


def test_the_register_finds_approved_words_by_id_and_by_name(service):
    register = SmsRegister(CampaignStore(), ticks=lambda: 0.0)
    assert register.words(ID) == [BODY]
    assert register.words("1") == []
    assert register.sms("namuna_brief", "hi", "क", "ख" * 31) == Outgoing(
        template=ID,
        template_language="hi",
        header="NAMUNA",
        params=("क", "ख" * 30),
        text=f"नमस्ते क, मतदान करें: {'ख' * 30} {LINE}",
    )
    assert register.sms("namuna_brief", "ta", "क", "ख").template_language == "hi"
    assert register.sms("namuna_brief", "hi", "क") is None
    assert register.sms("janjan_code", "hi", "123456") is None


def test_what_is_withdrawn_is_known_within_seconds(service):
    now = [0.0]
    register = SmsRegister(CampaignStore(), ticks=lambda: now[0])
    assert register.words(ID) == [BODY]
    service.put_templates("u-admin", "sms-main", [REGISTERED.model_copy(update={"state": "disabled"})])
    now[0] = FRESH_S
    assert register.words(ID) == []
    assert register.sms("namuna_brief", "hi", "क", "ख") is None


def test_who_reads_the_register_anew_waits_for_no_copy_to_grow_old(service):
    register = SmsRegister(CampaignStore(), ticks=lambda: 0.0)
    assert register.words(ID) == [BODY]
    service.put_templates("u-admin", "sms-main", [REGISTERED.model_copy(update={"state": "disabled"})])
    assert register.words(ID) == [BODY]
    assert register.words(ID, True) == register.words(ID) == []


def test_the_gateway_asks_the_register(service):
    gateway = replace(wiring.platforms(), registered=wiring.sms_register().words)
    assert gateway.registered(ID, False) == [BODY]
