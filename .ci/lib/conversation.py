"""A conversation printed in a Markdown file: commands and what they answered, and how an answer is compared with a printed one.

A block belongs to it when it is fenced as `console` and its first command is grpcurl. A line that starts with `$ ` is a command; it goes
on while a quote is open or a line ends with a backslash. What follows, up to the next command or the end of the block, is its output.
"""

import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

PROMPT = "$ "
UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
# Values that the server makes up, by the name of their field in JSON.
MADE_UP = r"decisionId|leadId|reviewId|groupId|deadLetterId|mergeId|eventId|claimToken|resumeToken|nextPageToken|decision_id|claim_token"
# How long something still lasts, by the name of its field in JSON.
REMAINING = r"retryAfter|retry_after|retryDelay"
VOLATILE = re.compile(
    rf'"(?P<made_up_name>{MADE_UP})": "(?P<made_up>[^"]+)"'
    rf'|"(?P<remaining_name>{REMAINING})": "[0-9.]+s"|(?P<uuid>{UUID})|(?P<time>{TIME})'
)


@dataclass
class Exchange:
    """One command and its printed output, with the lines of the file that they take (first, and one past the last)."""

    command: str
    printed: str
    line: int
    end: int


@dataclass
class Correspondence:
    """Which made-up value of this run stands for which printed one. One to one, for the whole conversation."""

    actual_of: dict[str, str] = field(default_factory=dict)
    printed_of: dict[str, str] = field(default_factory=dict)

    def bind(self, printed: str, actual: str) -> bool:
        """False when either value already stands for another one."""
        return self.actual_of.setdefault(printed, actual) == actual and self.printed_of.setdefault(actual, printed) == printed

    def translate(self, command: str) -> str:
        """The command with the values of this run in place of printed ones."""
        for printed in sorted(self.actual_of, key=len, reverse=True):
            command = command.replace(printed, self.actual_of[printed])
        return command


def exchanges(markdown: str) -> list[Exchange]:
    lines = markdown.splitlines()
    found: list[Exchange] = []
    for start, end in console_blocks(lines):
        block = list(exchanges_of_block(lines, start, end))
        if block and block[0].command.startswith("grpcurl"):
            found += block
    return found


def console_blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    start = None
    for number, line in enumerate(lines):
        if start is None and line.startswith("```"):
            start = number + 1 if line.strip() == "```console" else -1
        elif start is not None and line.strip() == "```":
            if start >= 0:
                yield start, number
            start = None


def exchanges_of_block(lines: list[str], start: int, end: int) -> Iterator[Exchange]:
    position = start
    while position < end:
        if not lines[position].startswith(PROMPT):
            position += 1
            continue
        first, command = position, lines[position].removeprefix(PROMPT)
        position += 1
        while position < end and goes_on(command):
            command += "\n" + lines[position]
            position += 1
        output = position
        while position < end and not lines[position].startswith(PROMPT):
            position += 1
        yield Exchange(command, "\n".join(lines[output:position]), first, position)


def goes_on(command: str) -> bool:
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def differences(printed: str, actual: str, correspondence: Correspondence) -> list[str]:
    """How the answer differs from the printed one, volatile values aside; empty when it does not. Learns the made-up values."""
    printed_lines, actual_lines = normal_lines(printed), normal_lines(actual)
    masked_printed, masked_actual = masked(printed_lines), masked(actual_lines)
    if masked_printed != masked_actual:
        return list(difflib.unified_diff(masked_printed, masked_actual, "printed", "answered", lineterm=""))
    pairs = zip(made_up("\n".join(printed_lines)), made_up("\n".join(actual_lines)), strict=True)
    return [
        f"printed {old}, answered {new}: elsewhere one of them stands for another value"
        for old, new in pairs
        if not correspondence.bind(old, new)
    ]


def normal_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def masked(lines: list[str]) -> list[str]:
    return VOLATILE.sub(placeholder, "\n".join(lines)).splitlines()


def placeholder(match: re.Match[str]) -> str:
    if match["made_up_name"]:
        return f'"{match["made_up_name"]}": "<made up>"'
    if match["remaining_name"]:
        return f'"{match["remaining_name"]}": "<remaining>"'
    return "<uuid>" if match["uuid"] else "<time>"


def made_up(text: str) -> list[str]:
    return [match["made_up"] or match["uuid"] for match in VOLATILE.finditer(text) if match["made_up"] or match["uuid"]]


def rewritten(markdown: str, answers: list[tuple[Exchange, str, str]]) -> str:
    """The file with each command and output replaced by what was run and answered: (exchange, command, answer)."""
    lines = markdown.splitlines()
    for exchange, command, answer in sorted(answers, key=lambda each: each[0].line, reverse=True):
        lines[exchange.line : exchange.end] = [*(PROMPT + command).splitlines(), *normal_lines(answer)]
    return "\n".join(lines) + "\n"
