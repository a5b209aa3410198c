"""Deploying into the embedded AWS, again and again."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from local.deploy import DeployFailed, Options, chalice_package, deploy, lay_out, refuse_typeless
from local.engine import ROOT, Engine

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"])
HEALTH = {
    "requestContext": {"httpMethod": "GET", "resourcePath": "/healthz", "path": "/healthz", "identity": {}},
    "headers": {},
    "multiValueQueryStringParameters": None,
    "pathParameters": {},
    "stageVariables": {},
    "body": None,
}


def health(engine: Engine) -> str:
    """The status that the deployed /healthz answers."""
    functions = engine.client("lambda")
    names = [f["FunctionName"] for f in functions.list_functions()["Functions"]]
    [name] = [name for name in names if "-APIHandler-" in name]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(HEALTH))["Payload"].read()
    return str(json.loads(json.loads(answer)["body"])["status"])


def with_changed_code(packaged: Path, folder: Path, old: str, new: str) -> Path:
    """The same package with other words in system.py."""
    folder.mkdir()
    shutil.copy(packaged / "sam.yaml", folder)
    with (
        zipfile.ZipFile(packaged / "deployment.zip") as was,
        zipfile.ZipFile(folder / "deployment.zip", "w") as now,
    ):
        for name in was.namelist():
            content = was.read(name)
            now.writestr(
                name, content.replace(old.encode(), new.encode()) if name.endswith("system.py") else content
            )
    return folder


def test_a_second_deployment_changes_code_and_settings_and_keeps_data(packaged, tmp_path):
    with Engine(tmp_path / "engine") as engine:
        first = deploy(engine, packaged)
        assert health(engine) == "ok"
        item = {"pk": {"S": "kept"}, "sk": {"S": "-"}}
        engine.client("dynamodb").put_item(TableName="janjan-local-ops", Item=item)
        changed = with_changed_code(packaged, tmp_path / "changed", 'status="ok"', 'status="new"')
        second = deploy(engine, changed, Options(clock_file="/somewhere"))
        assert health(engine) == "new"
        assert (first["CLOCK_FILE"], second["CLOCK_FILE"]) == ("", "/somewhere")
        assert engine.client("dynamodb").scan(TableName="janjan-local-ops")["Items"] == [item]


def test_a_deployment_outlives_a_restart_of_the_engine_on_another_port(packaged, tmp_path):
    with Engine(tmp_path / "engine") as engine:
        first = deploy(engine, packaged)
    with Engine(tmp_path / "engine") as engine:
        assert health(engine) == "ok"
        again = deploy(engine, packaged)
        assert again["POOL_ID"] == first["POOL_ID"]


def test_time_to_live_is_set_on_every_table(packaged, tmp_path):
    with Engine(tmp_path / "engine") as engine:
        deploy(engine, packaged)
        dynamodb = engine.client("dynamodb")
        for table in dynamodb.list_tables()["TableNames"]:
            found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_the_sample_secret_is_in_place(packaged, tmp_path):
    with Engine(tmp_path / "engine") as engine:
        deploy(engine, packaged, Options(secret={"pepper": "p"}))
        value = engine.client("secretsmanager").get_secret_value(SecretId="janjan/local/platforms")
        assert json.loads(value["SecretString"]) == {"pepper": "p"}


def test_a_template_that_the_engine_refuses_is_an_error_with_its_reason(packaged, tmp_path):
    broken = with_changed_code(packaged, tmp_path / "broken", "", "")
    template = (broken / "sam.yaml").read_text().replace("AWS::SQS::QueuePolicy", "AWS::SQS::QueuePolice")
    (broken / "sam.yaml").write_text(template)
    with Engine(tmp_path / "engine") as engine, pytest.raises(DeployFailed, match="QueuePolice"):
        deploy(engine, broken)


def test_a_resource_without_a_type_is_refused_by_name(tmp_path):
    template = tmp_path / "sam.yaml"
    template.write_text("Resources:\n  Good: {Type: AWS::SQS::Queue}\n  SendChunkk: {Properties: {}}\n")
    with pytest.raises(DeployFailed, match="did not make: SendChunkk"):
        refuse_typeless(template)


def test_an_application_that_cannot_be_imported_is_an_error_with_its_reason(tmp_path):
    project = tmp_path / "project"
    lay_out(project, requirements="")
    (project / "app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(DeployFailed, match="nothing_of_that_name"):
        chalice_package(project, tmp_path / "out", "local")


def test_the_package_holds_all_of_the_application_and_no_compiled_leftovers(packaged):
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        names = archive.namelist()
    assert {"app.py", "chalicelib/__init__.py", "chalice/app.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    assert not [name for name in names if (ROOT / "tests") in Path(name).parents]
