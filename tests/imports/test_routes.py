"""Imports over HTTP, with a file in the bucket."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from chalice.test import Client

import app as front_door
from chalicelib import http, wiring
from tests.conftest import use_environment
from tests.imports.world import ADMIN, COORDINATOR, Numbers
from tests.influencers.test_routes import Api, KnownStaff
from tests.metrics.test_measuring import post_form

FILE = "code,name\n1,क\n1,ख\nx,ग\n".encode()
ASKED = {"kind": "areas", "sha256": hashlib.sha256(FILE).hexdigest(), "bytes": len(FILE)}


@pytest.fixture
def kind(tables, monkeypatch) -> Numbers:
    boto3.client("s3").create_bucket(
        Bucket="files", CreateBucketConfiguration={"LocationConstraint": boto3.client("s3").meta.region_name}
    )
    url = boto3.client("sqs").create_queue(QueueName="janjan-local-imports")["QueueUrl"]
    use_environment({"BUCKET": "files", "IMPORTS_QUEUE_URL": url})
    numbers = Numbers()
    monkeypatch.setattr(wiring, "import_kinds", lambda: {"areas": lambda: numbers, "groups": lambda: numbers})
    return numbers


@pytest.fixture
def api(kind, monkeypatch) -> Iterator[Api]:
    monkeypatch.setattr(http._doors[0], "gate", KnownStaff)
    with Client(front_door.app) as client:
        yield Api(client)


def serve() -> None:
    """Hands what is on the queue to its function, as Lambda would."""
    sqs, url = boto3.client("sqs"), wiring.import_runner().queue.url
    for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
        record = {
            "messageId": message["MessageId"],
            "body": message["Body"],
            "receiptHandle": message["ReceiptHandle"],
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:ap-south-1:000000000000:janjan-local-imports",
            "awsRegion": "ap-south-1",
        }
        context = SimpleNamespace(
            aws_request_id="r",
            function_name="run_import",
            memory_limit_in_mb=512,
            invoked_function_arn="arn:aws:lambda:ap-south-1:000000000000:function:x",
            get_remaining_time_in_millis=lambda: 120_000,
        )
        assert front_door.run_import({"Records": [record]}, context) == {"batchItemFailures": []}


def test_a_file_is_posted_to_the_bucket_started_and_told_about(api, kind):
    status, made = api("POST", "/v1/imports", ASKED, "admin")
    assert (status, made["status"], made["errors_url"]) == (201, "created", None)
    status, problem = api("POST", f"/v1/imports/{made['id']}/start", {}, "admin")
    assert (status, problem["detail"]) == (409, "The file has not been uploaded yet, or is gone.")
    assert post_form(made["upload"]["url"], made["upload"]["fields"], FILE) < 300
    assert api("POST", f"/v1/imports/{made['id']}/start", {}, "admin")[1]["status"] == "queued"
    serve()
    status, job = api("GET", f"/v1/imports/{made['id']}", None, "admin")
    assert (job["status"], job["read"], job["accepted"], job["rejected"], job["duplicates"]) == (
        "finished",
        3,
        1,
        1,
        1,
    )
    assert job["diff"] == {"new": 1, "changed": 0, "same": 0}
    assert kind.stored == {"1": "क"}
    with urllib.request.urlopen(job["errors_url"], timeout=60) as answer:
        told = answer.read().decode("utf-8-sig").splitlines()
    assert told[0] == "row,column,code,reason_en,reason_hi"
    assert [line.split(",")[0] for line in told[1:]] == ["3", "4"]
    assert [one["id"] for one in api("GET", "/v1/imports", None, "admin")[1]["items"]] == [made["id"]]


def test_a_repeated_write_gets_the_same_job_and_a_form_that_nobody_has_kept(api):
    made = api("POST", "/v1/imports", ASKED, "admin", Idempotency_Key="once")[1]
    status, again = api("POST", "/v1/imports", ASKED, "admin", Idempotency_Key="once")
    assert (status, again["id"]) == (201, made["id"])
    assert post_form(again["upload"]["url"], again["upload"]["fields"], FILE) < 300
    kept = boto3.client("dynamodb").scan(TableName="janjan-local-ops")["Items"]
    assert made["upload"]["fields"]["policy"] not in json.dumps(kept)
    assert len(api("GET", "/v1/imports", None, "admin")[1]["items"]) == 1


def test_the_form_takes_no_larger_file_than_was_announced(api):
    made = api("POST", "/v1/imports", ASKED | {"bytes": 10}, "admin")[1]
    conditions = json.loads(__import__("base64").b64decode(made["upload"]["fields"]["policy"]).decode())[
        "conditions"
    ]
    assert ["content-length-range", 1, 10] in conditions


def test_why_a_job_failed_is_told_in_the_asked_language(api):
    bad = b"name\nx\n"
    asked = ASKED | {"sha256": hashlib.sha256(bad).hexdigest(), "bytes": len(bad)}
    made = api("POST", "/v1/imports", asked, "admin")[1]
    post_form(made["upload"]["url"], made["upload"]["fields"], bad)
    api("POST", f"/v1/imports/{made['id']}/start", {}, "admin")
    serve()
    english = api("GET", f"/v1/imports/{made['id']}", None, "admin")[1]
    hindi = api("GET", f"/v1/imports/{made['id']}", None, "admin", Accept_Language="hi")[1]
    assert english["status"] == "failed"
    assert english["failure"]["errors"][0]["field"] == "code"
    assert "name" in english["failure"]["errors"][0]["message"]
    assert english["failure"]["errors"][0]["message"] != hindi["failure"]["errors"][0]["message"]


def test_anothers_job_is_not_there_for_a_coordinator(api):
    made = api("POST", "/v1/imports", ASKED, "admin")[1]
    assert api("GET", f"/v1/imports/{made['id']}", None, "one")[0] == 404
    assert api("POST", f"/v1/imports/{made['id']}/start", {}, "one")[0] == 404
    assert api("GET", "/v1/imports", None, "one")[1] == {"items": [], "next": None}
    assert api("POST", "/v1/imports", ASKED, "one")[0] == 403
    assert api("POST", "/v1/imports", ASKED | {"kind": "groups"}, "one")[0] == 201
    assert api("POST", "/v1/imports", ASKED, "editor")[0] == 403
    assert (ADMIN.id, COORDINATOR.id) == ("usr_admin", "usr_one")
