"""The demo's settings. Its way from signup to report is in tests/e2e."""

import sys

import pytest

from local.demo import BadSetting, Settings, main


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    def ask(*arguments: str, **environment: str) -> Settings:
        monkeypatch.setattr(sys, "argv", ["demo", *arguments])
        for name in ("RECIPIENTS", "BEHAVIOUR", "AREAS"):
            monkeypatch.setenv(name, environment.get(name, ""))
        return Settings.asked()

    return ask


def test_what_is_not_said_is_200_recipients_without_faults_on_the_invented_ground(asked):
    assert asked() == asked("--recipients", "", "--behaviour", "", "--areas", "") == Settings(200, {}, None)


def test_settings_come_from_the_environment_or_the_command_line(asked, tmp_path):
    (tmp_path / "admin_states.csv").touch()
    wanted = Settings(50, {"fail": 0.1}, tmp_path)
    assert asked(RECIPIENTS="50", BEHAVIOUR='{"fail": 0.1}', AREAS=str(tmp_path)) == wanted
    assert asked("--recipients", "50", "--behaviour", '{"fail": 0.1}', "--areas", str(tmp_path)) == wanted


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"RECIPIENTS": "many"}, "RECIPIENTS is a number"),
        ({"RECIPIENTS": "0"}, "RECIPIENTS is 1 to"),
        ({"BEHAVIOUR": "fail"}, "BEHAVIOUR a JSON object"),
        ({"BEHAVIOUR": "[]"}, "BEHAVIOUR a JSON object"),
        ({"BEHAVIOUR": '{"oops": 1}'}, "unknown behaviour: oops"),
        ({"AREAS": "nowhere"}, "no admin_states.csv in nowhere"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_before_anything_starts(
    asked, capsys, environment: dict[str, str], complaint: str
):
    with pytest.raises(BadSetting, match=complaint):
        asked(**environment)
    assert main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint.split(maxsplit=1)[0] in said.err
