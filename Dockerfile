# Two stages: one builds the environment, one runs it without pip, compiler or package lists.
# The base is an argument, so that an image of one's own (or of an offline host) can stand in for it: Debian or a
# relative of it, with Python 3.11 or newer and its venv.
#
#   docker build -t pilotfish .                                             from Docker Hub and PyPI
#   docker build -t pilotfish --build-arg PYTHON_IMAGE=... --build-arg PIP_INDEX_URL=... .
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS builder

# An init: process 1 is deaf to a signal without a handler, so a stop while the agent still loads would wait for SIGKILL.
# The static one is a single file that runs on every base.
RUN command -v tini-static >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends tini; }
RUN cp "$(command -v tini-static)" /tini

# Where packages come from, if not from PyPI; pip reads these by itself, and none of them reaches the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_TRUSTED_HOST
ARG PIP_CERT
ARG PIP_PROXY
ARG PIP_DEFAULT_TIMEOUT

# An environment of its own: a distribution's Python refuses packages from elsewhere (PEP 668). Packages come in the locked
# versions with the locked hashes, before the code: a change of it builds no more than its own wheel.
WORKDIR /src
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/pilotfish
COPY requirements.lock requirements-build.lock ./
RUN /build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock \
    && /build/bin/pip --python /opt/pilotfish/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes -r requirements.lock \
    && find /opt/pilotfish -path '*/numpy/*' -type d -name tests -prune -exec rm -r {} +
COPY pyproject.toml README.md LICENSE ./
COPY collector collector
COPY shippers shippers
COPY dashboards dashboards
COPY tests/contract tests/contract
# Installing compiles: the root will be read-only, and a health check every 30 s would compile again and again.
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/pilotfish/bin/python install --no-deps --no-index /wheel/*.whl

FROM ${PYTHON_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pilotfish" \
      org.opencontainers.image.description="Follows every container's output, ships each line to Elasticsearch exactly once, shows health to Prometheus" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/pilotfish-logs/pilotfish" \
      pilotfish.exclude="true"

COPY --from=builder /tini /usr/local/bin/tini
COPY --from=builder /opt/pilotfish /opt/pilotfish
# Group 0 may write there too: `--user 10001:0` needs nothing prepared.
RUN mkdir -m 0770 /data
ENV PATH=/opt/pilotfish/bin:$PATH \
    PILOTFISH_STATE_DIR=/data

VOLUME /data
EXPOSE 9880
# /healthz only: an output that is away must not restart the agent
HEALTHCHECK --interval=30s --timeout=6s --start-period=15s --retries=3 CMD ["pilotfish", "healthcheck"]
ENTRYPOINT ["tini", "--", "pilotfish"]
CMD ["run"]
