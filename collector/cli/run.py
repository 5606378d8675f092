"""`pilotfish run`: the agent itself."""

from collector.cli.options import Config, examples
from collector.runtime import garbage

EXAMPLES = examples(
    "pilotfish run",
    "pilotfish run -c /etc/pilotfish/pilotfish.yml",
    "PILOTFISH_HTTP__LISTEN=0.0.0.0:9880 pilotfish run",
)


def run(config: Config = None) -> None:
    """Run the agent until SIGTERM or Ctrl-C.

    Without a configuration file, the agent follows the local Docker daemon and writes to the embedded store.
    """
    with garbage.loading():
        import uvloop

        from collector.app.plugins import installed_types
        from collector.config.loading import load
        from collector.runtime import signals
        from collector.workers import agent

        configuration = load(config, installed_types())
    uvloop.run(signals.to_the_end(agent.run(configuration)))
