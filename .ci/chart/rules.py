"""What must hold for every rendered object, beyond its being valid Kubernetes. Each rule yields its complaints."""

from collections.abc import Iterator

GRPC, HEALTH, METRICS = 50051, 50052, 9464
PROBES = {
    "startupProbe": "leadgate.startup",
    "readinessProbe": "leadgate.readiness",
    "livenessProbe": "leadgate.liveness",
}


def complaints(objects: list[dict]) -> list[str]:
    by_kind: dict[str, list[dict]] = {}
    for item in objects:
        by_kind.setdefault(item["kind"], []).append(item)
    stateful_sets = by_kind.get("StatefulSet", [])
    if len(stateful_sets) != 1:
        return [f"{len(stateful_sets)} StatefulSets instead of one"]
    stateful_set = stateful_sets[0]
    pod = stateful_set["spec"]["template"]["spec"]
    return [
        *single_writer(stateful_set),
        *pod_is_locked_down(pod),
        *probes_ask_the_health_names(pod),
        *settings_are_not_polluted(pod),
        *shutdown_outlasts_the_drain(pod),
        *mounts_are_complete(stateful_set, by_kind.get("ConfigMap", [])),
        *selectors_select_the_pod(stateful_set, by_kind),
        *service_ports_are_open(pod, by_kind.get("Service", [])),
        *accounts_get_no_token(by_kind.get("ServiceAccount", [])),
        *network_policy_names_its_peers(by_kind.get("NetworkPolicy", [])),
    ]


def single_writer(stateful_set: dict) -> Iterator[str]:
    spec = stateful_set["spec"]
    if spec["replicas"] != 1:
        yield "more than one writer"
    if spec["persistentVolumeClaimRetentionPolicy"] != {"whenDeleted": "Retain", "whenScaled": "Retain"}:
        yield "the data would go with the release"
    for claim in spec["volumeClaimTemplates"]:
        if "ReadWriteMany" in claim["spec"]["accessModes"]:
            yield "a volume that several nodes may write"


def pod_is_locked_down(pod: dict) -> Iterator[str]:
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser") or not security.get("runAsGroup"):
        yield "the pod may run as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if not security.get("fsGroup"):
        yield "no group for the volume"
    if pod.get("automountServiceAccountToken") is not False:
        yield "the pod gets a token"
    for unwanted in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(unwanted):
            yield f"{unwanted} is on"
    for container in pod["containers"] + pod.get("initContainers", []):
        yield from container_is_locked_down(container)


def container_is_locked_down(container: dict) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield "the root file system can be written"
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "privileges can be gained"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities are left"
    if not container.get("resources", {}).get("requests") or "memory" not in container["resources"].get("limits", {}):
        yield "no resources are set"


def probes_ask_the_health_names(pod: dict) -> Iterator[str]:
    (container,) = pod["containers"]
    for probe, service in PROBES.items():
        if container.get(probe, {}).get("grpc") != {"port": HEALTH, "service": service}:
            yield f"{probe} does not ask {service} on port {HEALTH}"
    if {port["name"]: port["containerPort"] for port in container["ports"]}.get("health") != HEALTH:
        yield "the health port is not declared"


def settings_are_not_polluted(pod: dict) -> Iterator[str]:
    if pod.get("enableServiceLinks") is not False:
        yield "Services of the namespace appear as LEADGATE_ settings"


def shutdown_outlasts_the_drain(pod: dict) -> Iterator[str]:
    drain_ms = int(argument(pod, "--drain-deadline-ms"))
    if pod["terminationGracePeriodSeconds"] * 1000 < drain_ms + 10_000:
        yield "killed before the drain is over"


def mounts_are_complete(stateful_set: dict, config_maps: list[dict]) -> Iterator[str]:
    spec = stateful_set["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    volumes |= {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    if set(mounts) != volumes:
        yield f"mounts {sorted(mounts)} and volumes {sorted(volumes)} differ"
    for name, mount in mounts.items():
        if name != "data" and mount.get("readOnly") is not True:
            yield f"{name} can be written"
    if mounts["data"]["mountPath"] != argument(pod, "--data-dir"):
        yield "the data are not written to the volume"
    files = {argument(pod, flag) for flag in ("--config", "--policy")} - {None}
    if files and "config" not in mounts:
        yield "a settings file is named but not mounted"
    for config_map in config_maps:
        if {f"/etc/leadgate/{key}" for key in config_map["data"]} != files:
            yield "the ConfigMap's keys are not the files that the server is told to read"


def selectors_select_the_pod(stateful_set: dict, by_kind: dict[str, list[dict]]) -> Iterator[str]:
    labels = stateful_set["spec"]["template"]["metadata"]["labels"]
    selectors = {"StatefulSet": stateful_set["spec"]["selector"]["matchLabels"]}
    for service in by_kind.get("Service", []):
        selectors["Service " + service["metadata"]["name"]] = service["spec"]["selector"]
    for budget in by_kind.get("PodDisruptionBudget", []):
        selectors["PodDisruptionBudget"] = budget["spec"]["selector"]["matchLabels"]
    for policy in by_kind.get("NetworkPolicy", []):
        selectors["NetworkPolicy"] = policy["spec"]["podSelector"]["matchLabels"]
    for owner, selector in selectors.items():
        if not selector or not selector.items() <= labels.items():
            yield f"{owner} does not select the pod"


def service_ports_are_open(pod: dict, services: list[dict]) -> Iterator[str]:
    (container,) = pod["containers"]
    open_ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    expected = {"grpc": GRPC, "health": HEALTH} | ({"metrics": METRICS} if "metrics" in open_ports else {})
    if open_ports != expected:
        yield f"ports {open_ports} instead of {expected}"
    for flag, port in (("--listen", GRPC), ("--health-listen", HEALTH)):
        if not argument(pod, flag).endswith(f":{port}"):
            yield f"{flag} is not port {port}"
    if ("metrics" in open_ports) != (argument(pod, "--metrics-listen") is not None):
        yield "the metrics port is open without a listener, or the other way round"
    if [service["spec"].get("clusterIP") for service in services].count("None") != 1 or len(services) != 2:
        yield "not one headless Service and one for clients"
    for service in services:
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in open_ports:
                yield f"Service port {port['name']} leads nowhere"
            if port["targetPort"] == "health":
                yield "the health port is published"


def accounts_get_no_token(accounts: list[dict]) -> Iterator[str]:
    for account in accounts:
        if account.get("automountServiceAccountToken") is not False:
            yield "the ServiceAccount hands out a token"


def network_policy_names_its_peers(policies: list[dict]) -> Iterator[str]:
    for policy in policies:
        if set(policy["spec"]["policyTypes"]) != {"Ingress", "Egress"} or policy["spec"]["egress"] != []:
            yield "the server may call out"
        for rule in policy["spec"]["ingress"]:
            if not rule.get("from") or not rule.get("ports"):
                yield "a rule for everybody or for every port"


def argument(pod: dict, flag: str) -> str | None:
    """The value of a flag of the server; None when it is not given."""
    for given in pod["containers"][0]["args"]:
        name, _, value = given.partition("=")
        if name == flag:
            return value
    return None
