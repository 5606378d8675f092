# The base is an argument, so that an image of one's own (or of an offline host) can stand in for it.
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}

# An environment of its own: a distribution's Python refuses packages from elsewhere (PEP 668).
RUN python3 -m venv /opt/pilotfish
ENV PATH=/opt/pilotfish/bin:$PATH

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY collector collector
COPY shippers shippers
COPY dashboards dashboards
RUN pip install --no-cache-dir . && rm -r /src/*

WORKDIR /
VOLUME /var/lib/pilotfish
EXPOSE 9880
# /healthz only: an output that is away must not restart the agent
HEALTHCHECK --interval=30s --timeout=6s --start-period=15s --retries=3 CMD ["pilotfish", "healthcheck"]
ENTRYPOINT ["pilotfish"]
CMD ["run"]
