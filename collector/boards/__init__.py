"""dashboards/ → Kibana, OpenSearch Dashboards, Grafana: what `pilotfish setup` imports through their own APIs.

- `files`: the package's dashboards/, in a checkout and in an installed wheel, and `export` of them.
- `access`: options → address, credentials, TLS; secrets come from files or the environment and stand in no text.
- `client`: requests and their refusals, each with cause and remedy.
- `kibana`, `grafana`: what is there, what is made, what is kept; a step for each object, as shippers' `set_up` gives.

What an operator made or changed is never replaced unless told so, and all may be run again at any time.
"""
