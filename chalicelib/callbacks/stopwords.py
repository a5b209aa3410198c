"""STOP and START in the person's own words.

A whole message of at most four words that, folded, says stop (or start) in any of the languages, as
PROGRAMME.md defines it: "बंद करो" stops
"सड़क का काम बंद करें" is a voice. Words for the messages themselves
("मैसेज बंद करो"
"please stop") may stand beside; any other word makes it a sentence about something else.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal

MOST_WORDS = 4
LONGEST = 120
"""Characters; nobody says stop in more, and folding costs time."""

STOP = """
stop, stopp, stop all, stopall, stop it, unsubscribe, cancel, end, quit, opt out, optout, revoke
remove me, s t o p
do not message me, dont message me, do not send messages, dont send messages, no more messages, dont send
do not send
बंद, बंद करो, बंद करें, बंद करे, बंद कर दो, बंद कर दें, बंद कर दीजिए, बंद कीजिए, बंद करिए, बन्द, बन्द करो
बन्द करें, बन्द कर दो, बन्द कीजिए
रोको, रोकें, रोक दो, रोक दें, रोक दीजिए, रोकिए, बंद कीजिये, बंद कर दीजिये, मत भेजिये, मत भेजो, मत भेजें
मत भेजिए, न भेजें, न भेजो, ना भेजें, ना भेजो
नहीं भेजें, नहीं भेजो, स्टॉप, स्टाप
अनसब्सक्राइब, सदस्यता समाप्त, सदस्यता रद्द, मेरा नंबर हटाओ, मेरा नंबर हटा दो, मेरा नंबर हटाएं
band, band karo, band kro, band karen, band kare, band karein, band kar do, band kardo, band kar dein
band kijiye, band kariye
bandh karo, bnd kro, bnd karo, roko, roko ise, rok do, rokiye, mat bhejo, mat bheje, mat bhejen
mat bhejiye, na bhejo, na bheje
nahi bhejo, nahi bheje, mat bhejna, mera number hatao, mera number hata do
بند, بند کرو, بند کریں, بند کر دو, بند کر دیں, بند کیجیے, روکو, روکیں, روک دو, روک دیں, مت بھیجو
مت بھیجیں, نہ بھیجیں, نہ بھیجو, اسٹاپ, سٹاپ
বন্ধ, বন্ধ করুন, বন্ধ করো, বন্ধ কর, বন্ধ করে দিন, থামুন, থামান, থামাও, থামো, পাঠাবেন না, পাঠিও না
পাঠাবে না, স্টপ
বন্ধ কৰক, বন্ধ কৰা, বন্ধ কৰ, নপঠিয়াব, পঠিয়াব নালাগে, ষ্টপ
बंद करा, बंद कर, थांबा, थांबवा, थांबव, पाठवू नका, पाठवू नये, नको पाठवू
બંધ, બંધ કરો, બંધ કરી દો, બંધ કરશો, અટકાવો, રોકો, મોકલશો નહીં, મોકલશો નહિ, ન મોકલો, સ્ટોપ
நிறுத்து, நிறுத்தவும், நிறுத்துங்கள், நிறுத்துக, அனுப்ப வேண்டாம், அனுப்பாதே, அனுப்பாதீர்கள், அனுப்பாதீங்க
ஸ்டாப்
ఆపు, ఆపండి, ఆపేయండి, ఆపివేయండి, నిలిపివేయండి, నిలిపివేయి, పంపవద్దు, పంపకండి, పంపొద్దు, స్టాప్
ನಿಲ್ಲಿಸಿ, ನಿಲ್ಲಿಸು, ನಿಲ್ಲಿಸಿರಿ, ಕಳುಹಿಸಬೇಡಿ, ಕಳಿಸಬೇಡಿ, ಬಂದ್ ಮಾಡಿ, ಸ್ಟಾಪ್
നിർത്തുക, നിർത്തൂ, നിർത്തണം, നിറുത്തുക, അയക്കരുത്, അയയ്ക്കരുത്, സ്റ്റോപ്പ്
ਬੰਦ, ਬੰਦ ਕਰੋ, ਬੰਦ ਕਰ ਦਿਓ, ਬੰਦ ਕਰ ਦੋ, ਰੋਕੋ, ਨਾ ਭੇਜੋ, ਮਤ ਭੇਜੋ, ਸਟਾਪ
ବନ୍ଦ, ବନ୍ଦ କରନ୍ତୁ, ବନ୍ଦ କର, ପଠାନ୍ତୁ ନାହିଁ, ପଠାଅ ନାହିଁ, ଷ୍ଟପ୍
"""

START = """
start, start it, unstop, subscribe, resume, join, join again, opt in, optin, start again
शुरू, शुरु, शुरू करो, शुरू करें, शुरू करे, शुरू कर दो, शुरू कीजिए, शुरू करिए, शुरु करो, शुरु करें
शुरु कीजिए, फिर शुरू करो, फिर शुरू करें
फिर से शुरू करो, फिर से शुरू करें, दोबारा शुरू करो, दोबारा शुरू करें, पुनः शुरू करें, चालू, चालू करो
चालू करें, चालू कर दो, चालू कीजिए
प्रारंभ, प्रारंभ करें, आरंभ, आरंभ करें, स्टार्ट
shuru, shuru karo, shuru kro, shuru karen, shuru kare, shuru karein, shuru kar do, shuru kijiye
phir shuru karo, phir se shuru karo
fir se shuru karo, dobara shuru karo, chalu, chalu karo, chaalu karo, chalu kro, chalu karen, chalu kare
chalu kar do
شروع, شروع کرو, شروع کریں, شروع کر دیں, شروع کیجیے, دوبارہ شروع کریں, چالو, چالو کرو, چالو کریں, اسٹارٹ
শুরু, শুরু করুন, শুরু করো, শুরু কর, আবার শুরু করুন, চালু, চালু করুন, চালু করো, স্টার্ট
আৰম্ভ, আৰম্ভ কৰক, আৰম্ভ কৰা, আৰম্ভ কৰ, আকৌ আৰম্ভ কৰক, চালু কৰক, ষ্টাৰ্ট
सुरू, सुरु, सुरू करा, सुरु करा, सुरू कर, पुन्हा सुरू करा, चालू करा, प्रारंभ करा
શરૂ, શરૂ કરો, ફરી શરૂ કરો, ફરીથી શરૂ કરો, ચાલુ, ચાલુ કરો, સ્ટાર્ટ
தொடங்கு, தொடங்கவும், தொடங்குங்கள், மீண்டும் தொடங்கு, மீண்டும் தொடங்கவும், ஆரம்பி, ஆரம்பிக்கவும், ஸ்டார்ட்
ప్రారంభించు, ప్రారంభించండి, మళ్ళీ ప్రారంభించండి, మొదలుపెట్టు, మొదలుపెట్టండి, మొదలు పెట్టండి, స్టార్ట్
ಪ್ರಾರಂಭಿಸಿ, ಪ್ರಾರಂಭಿಸು, ಮತ್ತೆ ಪ್ರಾರಂಭಿಸಿ, ಆರಂಭಿಸಿ, ಶುರು ಮಾಡಿ, ಸ್ಟಾರ್ಟ್
തുടങ്ങുക, തുടങ്ങൂ, വീണ്ടും തുടങ്ങുക, ആരംഭിക്കുക, ആരംഭിക്കൂ, സ്റ്റാർട്ട്
ਸ਼ੁਰੂ, ਸ਼ੁਰੂ ਕਰੋ, ਦੁਬਾਰਾ ਸ਼ੁਰੂ ਕਰੋ, ਚਾਲੂ, ਚਾਲੂ ਕਰੋ, ਸਟਾਰਟ
ଆରମ୍ଭ, ଆରମ୍ଭ କରନ୍ତୁ, ଆରମ୍ଭ କର, ପୁଣି ଆରମ୍ଭ କରନ୍ତୁ, ଚାଲୁ କରନ୍ତୁ, ଷ୍ଟାର୍ଟ
"""

BESIDE = """
message, messages, msg, msgs, sms, sending, please, pls, plz, now, sir, ji, kripya, sandesh, mujhe, ye
yeh
मैसेज, मेसेज, मैसेजेस, संदेश, सन्देश, कृपया, प्लीज, जी, अब, मुझे, ये, यह, हे, इसे
میسج, پیغام, پیغامات, براہ کرم, مجھے, یہ
মেসেজ, বার্তা, দয়া করে, এটা, মেছেজ, বাৰ্তা, অনুগ্ৰহ কৰি, এইটো
મેસેજ, સંદેશ, સંદેશા, કૃપા કરીને, મહેરબાની
செய்தி, செய்திகள், செய்திகளை, மெசேஜ், தயவுசெய்து
మెసేజ్, మెసేజ్‌లు, సందేశం, సందేశాలు, దయచేసి
ಮೆಸೇಜ್, ಸಂದೇಶ, ಸಂದೇಶಗಳನ್ನು, ದಯವಿಟ್ಟು
മെസേജ്, സന്ദേശം, സന്ദേശങ്ങൾ, ദയവായി
ਮੈਸੇਜ, ਸੁਨੇਹਾ, ਸੁਨੇਹੇ, ਕਿਰਪਾ ਕਰਕੇ
ମେସେଜ୍, ବାର୍ତ୍ତା, ଦୟାକରି
"""
"""Words about the messages themselves, and politeness: they may stand beside a stop or a start."""

_NUKTA = "\u093c\u09bc\u0a3c\u0abc\u0b3c"
_DROPPED = dict.fromkeys(map(ord, _NUKTA + "'\u2019\u02bc\u0640"))
_SAME = str.maketrans(
    {
        "\u0901": "\u0902",  # chandrabindu as anusvara
        "\u0981": "\u0982",
        "\u0a81": "\u0a82",
        "\u0a01": "\u0a70",
        "\u0a02": "\u0a70",
        "\u0b01": "\u0b02",
        "\u064a": "\u06cc",  # Arabic keyboards' letters as Urdu's
        "\u0649": "\u06cc",
        "\u0643": "\u06a9",
        "\u0647": "\u06c1",
        "\u0d7a": "\u0d23\u0d4d",  # Malayalam chillu letters as consonant and virama, their older spelling
        "\u0d7b": "\u0d28\u0d4d",
        "\u0d7c": "\u0d30\u0d4d",
        "\u0d7d": "\u0d32\u0d4d",
        "\u0d7e": "\u0d33\u0d4d",
        "\u0d7f": "\u0d15\u0d4d",
    }
)
_ABOVE_AND_BELOW = 200
"""Canonical combining classes from here on are accents; vowel signs and virama of Indic scripts lie below."""
_STRETCHED = re.compile(r"(.)\1{2,}")


def fold(text: str) -> str:
    """`text` without what typing adds: case, accents, nukta, joiners, emoji, punctuation, stretched
    letters."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_DROPPED)
    kept = unicodedata.normalize("NFC", "".join(_kept(c) for c in plain)).translate(_DROPPED).translate(_SAME)
    return " ".join(_STRETCHED.sub(r"\1", kept).split())


def _kept(character: str) -> str:
    kind = unicodedata.category(character)
    arabic_vowel = kind == "Mn" and "\u064b" <= character <= "\u0670"
    accent = unicodedata.combining(character) >= _ABOVE_AND_BELOW
    emoji_style = "\ufe00" <= character <= "\ufe0f"
    if kind == "Cf" or arabic_vowel or accent or emoji_style:  # Cf: joiners and directions
        return ""
    return character if kind[0] in "LMN" else " "


def meaning_of(text: str) -> Literal["stop", "start"] | None:
    """What a whole message says about the messages that we send; None when it is about anything else."""
    if len(text) > LONGEST:
        return None
    stop, start, beside = _tables()
    said = fold(text).split()
    if len(said) > MOST_WORDS:
        return None
    for words in (" ".join(said), " ".join(word for word in said if word not in beside)):
        if words in stop:
            return "stop"
        if words in start:
            return "start"
    return None


@cache
def _tables() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    return _phrases(STOP), _phrases(START), frozenset(fold(BESIDE.replace(",", " ")).split())


def _phrases(table: str) -> frozenset[str]:
    return frozenset(fold(phrase) for phrase in re.split("[,\n]", table) if phrase.strip())
