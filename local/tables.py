"""The template's tables on an engine, without the rest of the deployment: for tests and benches of stores."""

from __future__ import annotations

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


def create_tables(stage: str = STAGE) -> None:
    """Makes the template's tables, as far as CreateTable goes.

    Without their time to live: a test's clock stands in the past, and the engine would take away each minute
    what has long expired by its own.
    """
    dynamodb = boto3.client("dynamodb")
    for resource in template()["Resources"].values():
        if resource.get("Type") == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            name = properties["TableName"]["Fn::Sub"].replace("${Stage}", stage)
            wanted = {key: properties[key] for key in CREATE_TABLE if key in properties}
            if "StreamSpecification" in wanted:
                wanted["StreamSpecification"] = {"StreamEnabled": True} | wanted["StreamSpecification"]
            dynamodb.create_table(TableName=name, **wanted)
