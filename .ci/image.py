"""What no linter of the Dockerfile can see: that the files it copies reach the build, and that cargo can do without the rest.

There is no container engine where this runs, so the image itself is not built here.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    complaints = [*copied_files_reach_the_build(), *targets_that_are_not_copied_have_a_path()]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def copied_files_reach_the_build() -> Iterator[str]:
    """Each file is in the repository, and .dockerignore, which keeps everything out, lets it in."""
    ignore = Path(".dockerignore").read_text().splitlines()
    if "*" not in ignore:
        yield ".dockerignore no longer keeps everything out"
    for name in sorted(copied()):
        if f"!{name}" not in ignore:
            yield f"{name} is copied, but .dockerignore keeps it out"
        if not Path(name).exists():
            yield f"{name} is copied, but is not there"


def targets_that_are_not_copied_have_a_path() -> Iterator[str]:
    """Tests and benches are not copied. cargo looks for a target without a path, and fails when it is not there."""
    manifest = tomllib.loads(Path("Cargo.toml").read_text())
    for kind in ("test", "bench", "example"):
        for target in manifest.get(kind, []):
            if "path" not in target:
                yield f"[[{kind}]] {target['name']} in Cargo.toml needs a path, or the image cannot be built"


def copied() -> set[str]:
    lines = Path("Dockerfile").read_text().splitlines()
    return {name for line in lines if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]}


if __name__ == "__main__":
    sys.exit(main())
