"""Runs the real server the way the chart would: with the arguments and probes that helm renders.

Only what a folder can stand in for is changed: ports become free ones, mounts become folders below a temporary one. The volume holds a
`lost+found`, as freshly formatted ones do. Every probe must be answered SERVING, and SIGTERM must end the server with 0 within the time
that Kubernetes would give it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import helm
import leadgate_server

VALUES = ["defaults.yaml", "policy-only.yaml", "policy-config-metrics.yaml"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    binary = parser.parse_args().binary.resolve()
    os.chdir(HERE.parent.parent)
    failures = 0
    for values in VALUES:
        try:
            print(f"ok      {values}: {serve(binary, HERE / 'accepted' / values)}")
        except leadgate_server.ServerFailed as failed:
            failures += 1
            print(f"FAILED  {values}: {failed}")
    return 1 if failures else 0


def serve(binary: Path, values: Path) -> str:
    objects = helm.render(values, "1.37.0")
    (stateful_set,) = [item for item in objects if item["kind"] == "StatefulSet"]
    pod = stateful_set["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["containerPort"]: leadgate_server.free_port() for port in container["ports"]}
    with tempfile.TemporaryDirectory(prefix="leadgate-chart-") as folder:
        data = Path(folder) / "data"
        (data / "lost+found").mkdir(parents=True)
        settings = write_settings(objects, Path(folder))
        arguments = [stand_in(argument, ports, data, settings) for argument in container["args"]]
        with leadgate_server.running(
            [str(binary), *arguments],
            Path(folder),
            lambda: probe(container["startupProbe"], ports),
            stopped_within_s=pod["terminationGracePeriodSeconds"],
        ):
            for name in ("startupProbe", "readinessProbe", "livenessProbe"):
                if not probe(container[name], ports):
                    raise leadgate_server.ServerFailed(f"{name} is not answered SERVING")
            if 9464 in ports:
                read_metrics(ports[9464])
    return " ".join(arguments[1:])


def write_settings(objects: list[dict], folder: Path) -> Path:
    """The files of the ConfigMap, as the pod would see them."""
    settings = folder / "settings"
    settings.mkdir()
    for item in objects:
        if item["kind"] == "ConfigMap":
            for name, text in item["data"].items():
                (settings / name).write_text(text)
    return settings


def stand_in(argument: str, ports: dict[int, int], data: Path, settings: Path) -> str:
    """The argument with a free port for each of the container's, on loopback, and folders for what is mounted."""
    for port, free in ports.items():
        argument = argument.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free}")
    return argument.replace("/var/lib/leadgate", str(data)).replace("/etc/leadgate", str(settings))


def probe(probe: dict, ports: dict[int, int]) -> bool:
    """Asks what the kubelet would ask."""
    grpc = probe["grpc"]
    answer = subprocess.run(
        ["grpcurl", "-plaintext", "-max-time", str(probe["timeoutSeconds"]), "-import-path", str(HERE.parent / "lib"),
         "-proto", "health.proto", "-d", f'{{"service": "{grpc["service"]}"}}', f"127.0.0.1:{ports[grpc['port']]}",
         "grpc.health.v1.Health/Check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return '"status": "SERVING"' in answer.stdout


def read_metrics(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        if answer.status != 200:
            raise leadgate_server.ServerFailed(f"metrics answered {answer.status}")


if __name__ == "__main__":
    sys.exit(main())
