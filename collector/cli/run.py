"""`pilotfish run`: the agent itself."""

from functools import partial

from collector.cli.options import Config, Routes, examples
from collector.runtime import garbage

EXAMPLES = examples(
    "pilotfish run",
    "pilotfish run -c /etc/pilotfish/pilotfish.yml",
    "pilotfish run syslog+tls://logs.example:6514",
    "PILOTFISH_HTTP__LISTEN=0.0.0.0:9880 pilotfish run",
)


def run(routes: Routes = "", config: Config = None) -> None:
    """Run the agent until SIGTERM or Ctrl-C. SIGHUP reloads rules of the configuration.

    ROUTES are destinations in the words of logspout, besides the configured outputs: URIs with a comma between them.
    Without a configuration file, the agent follows the local Docker daemon and writes to the embedded store.
    """
    with garbage.loading():
        import uvloop

        from collector.app.plugins import installed_types
        from collector.config.loading import load
        from collector.runtime import signals
        from collector.workers import agent

        read = partial(load, config, installed_types(), routes=routes)
        configuration = read()
    uvloop.run(signals.to_the_end(agent.run(configuration, read)))
