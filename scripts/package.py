"""`make package`: the template and the zip of one stage, checked, in dist/<stage>/.

Chalice makes both; this compiles the zip's Python (the code folder of a Lambda is read-only, so it would
compile at every cold start), leaves out what the Lambda runtime has, and refuses a package that would not
run: a wheel that was not to be had is only a warning to Chalice.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

from local.deploy import DeployFailed, chalice_package, lay_out
from local.engine import REGION, ROOT

IN_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "python-dateutil", "six"}
"""docs/decisions/sdk-from-the-runtime.md"""
MACHINES = {"arm64": 183, "x86_64": 62}  # e_machine of an ELF file
UNZIPPED_LIMIT = 250 * 2**20  # Lambda's own
EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same content makes the same zip
UNWANTED = re.compile(
    r"(^|/)(tests?|\.git|\.venv|bin)/|\.(dist-info/RECORD|pyx|pxd|c|h)$|(^|/)local/|\.data/"
    r"|^fontTools/.+\.so$|/_harfbuzz_test\."  # the same is there in Python, and costs a letter no time
)


def package(stage: str, architecture: str, out: Path) -> Path:
    """Makes sam.yaml and deployment.zip in `out`. Raises DeployFailed with everything that is wrong."""
    shutil.rmtree(out, ignore_errors=True)
    project = out / "project"
    lay_out(project, requirements=(ROOT / "requirements.txt").read_text())
    config = project / ".chalice" / "config.json"
    config.write_text(re.sub(r'("lambda_architecture": )"\w+"', rf'\1"{architecture}"', config.read_text()))
    said = chalice_package(project, out, stage)
    if "Could not install" in said:
        raise DeployFailed(said)
    code = out / "code"
    with zipfile.ZipFile(out / "deployment.zip") as made:
        made.extractall(code)
    ours = application_files(project)
    shutil.rmtree(project)
    leave_out(code)
    compile_all(code)
    (out / "deployment.zip").unlink()
    zip_up(code, out / "deployment.zip")
    shutil.rmtree(code)
    problems = [
        *content_problems(out / "deployment.zip", architecture, ours),
        *template_problems(out / "sam.yaml"),
    ]
    if problems:
        raise DeployFailed("\n".join(problems))
    return out


def leave_out(code: Path) -> None:
    """Removes what the runtime has and what no Lambda needs."""
    for metadata in code.glob("*.dist-info"):
        found = importlib.metadata.Distribution.at(metadata)
        if found.metadata["Name"].lower().replace("_", "-") in IN_THE_RUNTIME:
            for top in {Path(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                shutil.rmtree(code / top, ignore_errors=True)
                (code / top).unlink(missing_ok=True)
    for path in sorted(code.rglob("*"), reverse=True):
        name = path.relative_to(code).as_posix() + ("/" if path.is_dir() else "")
        if UNWANTED.search(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_all(code: Path) -> None:
    """Adds the .pyc of every module, valid without a look at the source."""
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", str(code), "-p", "/var/task"]
    done = subprocess.run(
        [sys.executable, "-m", "compileall", *options, str(code)],
        env=os.environ | {"PYTHONHASHSEED": "0"},  # sets among the constants are written in hash order
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployFailed(f"A module of the package does not compile: {done.stdout}")


def zip_up(code: Path, archive: Path) -> None:
    """Zips `code` so that equal content makes equal bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(p for p in code.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(code).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, path.read_bytes())


def content_problems(archive: Path, architecture: str, ours: set[str]) -> list[str]:
    """What is missing from the zip, or should not be in it."""
    with zipfile.ZipFile(archive) as zipped:
        names = set(zipped.namelist())
        size = sum(entry.file_size for entry in zipped.infolist())
        libraries = [name for name in names if re.search(r"\.so(\.\d+)*$", name)]
        machines = {name: struct.unpack_from("<H", zipped.read(name), 18)[0] for name in libraries}
    problems = [
        f"{name} is not for {architecture}" for name in libraries if machines[name] != MACHINES[architecture]
    ]
    problems += [f"{name} has no place in the zip" for name in sorted(names) if UNWANTED.search(name)]
    problems += [f"{name} is missing" for name in sorted(ours - names)]
    problems += [f"{pinned} is missing" for pinned in pinned_names() if not has(names, pinned)]
    problems += [f"{name} is in the runtime already" for name in IN_THE_RUNTIME if has(names, name)]
    tag = f".cpython-{sys.version_info.major}{sys.version_info.minor}.pyc"
    for name in sorted(n for n in names if n.endswith(".py")):
        folder, _, module = name.rpartition("/")
        if f"{folder}/__pycache__/{module[:-3]}{tag}".lstrip("/") not in names:
            problems.append(f"{name} is not compiled")
    if size > UNZIPPED_LIMIT:
        problems.append(f"{size / 2**20:.0f} MB unzipped: Lambda takes 250")
    return problems


def application_files(project: Path) -> set[str]:
    """What of ours must be in the zip."""
    files = [project / "app.py", *(path for path in (project / "chalicelib").rglob("*") if path.is_file())]
    return {path.relative_to(project).as_posix() for path in files}


def pinned_names() -> list[str]:
    """`name-version` of every requirement that the zip must carry."""
    lines = [line.strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return [f"{name}-{version}" for name, version in pins if name.lower() not in IN_THE_RUNTIME]


def has(names: set[str], distribution: str) -> bool:
    """Whether the zip carries a distribution, given as `name` or `name-version`."""
    wanted = re.sub(r"[-_.]+", "_", distribution.lower())
    folders = {
        re.sub(r"[-_.]+", "_", name.split(".dist-info/")[0].lower())
        for name in names
        if ".dist-info/" in name
    }
    return any(folder == wanted or folder.startswith(f"{wanted}_") for folder in folders)


def template_problems(template: Path) -> list[str]:
    """What cfn-lint says of the packaged template, and handlers that app.py does not have."""
    lint = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", REGION, "--template", str(template)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    problems = [done.stdout + done.stderr] if done.returncode else []
    resources = yaml.safe_load(template.read_text())["Resources"]
    for name, resource in resources.items():
        handler = resource.get("Properties", {}).get("Handler", "app.app")
        if not handler.startswith("app."):
            problems.append(f"{name}: {handler} would run without the middleware of app.py")
    return problems


def main() -> int:
    """Packages; 1 with the reasons if the package would not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    parser.add_argument("--stage", choices=sorted(stages), default="prod")
    parser.add_argument("--arch", choices=sorted(MACHINES), default="arm64")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = (given.out or ROOT / "dist" / given.stage).resolve()
    try:
        package(given.stage, given.arch, out)
    except DeployFailed as error:
        print(error, file=sys.stderr)
        return 1
    size = (out / "deployment.zip").stat().st_size / 2**20
    print(f"{out / 'sam.yaml'} and deployment.zip ({size:.1f} MB, {given.arch}): linted and checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
