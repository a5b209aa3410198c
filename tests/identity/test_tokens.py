"""Id tokens: ours are read, everything else is refused."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from chalicelib.clock import FixedClock
from chalicelib.errors import Transient, Unauthenticated
from chalicelib.identity.tokens import LEEWAY_S, REFRESH_AT_MOST_EVERY_S, Keys, Pool, Tokens, fetch

NOW = 1_800_000_000
POOL = Pool("ap-south-1_Sample", "client-1")
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(key=OURS, kid="k1", alg="RS256") -> dict:
    return json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": alg, "use": "sig"}


class Issuer:
    """Hands out its keys and counts how often; `ticks` is the monotonic clock."""

    def __init__(self, *keys) -> None:
        self.keys, self.reads, self.ticks, self.down = list(keys), 0, 0.0, False

    def fetch(self, url: str) -> dict:
        assert url == POOL.keys_url
        self.reads += 1
        if self.down:
            raise Transient
        return {"keys": self.keys}

    def tokens(self, at: int = NOW) -> Tokens:
        keys = Keys(POOL.keys_url, self.fetch, lambda: self.ticks)
        return Tokens(POOL, keys, FixedClock(at=datetime.fromtimestamp(at, UTC)))


def claims(**other) -> dict:
    made = {
        "sub": "u1",
        "iss": POOL.issuer,
        "aud": "client-1",
        "token_use": "id",
        "iat": NOW - 10,
        "exp": NOW + 3600,
        "name": "आशा",
        "email": "asha@sample.test",
        "cognito:groups": ["coordinator", "some-other-group"],
        "custom:areas": "D9001 D9002-B1",
        "custom:departments": "health",
    } | other
    return {name: value for name, value in made.items() if value is not None}


def signed(key=OURS, kid="k1", alg="RS256", **other) -> str:
    return jwt.encode(claims(**other), key, algorithm=alg, headers={"kid": kid})


def test_a_good_token_says_who_calls():
    who = Issuer(jwk()).tokens().principal(signed())
    assert (who.id, who.name, who.email) == ("u1", "आशा", "asha@sample.test")
    assert who.roles == {"coordinator"}
    assert who.areas == {"D9001", "D9002-B1"}
    assert who.departments == {"health"}


def test_a_user_without_groups_has_no_roles():
    assert Issuer(jwk()).tokens().principal(signed(**{"cognito:groups": None})).roles == frozenset()


@pytest.mark.parametrize(
    "other",
    [
        {"aud": "client-2"},
        {"aud": ["client-1", "client-2"]},
        {"aud": None},
        {"iss": "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_Other"},
        {"iss": None},
        {"token_use": "access"},
        {"token_use": None},
        {"sub": None},
        {"exp": None},
        {"exp": NOW - LEEWAY_S},
        {"exp": "never"},
        {"iat": None},
        {"iat": NOW + LEEWAY_S + 1},
        {"iat": "now"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(other):
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(signed(**other))


def test_a_little_difference_between_clocks_is_allowed():
    Issuer(jwk()).tokens().principal(signed(exp=NOW - LEEWAY_S + 1))
    Issuer(jwk()).tokens().principal(signed(iat=NOW + LEEWAY_S))


def test_a_token_signed_with_a_foreign_key_under_our_key_id_is_refused():
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(signed(FOREIGN))


def test_a_token_without_signature_is_refused():
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(signed(None, alg="none"))


def test_a_token_signed_symmetrically_with_the_public_key_as_the_secret_is_refused():
    secret = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = urlsafe_b64encode(b'{"alg": "HS256", "kid": "k1", "typ": "JWT"}').rstrip(b"=")
    body = head + b"." + signed().split(".")[1].encode()
    mac = urlsafe_b64encode(hmac.digest(secret, body, "sha256")).rstrip(b"=")
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal((body + b"." + mac).decode())


def test_another_rsa_algorithm_is_refused():
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(signed(alg="RS512"))


def test_a_key_that_is_meant_for_another_algorithm_is_not_used():
    with pytest.raises(Unauthenticated):
        Issuer(jwk(alg="PS256")).tokens().principal(signed())


def test_a_token_whose_payload_was_exchanged_is_refused():
    head, _, signature = signed().split(".")
    payload = signed(**{"cognito:groups": ["admin"]}).split(".")[1]
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(f"{head}.{payload}.{signature}")


def test_a_token_without_a_key_id_is_refused():
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(jwt.encode(claims(), OURS, algorithm="RS256"))


@given(st.text(max_size=60) | st.text(alphabet="eyJ.abc_-=", max_size=60))
def test_whatever_is_no_token_is_refused(text):
    with pytest.raises(Unauthenticated):
        Issuer(jwk()).tokens().principal(text)


def test_a_very_long_token_is_refused_unread():
    issuer = Issuer(jwk())
    with pytest.raises(Unauthenticated):
        issuer.tokens().principal(signed(name="a" * 8000))
    assert issuer.reads == 0


def test_the_keys_are_read_once_for_many_tokens():
    issuer = Issuer(jwk())
    tokens = issuer.tokens()
    for _ in range(3):
        tokens.principal(signed())
    assert issuer.reads == 1


def test_a_new_key_is_found_when_its_first_token_comes():
    issuer = Issuer(jwk())
    tokens = issuer.tokens()
    tokens.principal(signed())
    issuer.keys.append(jwk(FOREIGN, "k2"))
    issuer.ticks += REFRESH_AT_MOST_EVERY_S
    assert tokens.principal(signed(FOREIGN, "k2")).id == "u1"


def test_unknown_key_ids_make_us_read_at_most_once_in_30_seconds():
    issuer = Issuer(jwk())
    tokens = issuer.tokens()
    for number in range(50):
        with pytest.raises(Unauthenticated):
            tokens.principal(signed(FOREIGN, f"unknown-{number}"))
    assert issuer.reads == 1
    issuer.ticks += REFRESH_AT_MOST_EVERY_S
    with pytest.raises(Unauthenticated):
        tokens.principal(signed(FOREIGN, "unknown"))
    assert issuer.reads == 2


def test_keys_that_we_have_stay_good_while_the_issuer_is_down():
    issuer = Issuer(jwk())
    tokens = issuer.tokens()
    tokens.principal(signed())
    issuer.down, issuer.ticks = True, 100.0
    with pytest.raises(Transient):
        tokens.principal(signed(FOREIGN, "k2"))
    with pytest.raises(Unauthenticated):
        tokens.principal(signed(FOREIGN, "k2"))
    assert tokens.principal(signed()).id == "u1"
    assert issuer.reads == 2


def test_without_any_key_every_token_tries_again():
    issuer = Issuer()
    tokens = issuer.tokens()
    for _ in range(2):
        with pytest.raises(Transient):
            tokens.principal(signed())
    issuer.keys.append(jwk())
    assert tokens.principal(signed()).id == "u1"


def test_the_keys_lie_at_the_issuer_and_on_a_laptop_at_the_engine():
    assert POOL.keys_url == POOL.issuer + "/.well-known/jwks.json"
    laptop = Pool("ap-south-1_Sample", "client-1", "http://127.0.0.1:4566/")
    assert laptop.keys_url == "http://127.0.0.1:4566/ap-south-1_Sample/.well-known/jwks.json"
    assert laptop.issuer == POOL.issuer


def test_an_issuer_that_does_not_answer_is_a_reason_to_try_again(monkeypatch):
    import urllib3

    def refuse(*_, **__):
        raise urllib3.exceptions.ConnectTimeoutError

    monkeypatch.setattr(urllib3, "request", refuse)
    with pytest.raises(Transient):
        fetch("http://127.0.0.1:9/keys")


@pytest.mark.parametrize(("status", "body"), [(503, b"{}"), (200, b"<html>")])
def test_an_answer_that_is_no_key_set_is_a_reason_to_try_again(monkeypatch, status, body):
    import urllib3

    monkeypatch.setattr(urllib3, "request", lambda *_, **__: urllib3.HTTPResponse(body, status=status))
    with pytest.raises(Transient):
        fetch("http://127.0.0.1:9/keys")
