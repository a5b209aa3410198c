"""No function of the deployment may take anything out of the audit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

POLICIES = sorted((Path(__file__).parents[2] / ".chalice").glob("policy-*.json"))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.stem)
def test_a_function_may_add_to_the_audit_and_read_it_and_no_more(policy):
    for statement in json.loads(policy.read_text())["Statement"]:
        if "AuditTable" in json.dumps(statement["Resource"]):
            adds = "dynamodb:PutItem" if policy.stem == "policy-seal_audit" else "dynamodb:UpdateItem"
            assert set(statement["Action"]) == {adds, "dynamodb:Query"}
