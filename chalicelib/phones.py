"""Mobile numbers as people in India write them, to E.164."""

from __future__ import annotations

import re

from chalicelib.names import plain_digits, refuse

REGION = "IN"
LONGEST = 40
INDIAN = re.compile(r"(\+91)?([0-9*]{5})([0-9*]{5})")


def clean_phone(text: str) -> str:
    """The number in E.164 (`+918123456789`). Raises PydanticCustomError for what is no mobile number.

    Takes digits of any script, blanks, hyphens, brackets, +91, 91, 0 and 00 in front. A number that the
    library knows as fixed *or* mobile is taken: the code that is sent to it decides. What a spreadsheet has
    made of a number (8123456789.0, 8.1E+09) is refused, since digits may be lost.
    """
    import phonenumbers
    from phonenumbers import PhoneNumberType

    typed = plain_digits(text)
    if len(typed) > LONGEST or any(c.isalpha() for c in typed):
        raise _not_a_number()
    try:
        number = phonenumbers.parse(typed, REGION)
    except phonenumbers.NumberParseException:
        raise _not_a_number() from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise _not_a_number()
    if phonenumbers.number_type(number) not in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        raise refuse(
            "phone_not_mobile", "This is not a mobile number. Please give the mobile number you use."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _not_a_number() -> Exception:
    return refuse("phone_invalid", "Please give a mobile number with 10 digits, such as 81234 56789.")


def masked(phone: str) -> str:
    """What lists show: `+91******6789`."""
    return phone[:3] + "*" * max(0, len(phone) - 7) + phone[-4:] if phone else ""


def readable(phone: str) -> str:
    """A number in E.164, masked or not, or of ten digits, in groups as people read it: `+91 81234 56789`.
    What is no such number stays as it is."""
    if found := INDIAN.fullmatch(phone):
        return " ".join(part for part in found.groups() if part)
    if not phone.startswith("+") or "*" in phone:
        return phone
    import phonenumbers

    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
