"""The real helm as functions: what it renders, and what it refuses."""

import json
import subprocess
import tempfile
from pathlib import Path

import yaml

CHART = Path("helm/leadgate")
RELEASE = "gate"
NAMESPACE = "crm"


class Refused(Exception):
    """helm would not lint or render; the message is what it printed."""


class EachKeyOnce(yaml.SafeLoader):
    """Kubernetes refuses a key that is there twice; plain YAML takes the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [self.construct_object(name, deep) for name, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def run(*arguments: str) -> str:
    result = subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Refused(result.stdout + result.stderr)
    return result.stdout


def lint(values: Path, kubernetes: str, chart: Path = CHART) -> None:
    run("lint", "--strict", str(chart), "--values", str(values), "--kube-version", kubernetes)


def render(values: Path, kubernetes: str, chart: Path = CHART) -> list[dict]:
    """Every object that an installation with these values would create."""
    text = run(
        "template", RELEASE, str(chart), "--namespace", NAMESPACE, "--values", str(values), "--kube-version", kubernetes
    )
    return [document for document in yaml.load_all(text, EachKeyOnce) if document is not None]


def refusal(values: dict, kubernetes: str) -> str | None:
    """What helm says against these values; None when it renders them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        return refusal_of_file(Path(file.name), kubernetes)


def refusal_of_file(values: Path, kubernetes: str) -> str | None:
    try:
        render(values, kubernetes)
    except Refused as refused:
        return str(refused)
    return None
