"""The whole of readme-conversation, with a stand-in for the server and for grpcurl: it must run what is printed, and notice a difference."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "readme-conversation"
PRINTED_ID = "01920000-0000-7000-8000-00000000000a"

SERVER = """#!/usr/bin/env bash
case $1 in
  serve) touch serving; trap 'exit %(exit_code)s' TERM; while :; do sleep 0.05; done ;;
  healthcheck) exit 0 ;;
esac
"""
# Makes up one id per server, tells how it was called, and that the server runs in an empty folder.
GRPCURL = """#!/usr/bin/env bash
[[ -e id ]] || cat /proc/sys/kernel/random/uuid >id
printf '{\\n  "leadId": "%s",\\n  "status": "%s"\\n}\\n' "$(cat id)" "$(ls | tr '\\n' ' ')"
[[ $* == *"$(cat id)"* ]] && echo asked for that lead
exit 0
"""
README = f"""```console
$ grpcurl -plaintext -d '{{"source": "crm"}}' 127.0.0.1:50999 Upsert
{{
  "leadId": "{PRINTED_ID}",
  "status": "id server.log serving "
}}
$ grpcurl -d '{{"lead_id": "{PRINTED_ID}"}}' 127.0.0.1:50999 GetLead
{{
  "leadId": "{PRINTED_ID}",
  "status": "id server.log serving "
}}
asked for that lead
```
"""


class Conversation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.readme = Path(self.folder.name, "README.md")

    def converse(self, readme: str, *options: str, exit_code: int = 0) -> subprocess.CompletedProcess:
        self.readme.write_text(readme)
        binary = self.executable("leadgate", SERVER % {"exit_code": exit_code})
        self.executable("grpcurl", GRPCURL)
        command = [sys.executable, SCRIPT, "--binary", binary, "--readme", self.readme, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def executable(self, name: str, text: str) -> Path:
        path = Path(self.folder.name, name)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test_the_printed_conversation_passes_with_the_ids_of_this_run(self):
        result = self.converse(README)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("2 commands, 0 with another answer", result.stdout)

    def test_another_answer_is_noticed(self):
        result = self.converse(README.replace("asked for that lead", "asked for another lead"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("-asked for another lead", result.stdout)
        self.assertIn("+asked for that lead", result.stdout)

    def test_update_makes_it_pass(self):
        self.converse(README.replace("asked for that lead", "asked for another lead"), "--update")
        self.assertEqual(self.converse(self.readme.read_text()).returncode, 0)

    def test_a_server_that_does_not_end_well_is_noticed(self):
        result = self.converse(README, exit_code=3)
        self.assertEqual(result.returncode, 1)
        self.assertIn("SIGTERM ended the server with 3 instead of 0", result.stderr)

    def test_a_file_without_a_conversation_is_refused(self):
        result = self.converse("# No conversation\n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("has no grpcurl conversation", result.stderr)


if __name__ == "__main__":
    unittest.main()
