"""A container's labels → where it belongs: the service, and the trusted members that tell."""

from collections.abc import Mapping

from collector.text.bounds import slim

TRUSTED = ("docker_app", "docker_service", "docker_task", "k8s_pod", "k8s_pod_namespace", "k8s_container_name")
_STARTS = ("com.docker.", "io.kubernetes.")


def service(labels: Mapping[str, str]) -> str:
    """The swarm service, else the compose service, else ""."""
    return labels.get("com.docker.swarm.service.name") or labels.get("com.docker.compose.service") or ""


def trusted_fields(labels: Mapping[str, str]) -> dict[str, str]:
    """Members that tell where the container belongs; only those that exist."""
    values = (
        labels.get("com.docker.stack.namespace") or labels.get("com.docker.compose.project") or "",
        service(labels),
        labels.get("com.docker.swarm.task.name", ""),  # as `docker service ps` has it
        labels.get("io.kubernetes.pod.name", ""),
        labels.get("io.kubernetes.pod.namespace", ""),
        labels.get("io.kubernetes.container.name", ""),
    )
    return {name: value for name, value in zip(TRUSTED, values, strict=True) if value}


def relevant(labels: Mapping[str, str]) -> dict[str, str]:
    """Those that tell where the container belongs, without the bulk of their values."""
    return slim({key: value for key, value in labels.items() if key.startswith(_STARTS)})
