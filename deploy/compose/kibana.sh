# Kibana, or OpenSearch Dashboards, with its password from a file: neither image reads one by itself.
set -eu
if [ -x /usr/local/bin/kibana-docker ]; then
    ELASTICSEARCH_PASSWORD=$(cat /secrets/kibana_password)
    export ELASTICSEARCH_PASSWORD
    exec /usr/local/bin/kibana-docker
fi
cd /usr/share/opensearch-dashboards
exec ./opensearch-dashboards-docker-entrypoint.sh opensearch-dashboards
