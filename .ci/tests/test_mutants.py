"""That every planted fault of tests/mutants still fits the sources: `.ci/mutants` itself takes too long for every run."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = sorted((ROOT / "tests" / "mutants").glob("*.patch"))


def hunks(patch: str):
    """The file that each hunk changes, and the lines that it expects there."""
    for part in re.split(r"^diff --git .*\n", patch, flags=re.MULTILINE)[1:]:
        header, *bodies = re.split(r"^@@ .*\n", part, flags=re.MULTILINE)
        path = re.search(r"^--- a/(\S+)", header, flags=re.MULTILINE)[1]
        for body in bodies:
            yield path, "".join(line[1:] for line in body.splitlines(keepends=True) if line[0] in " -")


class Patches(unittest.TestCase):
    def test_every_patch_says_who_notices_it_and_still_applies(self):
        self.assertTrue(PATCHES)
        for patch in PATCHES:
            text = patch.read_text(encoding="utf-8")
            with self.subTest(patch.name):
                self.assertRegex(text, r"(?m)^noticed by: (schedules|lib|it) \S+\nwith: \S")
                expected = list(hunks(text))
                self.assertTrue(expected)
                for path, lines in expected:
                    stands = lines in (ROOT / path).read_text(encoding="utf-8")
                    self.assertTrue(stands, f"{path} no longer holds:\n{lines}")


if __name__ == "__main__":
    unittest.main()
