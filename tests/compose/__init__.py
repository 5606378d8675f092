"""The image and compose-elk.yml, built and booted for real on a Docker daemon of the tests' own.

No registry is asked: the base is a Debian made from the machine's own mirror, and stand-ins have the names that the
compose file uses: the real Elasticsearch and the real Prometheus on that base, and the machine's busybox. Kibana and
Grafana cannot be had so, and are left out.
"""
