"""One tree of errors: its two branches say whether the same call may be tried again."""

from __future__ import annotations

import dataclasses


class JanJanError(Exception):
    """Any error that JanJan raises on purpose.

    `code` is stable and for machines; `message` is an English sentence with `%(name)s` places, translated
    when it is shown, filled from `params`.
    """

    status = 500
    code = "internal"
    message = "Something went wrong on our side. Nothing was changed; please try again."

    def __init__(self, message: str | None = None, /, **params: object) -> None:
        self.message = message or type(self).message
        self.params = params
        super().__init__(self.message % params if params else self.message)


class Rejected(JanJanError):
    """The same call will fail again: it is never retried."""

    status = 400
    code = "rejected"


class Transient(JanJanError):
    """The same call may succeed later: it is retried. `retry_after_s` is the least wait, in seconds."""

    status = 503
    code = "unavailable"
    message = "The service is busy. Please try again in a moment."

    def __init__(self, message: str | None = None, /, retry_after_s: float = 1.0, **params: object) -> None:
        super().__init__(message, **params)
        self.retry_after_s = retry_after_s


class OnHold(Transient):
    """Staff have stopped this way of sending: waiting is no failure, ask again until the stop is lifted."""

    code = "on_hold"
    message = "Sending is stopped here for now."


@dataclasses.dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: its path (`handles.0.handle`), a stable code, an English sentence to
    translate."""

    field: str
    code: str
    message: str
    params: dict[str, object] = dataclasses.field(default_factory=dict)


class InvalidInput(Rejected):
    """Input that breaks a rule, with every broken field at once."""

    status = 422
    code = "invalid_input"
    message = "Some fields need to be corrected."

    def __init__(self, errors: list[FieldError], message: str | None = None) -> None:
        super().__init__(message)
        self.errors = errors

    @classmethod
    def of(cls, name: str, code: str, message: str, **params: object) -> InvalidInput:
        """The error of a single field."""
        return cls([FieldError(name, code, message, params)])


class MalformedBody(Rejected):
    code = "malformed_body"
    message = "The body is not valid JSON in UTF-8."


class TooLarge(Rejected):
    """More than one request takes; nothing of it was done."""

    status = 413
    code = "too_large"
    message = "This is more than one request can hold: nothing of it was taken."


class Unauthenticated(Rejected):
    status = 401
    code = "unauthenticated"
    message = "Please sign in."


class Forbidden(Rejected):
    status = 403
    code = "forbidden"
    message = "Your role does not allow this."


class OtherDepartment(Forbidden):
    code = "other_department"
    message = "You may not work for this department."


class NotFound(Rejected):
    status = 404
    code = "not_found"
    message = "There is nothing at this address."


class Conflict(Rejected):
    status = 409
    code = "conflict"
    message = "This cannot be done in the present state."


class TooManyRequests(Rejected):
    """A limit on how often; `retry_after_s` in seconds."""

    status = 429
    code = "too_many_requests"
    message = "Too many tries. Please wait and try again."

    def __init__(self, message: str | None = None, /, retry_after_s: int = 60, **params: object) -> None:
        super().__init__(message, **params)
        self.retry_after_s = retry_after_s


class SignatureInvalid(Rejected):
    """A webhook whose signature is missing, garbled or wrong."""

    status = 401
    code = "signature_invalid"
    message = "The signature does not match."


class PlatformOff(NotFound):
    code = "platform_off"
    message = "The platform %(platform)s has no secret in this deployment: it is switched off."
