"""Where a container belongs, by its labels."""

from collector.docker.labels import service, trusted_fields


def test_the_service_is_the_swarms_else_that_of_compose() -> None:
    compose = {"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}
    swarm = {"com.docker.swarm.service.name": "shop_web"}
    assert [service(labels) for labels in ({}, compose, compose | swarm)] == ["", "web", "shop_web"]


def test_trusted_fields_are_those_that_exist() -> None:
    assert trusted_fields({}) == {}
    compose = {"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}
    assert trusted_fields(compose) == {"docker_app": "shop", "docker_service": "web"}
    swarm = {
        "com.docker.stack.namespace": "shop",
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task.name": "shop_web.1.k3",
    }
    assert trusted_fields(swarm) == {"docker_app": "shop", "docker_service": "shop_web", "docker_task": "shop_web.1.k3"}
    pod = {"io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "n", "io.kubernetes.container.name": "c"}
    assert trusted_fields(pod) == {"k8s_pod": "p", "k8s_pod_namespace": "n", "k8s_container_name": "c"}
