"""Each packaged handler, in a fresh process as Lambda starts it, runs behind the middleware of app.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest

from tests.infra.conftest import of_type

HANDLERS = [
    "app",
    "fold_coverage",
    "follow_accounts",
    "forget_posts",
    "keep_ambassadors",
    "launch_due",
    "measure_due",
    "plan_run",
    "process_callbacks",
    "publish_events",
    "run_import",
    "seal_audit",
    "send_chunk",
    "send_service",
    "send_webhooks",
    "tend_voices",
    "weigh_posts",
    "welcome",
]
# A last middleware stops before the handler's own work; write_metrics of app.py must have run around it.
CALL = """
import importlib, json, sys
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
import app
from chalicelib import telemetry
from chalice.app import Response
seen = []
telemetry.flush = lambda: seen.append("app.py")
def stop(event, get_response):
    seen.append("handler")
    return Response({})
app.app.register_middleware(stop, "all")
class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "x"
handler(json.loads(sys.argv[2]), Context())
print(*seen)
"""
HTTP = {
    "requestContext": {"httpMethod": "GET", "resourcePath": "/healthz", "path": "/healthz", "identity": {}},
    "headers": {},
    "multiValueQueryStringParameters": None,
    "pathParameters": {},
    "stageVariables": {},
    "body": None,
}
BUS = dict.fromkeys(
    ["version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources"]
)
EVENTS = {
    "app": HTTP,
    "follow_accounts": BUS,
    "forget_posts": BUS,
    "keep_ambassadors": BUS,
    "launch_due": BUS,
    "measure_due": BUS,
    "seal_audit": BUS,
    "tend_voices": BUS,
    "weigh_posts": BUS,
    "welcome": BUS,
}


@pytest.fixture(scope="session")
def unzipped(packaged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(folder)
    return folder


def test_the_packaged_handlers_are_those_known_here(resources):
    functions = of_type(resources, "AWS::Serverless::Function").values()
    assert sorted(f["Handler"] for f in functions) == [f"app.{name}" for name in HANDLERS]


@pytest.mark.parametrize("name", HANDLERS)
def test_the_handler_runs_behind_the_middleware_of_app(name, unzipped):
    done = subprocess.run(
        [sys.executable, "-c", CALL, f"app.{name}", json.dumps(EVENTS.get(name, {"Records": []}))],
        cwd=unzipped,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "ap-south-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["handler app.py"], done.stderr
