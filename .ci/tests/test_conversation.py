"""What counts as the same answer as printed, and what does not."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from conversation import Correspondence, differences, exchanges, rewritten

ID_A, ID_B, ID_C = (f"01920000-0000-7000-8000-00000000000{digit}" for digit in "abc")
README = f"""# A title

```console
$ cargo run
listening
```

```console
$ grpcurl -plaintext -d '{{
    "source": "crm"
  }}' 127.0.0.1:50051 Upsert
{{
  "leadId": "{ID_A}"
}}
$ grpcurl -plaintext \\
    127.0.0.1:50051 list
```

```json
$ grpcurl in another kind of block
```
"""


class Reading(unittest.TestCase):
    def test_only_console_blocks_that_begin_with_grpcurl_are_read(self):
        first, second = exchanges(README)
        self.assertEqual(first.command, "grpcurl -plaintext -d '{\n    \"source\": \"crm\"\n  }' 127.0.0.1:50051 Upsert")
        self.assertEqual(first.printed, f'{{\n  "leadId": "{ID_A}"\n}}')
        self.assertEqual(second.command, "grpcurl -plaintext \\\n    127.0.0.1:50051 list")
        self.assertEqual(second.printed, "")

    def test_update_replaces_what_was_printed_and_nothing_else(self):
        first, second = exchanges(README)
        text = rewritten(README, [(first, first.command, "{}\n"), (second, second.command, "leadgate.v1\n")])
        self.assertEqual(text, README.replace(f'{{\n  "leadId": "{ID_A}"\n}}', "{}").replace("list\n", "list\nleadgate.v1\n"))


class Comparing(unittest.TestCase):
    def check(self, printed: str, actual: str, same: bool, known: Correspondence | None = None) -> None:
        found = differences(printed, actual, known or Correspondence())
        self.assertEqual(not found, same, found)

    def test_volatile_values_may_differ_and_nothing_else_may(self):
        rows = [
            (f'"leadId": "{ID_A}"', f'"leadId": "{ID_B}"', True),
            ('"createTime": "2026-01-01T00:00:00Z"', '"createTime": "2026-02-02T01:02:03.123456Z"', True),
            ('"claimToken": "c-1"', '"claimToken": "c-2"', True),
            ('"decisionId": "7-1"', '"decisionId": "9-12"', True),
            ('"retryAfter": "59.9s"', '"retryAfter": "60s"', True),
            ('"status": "CREATED"', '"status": "UPDATED"', False),
            ('"value": "12345"', '"value": "12346"', False),
            ('"score": 0.85', '"score": 0.86', False),
            ('{\n  "a": 1\n}', '{\n  "a": 1,\n  "b": 2\n}', False),
            ('"version": "1"', "", False),
            (f'"leadId": "{ID_A}"', '"leadId": ""', False),
            ("text  \n", "text\n\n", True),
        ]
        for printed, actual, same in rows:
            with self.subTest(printed=printed, actual=actual):
                self.check(printed, actual, same)

    def test_one_printed_id_stands_for_one_id_throughout(self):
        known = Correspondence()
        self.check(f'"leadId": "{ID_A}"', f'"leadId": "{ID_B}"', True, known)
        self.check(f'"leadId": "{ID_A}"', f'"leadId": "{ID_B}"', True, known)
        self.check(f'"leadId": "{ID_A}"', f'"leadId": "{ID_C}"', False, known)
        self.check(f'"leadId": "{ID_C}"', f'"leadId": "{ID_B}"', False, known)

    def test_later_commands_name_the_ids_of_this_run(self):
        known = Correspondence()
        differences(f'"leadId": "{ID_A}"', f'"leadId": "{ID_B}"', known)
        self.assertEqual(known.translate(f"grpcurl -d '{ID_A}'"), f"grpcurl -d '{ID_B}'")


if __name__ == "__main__":
    unittest.main()
