"""Deploys the application into the embedded AWS: the same template and code as in the cloud.

`package` makes the template and a zip without dependencies (the engine's Lambdas import those from its own
environment), `deploy` creates or updates the stack, and then applies what the engine drops.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local import config
from local.engine import REGION, ROOT, Engine

STACK = "janjan-local"
CODE_BUCKET = "janjan-code"
APPLICATION = ("app.py", "chalicelib")
TIMEOUT_S = 120.0


class DeployFailed(Exception):
    """The package could not be made or the stack could not be deployed; the message holds the reasons."""


@dataclass(frozen=True)
class Options:
    """What differs between one local deployment and another; each becomes a parameter of the template."""

    public_url: str = "http://127.0.0.1:8000"
    platform_url: str = ""
    clock_file: str = ""
    record_calls: str = ""
    organisation_kind: str = "public_body"
    quiet_hours: str = field(default_factory=lambda: os.environ.get("QUIET_HOURS") or "none")
    """None on the laptop, unless they are asked for: people try things at any hour."""
    weekly_cap: str = field(default_factory=lambda: os.environ.get("WEEKLY_CAP") or "0")
    """None on the laptop, unless it is asked for: people try things many times a week."""
    secret: dict[str, Any] = field(default_factory=config.platform_secret)

    def parameters(self) -> dict[str, str]:
        """The template's parameters."""
        return {
            "Stage": "local",
            "PublicUrl": self.public_url,
            "PlatformUrl": self.platform_url,
            "ClockFile": self.clock_file,
            "RecordCalls": self.record_calls,
            "OrganisationKind": self.organisation_kind,
            "QuietHours": self.quiet_hours,
            "WeeklyCap": self.weekly_cap,
        }


def lay_out(project: Path, requirements: str) -> None:
    """Makes `project` a Chalice project with a copy of the application, as clean as in a fresh clone."""
    shutil.rmtree(project, ignore_errors=True)
    (project / ".chalice").mkdir(parents=True)
    for file in (ROOT / ".chalice").glob("*.json"):
        shutil.copy(file, project / ".chalice")
    for name in APPLICATION:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project)
    (project / "requirements.txt").write_text(requirements)


def chalice_package(project: Path, out: Path, stage: str) -> str:
    """Runs `chalice package` with infra/template.yaml merged in; gives its output. Raises DeployFailed.

    The requirements are complete: pip adds none of its own, so what we do without is not packed.
    """
    options = ["--stage", stage, "--pkg-format", "cloudformation", "--template-format", "yaml"]
    done = subprocess.run(
        [
            *(sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"),
            *("--project-dir", str(project), "package", *options),
            *("--merge-template", str(ROOT / "infra" / "template.yaml"), str(out)),
        ],
        cwd=project,
        env=os.environ | {"AWS_DEFAULT_REGION": REGION, "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_DEPS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployFailed(f"chalice package failed:\n{done.stdout}{done.stderr}")
    refuse_typeless(out / "sam.yaml")
    return done.stdout + done.stderr


def refuse_typeless(template: Path) -> None:
    """Raises DeployFailed if a resource has no type: infra/template.yaml names a function that is none."""
    resources = yaml.safe_load(template.read_text())["Resources"]
    typeless = sorted(name for name, resource in resources.items() if "Type" not in resource)
    if typeless:
        raise DeployFailed(f"infra/template.yaml overrides what Chalice did not make: {', '.join(typeless)}")


def package(out: Path) -> Path:
    """Packages the application without its dependencies into `out` (sam.yaml, deployment.zip)."""
    shutil.rmtree(out, ignore_errors=True)
    lay_out(out / "project", requirements="")
    chalice_package(out / "project", out, "local")
    return out


def deploy(engine: Engine, packaged: Path, options: Options | None = None) -> dict[str, str]:
    """Creates or updates the stack from a packaged folder.

    Gives the environment of the deployed functions together with the one that leads AWS calls to the engine.
    Raises DeployFailed with CloudFormation's reasons.
    """
    options = options or Options()
    template_url = _upload(engine, packaged)
    outputs = _apply(engine, template_url, options.parameters())
    functions = engine.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=outputs["APIHandlerName"])
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    _set_time_to_live(engine, packaged, variables["STAGE"])
    engine.client("secretsmanager").put_secret_value(
        SecretId=variables["PLATFORM_SECRET"], SecretString=json.dumps(options.secret)
    )
    return variables | engine.environment


def _upload(engine: Engine, packaged: Path) -> str:
    s3 = engine.client("s3")
    if CODE_BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    code = packaged / "deployment.zip"
    key = f"{_content_hash(code)}.zip"
    s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=code.read_bytes())
    template = (packaged / "sam.yaml").read_text().replace("./deployment.zip", f"s3://{CODE_BUCKET}/{key}")
    name = f"{hashlib.sha256(template.encode()).hexdigest()[:16]}.yaml"
    s3.put_object(Bucket=CODE_BUCKET, Key=name, Body=template.encode())
    return f"{engine.url}/{CODE_BUCKET}/{name}"


def _content_hash(archive: Path) -> str:
    # Of names and contents, not of the times in the zip: unchanged code is then no update.
    digest = hashlib.sha256()
    with zipfile.ZipFile(archive) as zipped:
        for entry in sorted(zipped.infolist(), key=lambda e: e.filename):
            digest.update(f"{entry.filename} {entry.CRC}\n".encode())
    return digest.hexdigest()[:16]


def _apply(engine: Engine, template_url: str, parameters: dict[str, str]) -> dict[str, str]:
    from botocore.exceptions import ClientError

    cloud = engine.client("cloudformation")
    known = {stack["StackName"] for stack in cloud.describe_stacks()["Stacks"]}
    act = cloud.update_stack if STACK in known else cloud.create_stack
    try:
        act(
            StackName=STACK,
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployFailed(str(error)) from error
    deadline = time.monotonic() + TIMEOUT_S
    while (stack := cloud.describe_stacks(StackName=STACK)["Stacks"][0])["StackStatus"].endswith(
        "IN_PROGRESS"
    ):
        if time.monotonic() > deadline:
            raise DeployFailed(f"The stack is still {stack['StackStatus']} after {TIMEOUT_S:.0f} s.")
        time.sleep(0.05)
    if "ROLLBACK" in stack["StackStatus"] or "FAILED" in stack["StackStatus"]:
        events = cloud.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [
            f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
            for e in events
            if "FAILED" in e["ResourceStatus"]
        ]
        raise DeployFailed(f"{stack['StackStatus']}: {'; '.join(reasons) or stack.get('StackStatusReason')}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _set_time_to_live(engine: Engine, packaged: Path, stage: str) -> None:
    # The engine's CloudFormation accepts TimeToLiveSpecification and drops it.
    dynamodb = engine.client("dynamodb")
    for resource in yaml.safe_load((packaged / "sam.yaml").read_text())["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            dynamodb.update_time_to_live(
                TableName=properties["TableName"]["Fn::Sub"].replace("${Stage}", stage),
                TimeToLiveSpecification=properties["TimeToLiveSpecification"],
            )


def write_environment(env: dict[str, str], path: Path) -> None:
    """Keeps the deployment's environment for other processes (`make token`, the server)."""
    path.write_text(json.dumps(env, indent=2, sort_keys=True) + "\n")


def read_environment(path: Path) -> dict[str, str]:
    """The environment that `write_environment` kept. Raises FileNotFoundError if nothing is deployed."""
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded
