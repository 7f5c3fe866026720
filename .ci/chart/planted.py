"""Faults put into a copy of the chart. Each must be found: this is what shows that the checks can fail."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helm import CHART

# name, file, the text that is there, the text put in its place, a part of the complaint that must follow
FAULTS = [
    ("unknown field", "statefulset.yaml", "serviceName:", "serviceNames:", "serviceNames"),
    ("unknown field deep inside", "statefulset.yaml", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "readOnlyRootFileSystem"),
    ("wrong type", "statefulset.yaml", "containerPort: 50051", 'containerPort: "50051"', "'50051' is not of type"),
    ("unknown field of a Service", "services.yaml", "clusterIP: None", "clusterIp: None", "clusterIp"),
    ("unknown field of a NetworkPolicy", "networkpolicy.yaml", "policyTypes:", "policyType:", "policyType"),
    ("wrong type in a PodDisruptionBudget", "poddisruptionbudget.yaml", "  selector:\n    matchLabels:", "  selector: pod\n  other:", "is not of type"),
    ("same key twice", "services.yaml", "  clusterIP: None", "  clusterIP: None\n  clusterIP: None", "clusterIP is there twice"),
    ("runs as root", "statefulset.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "the pod may run as root"),
    ("writable root", "statefulset.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "the root file system can be written"),
    ("capabilities kept", "statefulset.yaml", "                - ALL", "                - NET_RAW", "capabilities are left"),
    ("service links", "statefulset.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "LEADGATE_ settings"),
    ("probe of another name", "statefulset.yaml", "service: leadgate.{{ $probe }}", "service: leadgate", "does not ask leadgate.startup"),
    ("data beside the volume", "statefulset.yaml", "mountPath: /var/lib/leadgate", "mountPath: /data", "not written to the volume"),
    ("drain in the wrong unit", "statefulset.yaml", " 1000 }}", " 1000000 }}", "killed before the drain is over"),
    ("selector of nothing", "services.yaml", '{{- include "leadgate.selectorLabels" . | nindent 4 }}', "app: other", "does not select the pod"),
    ("token mounted", "serviceaccount.yaml", "Token: false", "Token: true", "hands out a token"),
    ("everybody may call", "networkpolicy.yaml", "    - from:\n        {{- toYaml .Values.networkPolicy.from | nindent 8 }}\n      ports:", "    - ports:", "a rule for everybody"),
]  # fmt: skip


@contextmanager
def chart_with(file: str, there: str, instead: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "leadgate"
        shutil.copytree(CHART, chart)
        template = chart / "templates" / file
        text = template.read_text()
        if there not in text:
            raise SystemExit(f"the planted fault no longer fits: {file} has no {there!r}")
        template.write_text(text.replace(there, instead))
        yield chart
