"""The template's tables on an engine, without the rest of the deployment: for tests and benches of stores."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from chalice.package import YAMLTemplateSerializer

from local.engine import ROOT

STAGE = "local"
CREATE_TABLE = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "StreamSpecification",
)


@cache
def template() -> dict[str, Any]:
    """infra/template.yaml, read."""
    path = Path(ROOT, "infra", "template.yaml")
    loaded: dict[str, Any] = YAMLTemplateSerializer().load_template(path.read_text(), str(path))
    return loaded


def definitions(stage: str = STAGE) -> Iterator[dict[str, Any]]:
    """What CreateTable is asked for, table by table.

    Without their time to live: a test's clock stands in the past, and the engine would take away each minute
    what has long expired by its own.
    """
    for resource in template()["Resources"].values():
        if resource.get("Type") == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            name = properties["TableName"]["Fn::Sub"].replace("${Stage}", stage)
            wanted = {key: properties[key] for key in CREATE_TABLE if key in properties}
            if "StreamSpecification" in wanted:
                wanted["StreamSpecification"] = {"StreamEnabled": True} | wanted["StreamSpecification"]
            yield {"TableName": name} | wanted


def create_tables(stage: str = STAGE) -> None:
    """Makes the template's tables, as far as CreateTable goes, where this process's environment points."""
    dynamodb = boto3.client("dynamodb")
    for wanted in definitions(stage):
        dynamodb.create_table(**wanted)
