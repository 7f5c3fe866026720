"""The real server as a context: started on an empty folder, waited for, stopped as a platform stops it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class ServerFailed(Exception):
    """The server did not start, did not answer or did not stop as it should; the message holds its log."""


@contextlib.contextmanager
def running(
    command: list[str],
    folder: Path,
    is_ready: Callable[[], bool],
    *,
    ready_within_s: float = 30,
    stopped_within_s: float = 30,
) -> Iterator[subprocess.Popen]:
    """Runs the server in the folder; at the end SIGTERM must lead to exit code 0 in time."""
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=without_settings(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(server, is_ready, ready_within_s, log)
        yield server
        stop(server, stopped_within_s, log)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def wait_until_ready(server: subprocess.Popen, is_ready: Callable[[], bool], within_s: float, log: Path) -> None:
    deadline = time.monotonic() + within_s
    while not is_ready():
        if server.poll() is not None:
            raise ServerFailed(f"the server ended with {server.returncode} before it was ready:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"the server was not ready after {within_s} s:\n{tail(log)}")
        time.sleep(0.1)


def stop(server: subprocess.Popen, within_s: float, log: Path) -> None:
    if server.poll() is not None:
        raise ServerFailed(f"the server ended by itself with {server.returncode}:\n{tail(log)}")
    server.send_signal(signal.SIGTERM)
    try:
        status = server.wait(within_s)
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"the server still runs {within_s} s after SIGTERM:\n{tail(log)}") from None
    if status != 0:
        raise ServerFailed(f"SIGTERM ended the server with {status} instead of 0:\n{tail(log)}")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there yet."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_settings() -> dict[str, str]:
    """This environment without settings of the server, which would make a run depend on who starts it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LEADGATE_", "RUST_LOG"))}


def tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
