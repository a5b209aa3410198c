"""The `tables` fixture, and what the template says of every table."""

import boto3

NAMES = [
    "ambassadors",
    "audit",
    "campaigns",
    "coverage",
    "departments",
    "directory",
    "groups",
    "ledger",
    "ops",
    "people",
    "policies",
    "posts",
    "roster",
    "tallies",
    "turnout",
    "voices",
]


def test_every_table_of_the_plan_is_made(tables):
    assert boto3.client("dynamodb").list_tables()["TableNames"] == [f"janjan-local-{name}" for name in NAMES]
