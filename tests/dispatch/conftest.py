"""The store's tests run on two engines: the embedded AWS and, when its jar is given, Amazon's DynamoDB Local.

    DYNAMODB_LOCAL_JAR=/path/DynamoDBLocal.jar pytest tests/dispatch/test_store.py

The jar's libraries lie beside it in `DynamoDBLocal_lib`, as Amazon packs them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local.engine import REGION
from local.ports import HOST, free_port
from tests.conftest import STAGE, create_tables, restore_environment, use_environment

EMBEDDED, AMAZONS = "embedded AWS", "DynamoDB Local"
JAR, JAVA = os.environ.get("DYNAMODB_LOCAL_JAR"), shutil.which("java")
ENGINES = [EMBEDDED, AMAZONS] if JAR and JAVA else [EMBEDDED]
STARTS_WITHIN_S = 30


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    """The address of Amazon's DynamoDB Local on a free port, its tables in memory."""
    assert JAR and JAVA
    port, libraries = free_port(), Path(JAR).parent / "DynamoDBLocal_lib"
    command = [JAVA, f"-Djava.library.path={libraries}", "-jar", JAR, "-inMemory", "-port", str(port)]
    child = subprocess.Popen(command, cwd=libraries.parent, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not _answers(port):
            assert child.poll() is None and time.monotonic() < deadline, "DynamoDB Local did not start"
            time.sleep(0.1)
        yield f"http://{HOST}:{port}"
    finally:
        child.terminate()
        child.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture(params=ENGINES)
def either_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty tables on the one engine, then on the other, if it is here."""
    if request.param == EMBEDDED:
        request.getfixturevalue("tables")
        yield
        return
    before = dict(os.environ)
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
    url = {"AWS_ENDPOINT_URL": request.getfixturevalue("dynamodb_local"), "STAGE": STAGE}
    use_environment(keys | {"AWS_REGION": REGION} | url)
    dynamodb = boto3.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName=name)
    create_tables()
    yield
    restore_environment(before)
