"""The streams of tables as Lambda hands them over, read from the engine itself."""

from __future__ import annotations

import random
from typing import Any

import boto3

from chalicelib import wiring

TABLES = ("directory", "roster", "coverage")


class Streams:
    """Gives what has come since the last call; `settle` folds until nothing more comes."""

    def __init__(self) -> None:
        self._streams = boto3.client("dynamodbstreams")
        self._at: dict[str, str] = {}
        for table in TABLES:
            name = f"janjan-local-{table}"
            arn = boto3.client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"]
            [shard] = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
            asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            self._at[arn] = self._streams.get_shard_iterator(**asked)["ShardIterator"]

    def new(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for arn in list(self._at):
            while True:
                answer = self._streams.get_records(ShardIterator=self._at[arn], Limit=1000)
                self._at[arn] = answer["NextShardIterator"]
                found += [record | {"eventSourceARN": arn} for record in answer["Records"]]
                if not answer["Records"]:
                    break
        return found

    def settle(self, chance: random.Random | None = None) -> list[dict[str, Any]]:
        """Folds all that comes; with `chance` shuffled, some twice, in small batches. Gives all records."""
        seen: list[dict[str, Any]] = []
        while records := self.new():
            seen += records
            if chance is None:
                wiring.coverage_fold().take(records)
                continue
            again = records + chance.choices(seen, k=len(records))
            chance.shuffle(again)
            for begin in range(0, len(again), 7):
                wiring.coverage_fold().take(again[begin : begin + 7])
        return seen
