"""The private bucket: whatever no queue message or table item can hold."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib import aws


@dataclass(frozen=True)
class Part:
    """Some bytes of an object, the size of all of it in bytes, and which version of it they are of."""

    body: bytes
    size: int
    version: str


@dataclass(frozen=True)
class Files:
    """Objects of the bucket of this name."""

    bucket: str

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", *, name: str = ""
    ) -> None:
        """Stores `body` under `key`, over what was there; `name`, in ASCII, is what a browser saves it as."""
        called = {"ContentDisposition": f'inline; filename="{name}"'} if name else {}
        aws.client("s3").put_object(
            Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **called
        )

    def link(self, key: str, seconds: int, save_as: str = "") -> str:
        """An address from which anybody who has it may read the object for so long; a browser saves it under
        the name `save_as`, in ASCII, where given."""
        saved = {"ResponseContentDisposition": f'attachment; filename="{save_as}"'} if save_as else {}
        where = {"Bucket": self.bucket, "Key": key, **saved}
        made: str = aws.client("s3").generate_presigned_url("get_object", Params=where, ExpiresIn=seconds)
        return made

    def post_to(
        self, key: str, content_type: str, largest: int, seconds: int, then: str = ""
    ) -> tuple[str, dict[str, str]]:
        """Where, and with which form fields before the file, anybody who has them may post one object of
        this type and at most `largest` bytes, for so long; a browser is sent on to `then`."""
        fixed = {"Content-Type": content_type} | ({"success_action_redirect": then} if then else {})
        made = aws.client("s3").generate_presigned_post(
            self.bucket,
            key,
            Fields=fixed,
            Conditions=[
                *({name: value} for name, value in fixed.items()),
                ["content-length-range", 1, largest],
            ],
            ExpiresIn=seconds,
        )
        return made["url"], made["fields"]

    def beginning(self, key: str, length: int) -> tuple[bytes, int] | None:
        """The first bytes of an object and its whole size; None when there is none (any more)."""
        found = self.part(key, 0, length)
        return (found.body, found.size) if found else None

    def part(self, key: str, begin: int, length: int) -> Part | None:
        """Up to `length` bytes of an object from the byte `begin` on; None when there is none (any more)."""
        from botocore.exceptions import ClientError

        asked = f"bytes={begin}-{begin + length - 1}"
        try:
            found = aws.client("s3").get_object(Bucket=self.bucket, Key=key, Range=asked)
        except ClientError as error:  # without the right to list, S3 refuses what is not there
            if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied", "InvalidRange"):
                raise
            return None
        size = int(found["ContentRange"].rpartition("/")[2])
        return Part(found["Body"].read(), size, str(found["ETag"]))

    def copy(self, key: str, to: str) -> None:
        """The same object under another key, over what was there."""
        aws.client("s3").copy_object(
            Bucket=self.bucket, Key=to, CopySource={"Bucket": self.bucket, "Key": key}
        )

    def delete(self, key: str) -> None:
        """Takes a file away; nothing when it is not there."""
        aws.client("s3").delete_object(Bucket=self.bucket, Key=key)
