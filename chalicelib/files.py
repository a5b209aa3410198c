"""The private bucket: whatever no queue message or table item can hold."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib import aws


@dataclass(frozen=True)
class Files:
    """Objects of the bucket of this name."""

    bucket: str

    def put(self, key: str, body: bytes) -> None:
        """Stores `body` under `key`, over what was there."""
        aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def link(self, key: str, seconds: int) -> str:
        """An address from which anybody who has it may read the object for so long."""
        where = {"Bucket": self.bucket, "Key": key}
        made: str = aws.client("s3").generate_presigned_url("get_object", Params=where, ExpiresIn=seconds)
        return made
