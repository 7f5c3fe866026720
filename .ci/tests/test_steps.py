"""That `.ci/run` cannot pass when a step fails: the runner with planted steps."""

import subprocess
import unittest
from pathlib import Path

STEPS = Path(__file__).resolve().parents[1] / "lib" / "steps.sh"


def run(steps: str, *chosen: str) -> subprocess.CompletedProcess:
    script = f"set -euo pipefail\nsource {STEPS}\n{steps}\nrun_steps {' '.join(chosen)}\n"
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


class Runner(unittest.TestCase):
    def test_a_run_without_a_failure_passes(self):
        result = run("step first true\nstep second echo 'two  words'")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.endswith("\n2 passed, 0 failed\n"))
        self.assertIn("two  words", result.stdout)

    def test_a_failing_line_in_the_middle_of_a_step_fails_the_run_and_the_rest_still_runs(self):
        result = run("broken() { true; false; true; }\nstep broken broken\nstep later echo still here")
        self.assertEqual(result.returncode, 1)
        self.assertIn("still here", result.stdout)
        self.assertRegex(result.stdout, r"FAILED +\d+ s  broken\nok +\d+ s  later\n1 passed, 1 failed\n$")

    def test_a_failing_part_of_a_pipe_fails_the_run(self):
        self.assertEqual(run("piped() { false | cat; }\nstep piped piped").returncode, 1)

    def test_an_unset_variable_fails_the_run(self):
        self.assertEqual(run('unset_() { echo "$nothing_of_that_name"; }\nstep unset unset_').returncode, 1)

    def test_only_the_chosen_steps_run(self):
        result = run("step first false\nstep second true", "second")
        self.assertEqual(result.returncode, 0)
        self.assertIn("1 passed, 0 failed", result.stdout)

    def test_an_unknown_step_is_refused(self):
        result = run("step first true", "fisrt")
        self.assertEqual(result.returncode, 2)
        self.assertIn("There is no step fisrt", result.stderr)


if __name__ == "__main__":
    unittest.main()
