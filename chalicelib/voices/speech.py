"""What somebody's words are: a voice or a thank you, in which language, and on whose behalf. No I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from chalicelib.phones import clean_phone
from chalicelib.voices.routing import bare

FEWEST_WORDS, FEWEST_LETTERS = 3, 12
"""A voice has so many of one or the other, links and emoji left out."""

PLEASANTRIES = """
hi, hello, hey, hii, hello ji, hello sir, hi sir, hello madam, good morning, good morning sir, good afternoon
good evening, good night, good day, happy new year, happy diwali, happy holi, happy independence day
happy republic day, eid mubarak, how are you, how are you sir, ok, okay, okey, ok ji, ok sir, ok thanks
ok thank you, okay thank you, k, yes, yes sir, no, no thanks, no thank you, done, sent, received, noted
understood, i understand, got it, i got it, alright, all right, all good, fine, nice, great, good, very good
very nice, good work, good job, great work, well done, keep it up, nice work, super, wow, welcome
you are welcome, most welcome, thanks, thanks a lot, thanks so much, thank you, thank you sir
thank you so much, thank you very much, thank you very much sir, thank u, thank u so much, thanku, thnx, tq
many thanks, thanks for the information, thank you for the information, thank you for your message
thank you for your help, jai hind, jai hind sir, jai shri ram, jai bharat, jai jawan jai kisan, bye, test
testing, this is a test, who is this, who are you, see you, same to you, more, tell me more, please tell me
नमस्ते, नमस्कार, नमस्ते जी, नमस्ते सर, नमस्कार जी, सादर नमस्कार, सादर प्रणाम, प्रणाम, राम राम, राम राम जी, जय हिंद
जय हिन्द, जय हिंद सर, जय श्री राम, जय भारत, जय जवान जय किसान, भारत माता की जय, वंदे मातरम, सत श्री अकाल
आदाब, सलाम, अस्सलाम वालेकुम, हैलो, हेलो, हाय, सुप्रभात, शुभ प्रभात, शुभ रात्रि, शुभ संध्या, शुभ दिन
शुभकामनाएं, शुभकामनाएँ, हार्दिक शुभकामनाएं, बहुत बहुत शुभकामनाएं, बधाई, बधाई हो, बहुत बधाई, बहुत बहुत बधाई
आपको भी, आपको भी बधाई, आप कैसे हैं, कैसे हैं आप, कैसे हो, हाँ, हां, हाँ जी, हां जी, जी, जी हाँ, जी हां, जी सर
जी बिल्कुल, नहीं, जी नहीं, नहीं धन्यवाद, ठीक, ठीक है, ठीक है जी, ठीक है सर, ठीक है धन्यवाद, जी ठीक है
अच्छा, अच्छा है, अच्छा जी, बहुत अच्छा, बहुत अच्छे, बहुत बढ़िया, बढ़िया, बहुत सुंदर, सुंदर, शाबाश, वाह, वाह वाह
बिल्कुल, समझ गया, समझ गई, समझ गए, मैं समझ गया, मैं समझ गई, मिल गया, मिल गई, पता चल गया, हो गया, कर दिया
ओके, ओके जी, ओके सर, ओके धन्यवाद, धन्यवाद, धन्यवाद जी, धन्यवाद सर, बहुत धन्यवाद, बहुत बहुत धन्यवाद
बहुत बहुत धन्यवाद आपका, आपका धन्यवाद, आपका बहुत धन्यवाद, आपका बहुत बहुत धन्यवाद, जानकारी के लिए धन्यवाद
मदद के लिए धन्यवाद, सूचना के लिए धन्यवाद, आभार, आपका आभार, बहुत आभार, बहुत बहुत आभार, शुक्रिया, बहुत शुक्रिया
बहुत बहुत शुक्रिया, आपका शुक्रिया, थैंक्स, थैंक यू, थैंक यू सर, स्वागत है, आपका स्वागत है, टेस्ट, कौन है
आप कौन हैं, आप कौन हो, और बताइए, और बताओ, बताइए, जी बताइए, फिर मिलेंगे, अलविदा
namaste, namaste ji, namaskar, namaskaar, pranam, pranaam, ram ram, ram ram ji, jai hind ji, sat sri akal
sat shri akal, adab, aadab, salam, salaam, assalam walekum, assalamu alaikum, walekum assalam, suprabhat
shubh prabhat, shubh ratri, shubhkamnaye, shubhkamnayen, badhai, badhai ho, bahut badhai, bahut bahut badhai
haan, han, ha, haan ji, han ji, ji haan, ji, ji sir, nahi, nahin, ji nahi, thik, thik hai, theek, theek hai
theek hai ji, thik hai ji, theek hai sir, thik hai sir, thik h, theek h, acha, accha, achha, acha ji
accha hai, bahut accha, bahut acha, bahut achha, bahut badhiya, badhiya, shabash, wah, waah, bilkul
samajh gaya, samajh gayi, main samajh gaya, mil gaya, mil gayi, ho gaya, kar diya, dhanyavad, dhanyawad
dhanyvad, dhanyavaad, dhanyawaad, dhanyavad ji, dhanyavad sir, bahut dhanyavad, bahut bahut dhanyavad
bahut bahut dhanyawad, aapka dhanyavad, aapka bahut bahut dhanyavad, jankari ke liye dhanyavad, aabhar
abhar, bahut aabhar, shukriya, bahut shukriya, bahut bahut shukriya, aapka shukriya, kaise ho, kaise hain
kaise hain aap, aap kaise hain, aap kaun hain, kaun ho, aur bataiye, aur batao, bataiye, phir milenge
السلام علیکم, وعلیکم السلام, سلام, آداب, خوش آمدید, صبح بخیر, شب بخیر, عید مبارک, مبارک, مبارک ہو
بہت مبارک ہو, جی, جی ہاں, ہاں, ہاں جی, نہیں, جی نہیں, ٹھیک, ٹھیک ہے, جی ٹھیک ہے, اچھا, بہت اچھا, بہت خوب
بالکل, سمجھ گیا, سمجھ گئی, مل گیا, ہو گیا, اوکے, شکریہ, شکریہ جی, بہت شکریہ, بہت بہت شکریہ
آپ کا شکریہ, آپ کا بہت شکریہ, آپ کا بہت بہت شکریہ, معلومات کے لیے شکریہ, جے ہند, خدا حافظ, اللہ حافظ
آپ کیسے ہیں, کیسے ہیں آپ, آپ کون ہیں, ہیلو, اور بتائیے
"""
"""Whole messages that ask for nothing, by line and comma; `BESIDE` may stand around them."""
BESIDE = """
ji, sir, madam, mam, maam, bhai, bhaiya, didi, dear, please, all, everyone, team, very, much
जी, सर, मैडम, भाई, भैया, दीदी, साहब, महोदय, महोदया, कृपया, सभी, को, आप, आपको
جی, سر, جناب, صاحب, بھائی, آپ
"""

ERASE = """
erase, erase me, erase my data, delete my data, delete my number
मिटाएँ, मिटाओ, मिटा दें, मिटा दो, मिटा दीजिए, मेरा नंबर मिटाएँ, मेरा नंबर मिटा दें, मेरा डेटा मिटा दें, मेरी जानकारी मिटा दें
mitao, mita do, mita den, mera number mita do, mera data mita do, mera data delete karo
مٹا دیں, میرا نمبر مٹا دیں
"""
"""Whole messages by which somebody asks to be erased from their voices."""
LONGEST_WISH = 60

BEHALF = (
    "की ओर से", "की और से", "की तरफ से", "के लिए लिख रहा हूँ", "के लिए लिख रही हूँ", "ki or se", "ki aur se",
    "ki taraf se", "ki tarf se", "on behalf of", "کی طرف سے", "کی جانب سے",
)  # fmt: skip
"""By which somebody says that the word is another person's, near the beginning."""
NEAR = 60
"""Letters within which it stands."""

_LINK = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)+/\S*", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\+?\d(?:[ \u00a0()-]?\d){9,13}(?!\d)")
ARABIC, DEVANAGARI = "ur", "hi"


def is_voice(text: str) -> bool:
    """Whether a message says something that somebody may have to answer."""
    said = bare(_LINK.sub(" ", text)).strip()
    letters = sum(unicodedata.category(one)[0] in "LN" for one in said)
    long_enough = len(said.split()) >= FEWEST_WORDS or letters >= FEWEST_LETTERS
    return long_enough and any(map(str.isalpha, said)) and not says_nothing(text)


def says_nothing(text: str) -> bool:
    """Whether a message is a mere greeting, a thank you, a link or a picture of joined hands."""
    said = bare(_LINK.sub(" ", text)).strip()
    polite, beside = _tables()
    shorter = " ".join(word for word in said.split() if word not in beside)
    return not said or said in polite or shorter in polite


def wants_erasure(text: str) -> bool:
    """Whether a whole message asks that number and name be erased."""
    return len(text) <= LONGEST_WISH and bare(text).strip() in _wishes()


@cache
def _wishes() -> frozenset[str]:
    return frozenset(bare(phrase).strip() for phrase in re.split("[,\n]", ERASE) if phrase.strip())


@cache
def _tables() -> tuple[frozenset[str], frozenset[str]]:
    beside = frozenset(bare(BESIDE.replace(",", " ")).split())
    polite = {bare(phrase).strip() for phrase in re.split("[,\n]", PLEASANTRIES)}
    shorter = {" ".join(word for word in phrase.split() if word not in beside) for phrase in polite}
    return frozenset(polite | shorter), beside


def language_of(text: str) -> str:
    """The language that the script of most of its letters stands for: `hi`, `ur` or `en`; Hindi for a text
    without letters."""
    scripts = {"hi": 0, "ur": 0, "en": 0}
    for one in text:
        if "\u0900" <= one <= "\u097f":
            scripts["hi"] += 1
        elif "\u0600" <= one <= "\u06ff" or "\u0750" <= one <= "\u077f" or "\ufb50" <= one <= "\ufdff":
            scripts["ur"] += 1
        elif one.isalpha():
            scripts["en"] += 1
    most = max(scripts, key=lambda language: scripts[language])
    return most if scripts[most] else "hi"


@dataclass(frozen=True)
class Behalf:
    """Whose word it is: `phone` (E.164) where the text names exactly one number beside it, else empty."""

    phone: str = ""


def behalf_of(text: str) -> Behalf | None:
    """What a text says of bringing somebody else's word; None when it says nothing of that."""
    begins = f" {bare(text[: NEAR * 2]).strip()} "
    if not any(bare(phrase) in begins[: NEAR + len(phrase)] for phrase in BEHALF):
        return None
    first_lines = "\n".join(text.splitlines()[:2])[: NEAR * 2]
    numbers = {phone for found in _NUMBER.findall(first_lines) if (phone := _phone(found))}
    return Behalf(numbers.pop() if len(numbers) == 1 else "")


def _phone(written: str) -> str:
    try:
        return clean_phone(written)
    except ValueError:
        return ""
