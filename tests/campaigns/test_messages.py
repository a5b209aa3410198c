"""Messages, templates and the disclosure that is always there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.campaigns import messages as m
from chalicelib.campaigns.messages import Message, Template
from chalicelib.campaigns.model import Content, faults, unready
from chalicelib.clock import parse_rfc3339
from tests.campaigns.samples import BRIEF, content, whatsapp

NOW = parse_rfc3339("2026-01-31T10:00:00Z")
OFFICE = "Namuna Office"
TEMPLATES = {("whatsapp", "namuna_brief", "hi"): BRIEF}
names = st.text(min_size=1, max_size=120)


def read_by_the_person(given_content, channel, language, name):
    """The words on the screen: the template's body filled, or the text."""
    out = given_content.render(channel, language, name=name, organisation=OFFICE)
    return BRIEF.filled(out.params) if out.template else out.text


def codes(found):
    return {(fault.field, fault.code) for fault in found}


def messages_of(channel, **message):
    return {channel: {"hi": message}}


@given(
    names,
    st.sampled_from(["none", "paid", "in_kind"]),
    st.sampled_from(["whatsapp", "telegram"]),
    st.sampled_from(["", "हमारे अपने शब्द", "{name} {disclosure}"]),
    st.lists(st.sampled_from(["Health Department", "Sports Department"]), unique=True),
)
def test_whoever_gets_it_the_disclosure_is_in_it(name, compensation, channel, own, partners):
    campaign = content(compensation=compensation, disclosure=own, partners=partners)
    line = campaign.line("hi", OFFICE)
    assert line
    assert line in read_by_the_person(campaign, channel, "hi", name)


@given(st.text(max_size=200), st.sampled_from(["hi", "en", "bn"]))
def test_what_is_paid_for_says_so_first_whatever_the_authors_words(own, language):
    campaign = content(compensation="paid", disclosure=own)
    assert "#ad" in campaign.line(language, OFFICE)
    assert "#sponsored" in content(compensation="in_kind", disclosure=own).line(language, OFFICE)


def test_without_words_of_the_author_the_disclosure_names_the_sender_and_the_partners():
    line = content(partners=["Health Department"]).line("en", OFFICE)
    assert line == "This message is from Namuna Office, Health Department. Nothing is paid for sharing it."


@pytest.mark.parametrize("own", ["\u200b", ".", "— \u2060 —", "🙂"])
def test_words_of_the_author_that_say_nothing_do_not_take_the_disclosures_place(own):
    assert content(disclosure=own).line("en", OFFICE).startswith("This message is from")


def test_the_authors_words_count_in_their_language_only():
    campaign = content(disclosure={"hi": "अपने शब्द"})
    assert campaign.line("hi", OFFICE) == "अपने शब्द"
    assert campaign.line("en", OFFICE).startswith("This message is from")


def test_a_text_that_places_the_disclosure_itself_has_it_once():
    campaign = content(messages=messages_of("telegram", text="{disclosure} नमस्ते"))
    text = read_by_the_person(campaign, "telegram", "hi", "रेखा")
    assert text.count(campaign.line("hi", OFFICE)) == 1
    assert text.endswith("नमस्ते")


def test_electioneering_says_who_publishes_it_and_the_certificate():
    campaign = content(kind="electioneering", imprint="Namuna Party, Janpur", certificate="MCMC/7")
    assert campaign.line("hi", OFFICE).endswith("Namuna Party, Janpur (MCMC/7)")


def test_a_whatsapp_message_is_the_template_with_its_parameters():
    out = content().render("whatsapp", "hi", name="  रेखा \n देवी ", organisation=OFFICE)
    assert (out.template, out.template_language, out.category) == ("namuna_brief", "hi", "marketing")
    assert out.params[0] == "रेखा देवी"
    assert out.params[2] == "https://example.org/vote"


@given(names)
def test_a_name_is_never_read_as_a_placeholder(name):
    campaign = content(messages=messages_of("telegram", text="{name}|{link}"))
    rendered = campaign.render("telegram", "hi", name=f"{{link}}{name}", organisation=OFFICE).text
    assert rendered.startswith("{link}")


@given(st.text(max_size=300))
def test_parameters_never_break_the_rules_of_whatsapp(name):
    out = content(disclosure="दो\nपंक्तियाँ    लंबी").render("whatsapp", "hi", name=name, organisation=OFFICE)
    assert not any("\n" in p or "\t" in p or "    " in p for p in out.params)


@given(
    st.lists(st.sampled_from(["hi", "en", "bn", "ta"]), unique=True, min_size=1),
    st.sampled_from(["hi", "en", "bn", "mr"]),
)
def test_a_person_gets_their_language_or_hindi_or_english_or_any(written, wanted):
    campaign = content(messages={"telegram": {language: {"text": language} for language in written}})
    got = campaign.language_for("telegram", wanted)
    order = [wanted, "hi", "en", *written]
    assert got == next(language for language in order if language in written)


def test_a_channel_without_messages_has_no_language():
    assert content(messages=messages_of("telegram", text="x")).language_for("whatsapp", "hi") is None


@pytest.mark.parametrize(
    ("channel", "message", "fault"),
    [
        ("whatsapp", {"text": "मुफ़्त पाठ"}, ("messages.whatsapp.hi", "template_needed")),
        ("whatsapp", {"template": "x"}, ("messages.whatsapp.hi", "template_needed")),
        ("telegram", {"template": "x", "category": "utility"}, ("messages.telegram.hi", "text_needed")),
        ("telegram", {}, ("messages.telegram.hi", "text_needed")),
        ("telegram", {"text": "{nam}"}, ("messages.telegram.hi.text", "placeholder_unknown")),
        ("whatsapp", whatsapp(params=["{1}"]), ("messages.whatsapp.hi.params.0", "placeholder_unknown")),
        ("whatsapp", whatsapp(params=["a\nb"]), ("messages.whatsapp.hi.params.0", "param_whitespace")),
    ],
)
def test_a_message_of_the_wrong_shape_is_refused_where_it_stands(channel, message, fault):
    assert codes(faults(content(messages=messages_of(channel, **message)), "public_body")) == {fault}


def test_a_channel_that_nothing_carries_is_refused_by_name():
    with pytest.raises(ValidationError, match="channel fax is not available"):
        content(messages={"fax": {"hi": {"text": "x"}}})


def test_a_complete_campaign_is_ready():
    assert unready(content(), TEMPLATES, OFFICE, NOW) == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"audience": {}}, ("audience.areas", "missing")),
        ({"messages": {}}, ("messages", "missing")),
        ({"channels": ["telegram"]}, ("channels", "channel_left_out")),
        ({"messages": messages_of("telegram", text="x"), "channels": ["telegram", "whatsapp"]},
         ("messages.whatsapp", "missing")),
        ({"expires_at": "2026-01-31T10:00:00Z"}, ("expires_at", "past")),
        ({"links": []}, ("links", "link_missing")),
        ({"kind": "electioneering", "imprint": "x"}, ("certificate", "missing")),
        ({"messages": messages_of("whatsapp", **whatsapp(template="other"))},
         ("messages.whatsapp.hi.template", "template_not_approved")),
        ({"messages": messages_of("whatsapp", **whatsapp(category="utility"))},
         ("messages.whatsapp.hi.category", "template_category")),
        ({"messages": messages_of("whatsapp", **whatsapp(params=["{disclosure}"]))},
         ("messages.whatsapp.hi.params", "template_params")),
        ({"messages": messages_of("whatsapp", **whatsapp(params=["{name}", "a", "b"]))},
         ("messages.whatsapp.hi.params", "disclosure_missing")),
        ({"messages": messages_of("whatsapp", **whatsapp(params=["{disclosure}", "a" * 500, "b" * 500]))},
         ("messages.whatsapp.hi", "message_too_long")),
        ({"messages": messages_of("telegram", text="म" * 4040)},
         ("messages.telegram.hi", "message_too_long")),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_before_anybody_else_looks_at_it(more, fault):
    assert fault in codes(unready(content(**more), TEMPLATES, OFFICE, NOW))


@pytest.mark.parametrize("state", ["pending", "rejected", "paused", "disabled"])
def test_a_template_must_be_approved(state):
    templates = {("whatsapp", "namuna_brief", "hi"): BRIEF.model_copy(update={"state": state})}
    found = codes(unready(content(), templates, OFFICE, NOW))
    assert found == {("messages.whatsapp.hi.template", "template_not_approved")}


def test_a_template_whose_body_discloses_needs_no_parameter_for_it():
    line = content().line("hi", OFFICE)
    template = BRIEF.model_copy(update={"body": f"{{{{1}}}}: {line}"})
    message = Message(**whatsapp(params=["{name}"]))
    assert m.template_faults(template, message, line, "", "x") == []


def test_emoji_count_twice_as_telegram_counts_them():
    assert m.length_faults(4096, "😀" * 2048, "x") == []
    assert codes(m.length_faults(4096, "😀" * 2049, "x")) == {("x", "message_too_long")}


@pytest.mark.parametrize("body", ["{{1}} {{3}}", "{{0}}", "{{name}}", "{{1}} {{"])
def test_a_templates_parameters_are_numbered_without_gaps(body):
    with pytest.raises(ValidationError, match="none left out"):
        Template.model_validate(BRIEF.model_dump() | {"body": body})


def test_a_templates_parameter_may_stand_twice():
    template = Template.model_validate(BRIEF.model_dump() | {"body": "{{1}} और {{1}}, {{2}}"})
    assert template.params_count == 2
    assert template.filled(("क", "ख")) == "क और क, ख"


def test_text_is_kept_composed_and_without_control_characters():
    kept = content(title="e\u0301\u0007 x", messages=messages_of("telegram", text="a\r\nb\u200dc"))
    assert kept.title == "é x"
    assert kept.messages["telegram"]["hi"].text == "a\nb\u200dc"


def test_an_unknown_field_is_refused_by_name():
    with pytest.raises(ValidationError) as refused:
        Content.model_validate({"title": "x", "department": "d", "compensation": "none", "colour": "red"})
    assert [error["loc"] for error in refused.value.errors()] == [("colour",)]


def test_what_waits_behind_a_template_is_filled_as_any_text_and_says_who_pays():
    waits = {"text": "सुनिए {name}: {link}"}
    campaign = content(messages=messages_of("whatsapp", **whatsapp(**waits)), links=["https://example.org/a"])
    out = campaign.full_text("whatsapp", "hi", name=" आशा  देवी ", organisation="नमूना विभाग")
    assert out is not None
    assert out.text.startswith("सुनिए आशा देवी: https://example.org/a\n\n")
    assert campaign.line("hi", "नमूना विभाग") in out.text
    assert (out.template, out.key) == ("", "")
    sent = campaign.render("whatsapp", "hi", name="आशा", organisation="नमूना विभाग")
    assert (sent.template != "", sent.text) == (True, "")


@pytest.mark.parametrize("channel", ["whatsapp", "telegram"])
def test_where_no_text_waits_a_reply_brings_none(channel):
    written = whatsapp() if channel == "whatsapp" else {"text": "x"}
    campaign = content(messages=messages_of(channel, **written))
    assert campaign.full_text(channel, "hi", name="x", organisation="y") is None
    assert campaign.full_text(channel, "en", name="x", organisation="y") is None


def test_what_waits_behind_a_template_may_be_as_long_as_a_free_text():
    line = "x" * 96
    assert m.full_text_faults(m.Message(text="y" * 3998), line, "", "x") == []
    assert codes(m.full_text_faults(m.Message(text="y" * 3999), line, "", "x")) == {("x", "message_too_long")}
    assert m.full_text_faults(m.Message(), line, "", "x") == []
