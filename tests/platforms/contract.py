"""What every adapter must satisfy. Subclass as `Test…`: which adapter, how to sign; inherit the tests."""

import hashlib
import importlib
import json
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from chalicelib.errors import SignatureInvalid
from chalicelib.platforms.base import Call
from chalicelib.platforms.payload import fingerprint
from chalicelib.platforms.registry import ADAPTERS
from tests.platforms import golden

BODY = b'{"a": 1}'


def of(platform):
    """The contract that the platform's own tests fill in: how it signs, what its secret holds."""
    module = importlib.import_module(f"tests.platforms.test_{platform}")
    (found,) = (
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, PlatformContract) and one.name == platform
    )
    return found()


class PlatformContract:
    name = ""
    secret_field = ""

    def sign(self, body, secret="current"):
        """The headers, names in lower case, with which the platform posts `body`."""
        raise NotImplementedError

    def signed(self, body, secret="current"):
        """The whole call; where more is signed than headers show, this is what to override."""
        return Call(self.sign(body, secret), body)

    def unsigned(self, body):
        """The same call without what proves it."""
        return Call({}, body)

    def garbled(self, body, garbled):
        """The same call with this in place of what proves it."""
        return Call(dict.fromkeys(self.sign(body), garbled), body)

    def respelled(self, body):
        """The same content spelled otherwise."""
        return json.dumps(json.loads(body), sort_keys=True).encode()

    @property
    def adapter(self):
        return ADAPTERS[self.name]

    def secrets(self, value="current"):
        return {self.secret_field: value}

    def test_a_good_signature_passes(self):
        self.adapter.verify(self.secrets(), self.signed(BODY))

    def test_a_missing_signature_is_refused(self):
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), self.unsigned(BODY))

    @pytest.mark.parametrize("garbled", ["", "é,,=", "sha256=", "sha256=zz", "\ud800", "current\x00", "None"])
    def test_a_garbled_signature_is_refused_and_does_not_crash(self, garbled):
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), self.garbled(BODY, garbled))

    def test_the_signature_of_another_secret_is_refused(self):
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(), self.signed(BODY, "wrong"))

    @pytest.mark.parametrize("used", ["current", "previous"])
    def test_both_secrets_of_a_rotation_pass(self, used):
        self.adapter.verify(self.secrets(["current", "previous"]), self.signed(BODY, used))

    def test_an_older_secret_than_the_rotation_is_refused(self):
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.secrets(["current", "previous"]), self.signed(BODY, "oldest"))

    @pytest.mark.parametrize("missing", [None, "", [], [""], [None], 7, {}])
    def test_without_a_configured_secret_everything_is_refused(self, missing):
        for call in (self.signed(BODY, ""), self.signed(BODY), self.unsigned(BODY)):
            with pytest.raises(SignatureInvalid):
                self.adapter.verify(self.secrets(missing), call)
        with pytest.raises(SignatureInvalid):
            self.adapter.verify({}, self.signed(BODY, ""))

    def test_there_are_samples_and_each_has_its_known_outcome(self):
        known = golden.known(self.name)
        assert {sample.stem for sample in golden.samples(self.name)} == set(known) != set()

    def test_every_sample_parses_to_its_known_outcome(self):
        known = golden.known(self.name)
        for sample in golden.samples(self.name):
            assert golden.outcome(self.name, sample.read_bytes()) == known[sample.stem], sample.stem

    def test_every_sample_repeats_its_ids_whatever_its_spelling(self):
        for sample in golden.samples(self.name):
            body = sample.read_bytes()
            first, again = self.adapter.parse(body), self.adapter.parse(self.respelled(body))
            assert {u.dedupe_id for u in first} == {u.dedupe_id for u in again}, sample.stem

    def test_different_updates_have_different_ids(self):
        ids = {}
        for sample in golden.samples(self.name):
            for update in self.adapter.parse(sample.read_bytes()):
                same = ids.setdefault(update.dedupe_id, update)
                assert same == update, sample.stem

    def test_no_id_shows_an_address(self):
        for sample in golden.samples(self.name):
            for update in self.adapter.parse(sample.read_bytes()):
                platform, _, digest = update.dedupe_id.partition(":")
                assert platform == self.name
                assert len(digest) == 32
                int(digest, 16)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"\xff\xfe", b"NaN", b'{"a": Infinity}', b"[" * 5000, b'"' + b"x" * 10, b"9" * 5000],
    )
    def test_what_is_not_json_is_kept_as_unknown_with_its_bytes(self, body):
        (update,) = self.adapter.parse(body)
        assert (type(update).__name__, update.kind) == ("Unknown", "unreadable")
        assert update.raw == body.decode("utf-8", "backslashreplace")
        assert update.dedupe_id == fingerprint(self.name, "body", hashlib.sha256(body).hexdigest())
        assert self.adapter.parse(body) == [update]
        assert self.adapter.parse(body + b" ") != [update]

    @pytest.mark.parametrize("body", [b"null", b"7", b'"x"', b"[]", b"{}", b"[[1]]", b"true"])
    def test_json_that_is_no_update_is_unknown(self, body):
        (update,) = self.adapter.parse(body)
        assert (type(update).__name__, update.kind) == ("Unknown", "empty")
        assert update.raw == json.loads(body)
        assert update.dedupe_id.startswith(f"{self.name}:")


class FormContract(PlatformContract):
    """The same for a platform that posts forms."""

    def respelled(self, body):
        """In another order, with other escapes."""
        try:
            return super().respelled(body)
        except ValueError:
            pairs = parse_qsl(body.decode(), keep_blank_values=True)
            return urlencode(sorted(pairs), quote_via=quote).encode()
