"""OpenTelemetry's log records as Elasticsearch keeps them: docs/document.md, "Other forms".

The shape is that of Elasticsearch's own templates for `logs-*.otel-*` (x-pack/plugin/otel-data): attributes by dotted
names in one object, and a body of several members in `body.flattened`. `body.structured` is for events with a name:
there each member of a line would be a field of the index, and be found as if it stood at the root.
"""

from collector.documents.form import Place, Renamed


def _attribute(name: str) -> Place:
    return "attributes", name


def _resource(name: str) -> Place:
    return "resource", "attributes", name


FORM = Renamed(
    message=("body", "text"),
    log=("body", "flattened"),
    own=("attributes", "pilotfish."),
    labels=("resource", "attributes", "labels."),
    places={
        "stream": _attribute("log.iostream"),
        "file": _attribute("log.file.path"),
        "host": _resource("host.name"),
        "@target": _resource("pilotfish.target"),
        "docker_container": _resource("container.name"),
        "docker_container_id": _resource("container.id"),
        "docker_image": _resource("container.image.name"),
        "docker_app": _resource("service.namespace"),
        "docker_service": _resource("service.name"),
        "docker_task": _resource("service.instance.id"),
        "k8s_pod": _resource("k8s.pod.name"),
        "k8s_pod_namespace": _resource("k8s.namespace.name"),
        "k8s_container_name": _resource("k8s.container.name"),
        "level": ("severity_text",),
        "severity_number": ("severity_number",),
        "docker_time": ("observed_timestamp",),
    },
    lifted={
        ("trace_id",): ("trace_id", "trace.id", "traceId"),
        ("span_id",): ("span_id", "span.id", "spanId"),
    },
    is_flat=True,
)
