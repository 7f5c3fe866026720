"""The chart under the real helm, and every object it renders under strict validation, for the oldest and the newest Kubernetes.

Prints a line per check and fails when one of them does.
"""

import copy
import json
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import yaml

import helm
import planted
import rules

HERE = Path(__file__).parent
ACCEPTED = sorted((HERE / "accepted").glob("*.yaml"))
REFUSED = sorted((HERE / "refused").glob("*.yaml"))
OLDEST, NEWEST = "1.27.0", "1.37.0"
# A name that no schema knows.
UNEXPECTED = "un expected"


def main() -> int:
    failures = 0
    for check in (
        versions_agree,
        image_and_chart_agree,
        validator_refuses_what_is_wrong,
        accepted_values_render_valid_objects,
        refused_values_are_refused,
        schema_is_strict_everywhere,
        unknown_names_are_refused_everywhere,
        wrong_types_are_refused_everywhere,
        chart_works_below_a_parent,
        planted_faults_are_found,
    ):
        complaints = list(check())
        print(f"{'FAILED' if complaints else 'ok':8}{check.__name__.replace('_', ' ')}")
        for complaint in complaints:
            print(f"        {complaint}")
        failures += len(complaints)
    return 1 if failures else 0


def versions_agree() -> Iterator[str]:
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    package = tomllib.loads(Path("Cargo.toml").read_text())["package"]
    dockerfile = Path("Dockerfile").read_text()
    notes = (helm.CHART / "templates" / "NOTES.txt").read_text()
    rows = [
        ("the chart's appVersion", chart["appVersion"], package["version"]),
        ("the notes' oldest Kubernetes", first(r'semverCompare "<(.*)-0"', notes), OLDEST),
        ("the image's version label", first(r'image\.version="(.*?)"', dockerfile), package["version"]),
        ("the image's Rust", first(r"FROM rust:([0-9.]+)", dockerfile), package["rust-version"]),
    ]
    yield from (f"{what} is {found} instead of {expected}" for what, found, expected in rows if found != expected)


def image_and_chart_agree() -> Iterator[str]:
    dockerfile = Path("Dockerfile").read_text()
    objects = helm.render(HERE / "accepted" / "defaults.yaml", NEWEST)
    pod = next(item for item in objects if item["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    security = pod["securityContext"]
    user = f"{security['runAsUser']}:{security['runAsGroup']}"
    if first(r"^USER (\S+)$", dockerfile) != user:
        yield f"the chart runs as {user}, the image does not"
    flags = json.loads(first(r"^CMD (.*)$", dockerfile) or "[]")
    for flag, value in zip(flags[1::2], flags[2::2], strict=True):
        if rules.argument(pod, flag) != value:
            yield f"the image says {flag} {value}, the chart {rules.argument(pod, flag)}"


def validator_refuses_what_is_wrong() -> Iterator[str]:
    good = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "gate"},
        "spec": {"ports": [{"name": "grpc", "port": 50051}]},
    }
    rows = [
        ("an unknown field", {"spec": {"prots": []}}, "prots"),
        ("a wrong type", {"spec": {"ports": [{"port": "50051"}]}}, "'50051' is not of type"),
        ("a missing field", {"spec": {"ports": [{"name": "grpc"}]}}, "'port' is a required property"),
        ("an unknown kind", {"kind": "Servise"}, "Couldn't find schema for kind Servise"),
    ]
    for version in (OLDEST, NEWEST):
        if found := invalid(good, version):
            yield f"a good object is refused under {version}: {found}"
        for name, change, expected in rows:
            found = invalid(good | change, version)
            if found is None or expected not in found:
                yield f"{name} is taken under {version}: {found}"


def accepted_values_render_valid_objects() -> Iterator[str]:
    kinds = set()
    for values in ACCEPTED:
        for version in (OLDEST, NEWEST):
            helm.lint(values, version)
            objects = helm.render(values, version)
            kinds |= {item["kind"] for item in objects}
            for complaint in wrong_with(objects, version):
                yield f"{values.name} under {version}: {complaint}"
    expected = rendered_kinds()
    if kinds != expected:
        yield f"the values reach {sorted(kinds)}, the templates have {sorted(expected)}"
    print(f"        {len(ACCEPTED)} sets of values under {OLDEST} and {NEWEST}: {', '.join(sorted(kinds))}")


def refused_values_are_refused() -> Iterator[str]:
    for values in REFUSED:
        expected = values.read_text().splitlines()[0].removeprefix("# must be refused: ")
        found = helm.refusal_of_file(values, NEWEST)
        if found is None or expected not in found:
            yield f"{values.name}: expected {expected!r}, helm said {found!r}"
    print(f"        {len(REFUSED)} sets of values")


def schema_is_strict_everywhere() -> Iterator[str]:
    schema = json.loads((helm.CHART / "values.schema.json").read_text())
    for path, node in nodes(schema):
        if node.get("type") != "object" or path == "/properties/global":
            continue
        closed_elsewhere = [reference["$ref"] for reference in node.get("allOf", [])]
        if node.get("additionalProperties") is not False and "#/definitions/labels" not in closed_elsewhere:
            yield f"{path} takes anything"


def unknown_names_are_refused_everywhere() -> Iterator[str]:
    defaults = yaml.safe_load((helm.CHART / "values.yaml").read_text())
    for path in [(), *(path for path, value in leaves_and_objects(defaults) if isinstance(value, dict))]:
        found = helm.refusal(at(path, {UNEXPECTED: "x"}), NEWEST)
        if found is None or f"additional properties '{UNEXPECTED}' not allowed" not in found:
            yield f"an unknown name in {'.'.join(map(str, path)) or 'the values'} is taken: {found}"


def wrong_types_are_refused_everywhere() -> Iterator[str]:
    defaults = yaml.safe_load((helm.CHART / "values.yaml").read_text())
    count = 0
    for path, value in leaves_and_objects(defaults):
        if isinstance(value, dict):
            continue
        count += 1
        wrong = [1] if isinstance(value, list) else ["a list"]
        found = helm.refusal(at(path, wrong), NEWEST)
        if found is None or f"at '/{'/'.join(path)}" not in found:
            yield f"{'.'.join(path)} takes {wrong}: {found}"
    print(f"        {count} values")


def chart_works_below_a_parent() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        parent = Path(folder) / "parent"
        shutil.copytree(helm.CHART, parent / "charts" / "leadgate")
        (parent / "Chart.yaml").write_text(
            "apiVersion: v2\nname: parent\nversion: 0.1.0\n"
            "dependencies: [{name: leadgate, version: 0.1.0, condition: leadgate.enabled}]\n"
        )
        values = parent / "values.yaml"
        values.write_text("global: {region: eu}\nleadgate: {enabled: true}\n")
        yield from wrong_with(helm.render(values, NEWEST, parent), NEWEST)


def planted_faults_are_found() -> Iterator[str]:
    values = HERE / "accepted" / "everything.yaml"
    for name, file, there, instead, expected in planted.FAULTS:
        with planted.chart_with(file, there, instead) as chart:
            try:
                found = wrong_with(helm.render(values, NEWEST, chart), NEWEST)
            except yaml.YAMLError as error:
                found = [str(error)]
        if not any(expected in complaint for complaint in found):
            yield f"{name}: expected {expected!r}, found {found}"
    print(f"        {len(planted.FAULTS)} faults")


def wrong_with(objects: list[dict], version: str) -> list[str]:
    """Everything wrong with the objects: where one is not even valid, only that."""
    found = [
        f"{item['kind']} {item['metadata']['name']}: {complaint}"
        for item in objects
        if (complaint := invalid(item, version)) is not None
    ]
    return found or rules.complaints(objects)


def invalid(item: dict, version: str) -> str | None:
    """Why the object is not valid under this Kubernetes, unknown fields included; None when it is."""
    wanted = version.removesuffix(".0")
    try:
        used = kubernetes_validate.validate(item, wanted, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{error.message} at {'.'.join(map(str, error.path))}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message
    return None if used == wanted else f"validated against {used} instead of {wanted}"


def rendered_kinds() -> set[str]:
    templates = (helm.CHART / "templates").glob("*.yaml")
    return {kind for template in templates for kind in re.findall(r"^kind: (\w+)$", template.read_text(), re.MULTILINE)}


def first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None


def nodes(schema: object, path: str = "") -> Iterator[tuple[str, dict]]:
    if isinstance(schema, dict):
        yield path, schema
        for name, inner in schema.items():
            yield from nodes(inner, f"{path}/{name}")
    elif isinstance(schema, list):
        for place, inner in enumerate(schema):
            yield from nodes(inner, f"{path}/{place}")


def leaves_and_objects(values: dict, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, value in values.items():
        yield (*path, name), value
        if isinstance(value, dict):
            yield from leaves_and_objects(value, (*path, name))


def at(path: tuple[str, ...], value: object) -> dict:
    """Values that hold nothing but this value at this path."""
    for name in reversed(path):
        value = {name: copy.deepcopy(value)}
    return value


if __name__ == "__main__":
    os.chdir(HERE.parent.parent)
    sys.exit(main())
