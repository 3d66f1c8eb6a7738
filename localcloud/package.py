"""The package: deployment.zip and sam.json, as `chalice package` makes them for AWS.

python -m localcloud.package STAGE FOLDER
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError

__all__ = ["package"]

PROJECT = Path(__file__).parent.parent
RESOURCES = ".chalice/resources.json"

FUNCTIONS = {
    "chalice-chat-${Stage}": "APIHandler",
    "chalice-chat-${Stage}-websocket_connect": "WebsocketConnect",
    "chalice-chat-${Stage}-websocket_message": "WebsocketMessage",
    "chalice-chat-${Stage}-websocket_disconnect": "WebsocketDisconnect",
    "chalice-chat-${Stage}-fan_out": "FanOut",
}
"""What `chalice deploy` calls the functions, and `chalice package` their resources."""

REST_LIMITS = {"ThrottlingRateLimit": 2_000, "ThrottlingBurstLimit": 1_000}
"""How many requests a second the REST API takes, and how many at once over that rate. A visit makes some 33, most of
them for files of the page."""

WEBSOCKET_LIMITS = {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 250}
"""How many frames, joins and leaves the WebSocket API takes, likewise. What the functions post for them counts against
the 10,000 requests a second of the account, too ("Amazon API Gateway quotas"): most of those are left to the posts."""


def package(stage: str, folder: Path, project: Path | None = None) -> None:
    """Package the project, this one if no other is given, for a stage into folder.

    Raises LocalCloudError when there is no such stage, or Chalice cannot.
    """
    project = project or PROJECT
    try:
        stages = json.loads((project / ".chalice/config.json").read_text())["stages"]
    except ValueError as cause:
        raise LocalCloudError(f".chalice/config.json is not JSON: {cause}") from cause
    if stage not in stages:  # Chalice would package it all the same, without policies
        raise LocalCloudError(f".chalice/config.json has no stage {stage}, only {', '.join(stages)}")
    # Two packages at once would share Chalice's cache of the requirements, and the folders that are deleted below.
    with (project / ".chalice/config.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run_chalice(stage, folder, project)
    _compile(folder / "deployment.zip")
    _tie_together(folder / "sam.json", stage)


def _run_chalice(stage: str, folder: Path, project: Path) -> None:
    # Chalice packs every file of chalicelib: what Python compiled there would make two packages of one source differ.
    for compiled in (project / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(compiled)
    chalice = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    options = ["--stage", stage, "--merge-template", RESOURCES, str(folder.absolute())]
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [*chalice, "package", *options], cwd=project, env=environment, text=True, capture_output=True, check=False
    )
    if made.returncode != 0:
        raise LocalCloudError(f"chalice package failed: {made.stderr.strip().splitlines()[-1]}")
    # With a requirement that it cannot get, Chalice only warns, and packs the rest.
    if "Could not install dependencies" in made.stdout:
        raise LocalCloudError(
            f"chalice package failed: {made.stdout.partition('Could not')[2].splitlines()[1]}: not found"
        )


def _compile(archive: Path) -> None:
    """Add what Python makes of the modules, so that no function has to compile them each time that it starts.

    Checked by their hash, since the times of the files are lost on the way to Lambda. A Python of another version
    than this one, which is also what Chalice packages for, would pass over them and compile.
    """
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as package:
        folder = Path(name)
        package.extractall(folder, [name for name in package.namelist() if name.endswith(".py")])
        options = ["-q", "--invalidation-mode", "checked-hash", "-s", name]
        # By a new process: what else this one has loaded would show in the bytes.
        subprocess.run([sys.executable, "-m", "compileall", *options, name], check=True)
        for compiled in sorted(folder.rglob("*.pyc")):
            entry = zipfile.ZipInfo(str(compiled.relative_to(folder)))  # of 1980, as Chalice dates its own
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, compiled.read_bytes())


def _tie_together(template_file: Path, stage: str) -> None:
    """Tie what Chalice made to what was merged with it.

    The tables get the stage of the functions, whoever forgets to say so when deploying. The function that reads the
    queue waits for the queue, which Chalice names to it by an address of its own making. What watches the functions
    knows them by the names that `chalice deploy` gives them; here CloudFormation names them. The page is told where
    members connect, and need not look for it.
    """
    template = _name_functions(json.loads(template_file.read_text()))
    template["Parameters"]["Stage"]["Default"] = stage
    (source,) = template["Resources"]["FanOut"]["Properties"]["Events"].values()
    source["Properties"]["Queue"] = {"Fn::GetAtt": ["FanoutQueue", "Arn"]}
    _limit_stages(template["Resources"])
    variables = template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    socket = f"wss://${{WebsocketAPI}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"
    variables.setdefault("WEBSOCKET_URL", {"Fn::Sub": socket})
    template_file.write_text(json.dumps(template, indent=2))


def _name_functions(value: Any) -> Any:
    if isinstance(value, dict):
        name = value.get("Fn::Sub")
        if isinstance(name, str) and name in FUNCTIONS:
            return {"Ref": FUNCTIONS[name]}
        return {key: _name_functions(inner) for key, inner in value.items()}
    return [_name_functions(inner) for inner in value] if isinstance(value, list) else value


def _limit_stages(resources: dict[str, Any]) -> None:
    """Keep strangers from spending the account's whole quota, and tokens, which are in addresses, out of the logs."""
    silent = {"DataTraceEnabled": False, "LoggingLevel": "OFF"}
    every_method = {"ResourcePath": "/*", "HttpMethod": "*"}
    resources["RestAPI"]["Properties"]["MethodSettings"] = [every_method | REST_LIMITS | silent]
    resources["WebsocketAPIStage"]["Properties"]["DefaultRouteSettings"] = WEBSOCKET_LIMITS | silent


if __name__ == "__main__":
    try:
        package(sys.argv[1], Path(sys.argv[2]))
    except LocalCloudError as error:
        sys.exit(f"error: {error}")
