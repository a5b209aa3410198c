"""`make token`: a token and nothing else, or one clear line."""

from __future__ import annotations

import json

import pytest

from chalicelib import wiring
from local import token


@pytest.fixture
def running(office, tmp_path, monkeypatch):
    """As with `make run` up."""
    (tmp_path / "env.json").write_text(json.dumps(office.env))
    monkeypatch.setattr(token, "ENVIRONMENT", tmp_path / "env.json")


def test_it_prints_the_token_of_the_named_user_and_nothing_else(running, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["token", "coordinator-a@sample.test"])
    assert token.main() == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    assert wiring.gate().principal(printed.out.strip()).areas == {"D9001"}


def test_it_takes_the_user_from_the_environment(running, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["token"])
    monkeypatch.setenv("USER", "auditor@sample.test")
    assert token.main() == 0


def test_an_unknown_user_gets_one_line_that_names_the_known_ones(running, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["token", "root"])
    assert token.main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "coordinator-b@sample.test" in printed.err


def test_without_a_deployment_it_says_what_is_missing_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(token, "ENVIRONMENT", tmp_path / "env.json")
    monkeypatch.setattr("sys.argv", ["token", "admin@sample.test"])
    assert token.main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "is `make run` up?" in printed.err
    assert printed.err.count("\n") == 1
