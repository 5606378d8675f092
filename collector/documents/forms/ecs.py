"""The Elastic Common Schema: docs/document.md, "Other forms"; elastic.co/docs/reference/ecs.

`app` is the line's own JSON: the schema leaves that name to others. `pilotfish` has what the schema has no field for.
"""

from collector.documents.form import Renamed

FORM = Renamed(
    message=("message",),
    log=("app",),
    own=("pilotfish",),
    labels=("labels",),
    places={
        "stream": ("stream",),  # as Filebeat has it
        "host": ("host", "name"),
        "@target": ("pilotfish", "target"),
        "docker_container": ("container", "name"),
        "docker_container_id": ("container", "id"),
        "docker_image": ("container", "image", "name"),
        "docker_app": ("service", "namespace"),
        "docker_service": ("service", "name"),
        "docker_task": ("service", "node", "name"),
        "k8s_pod": ("kubernetes", "pod", "name"),
        "k8s_pod_namespace": ("kubernetes", "namespace"),
        "k8s_container_name": ("kubernetes", "container", "name"),
        "level": ("log", "level"),
        "severity_number": ("event", "severity"),
        "line": ("log", "offset"),
        "file": ("log", "file", "path"),
        "docker_time": ("event", "created"),
    },
    lifted={
        ("trace", "id"): ("trace_id", "trace.id", "traceId"),
        ("span", "id"): ("span_id", "span.id", "spanId"),
    },
    copied={("event", "dataset"): "@target"},
    constant={("ecs", "version"): "8.17.0"},
)
