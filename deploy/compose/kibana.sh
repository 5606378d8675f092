# Kibana, or OpenSearch Dashboards, with its password from a file: neither image reads one by itself.
set -eu
if [ -x /usr/local/bin/kibana-docker ]; then
    cd /usr/share/kibana
    # The image would put a variable among its arguments, which everybody on the host can read: so into the keystore, if
    # that can be. Its commands succeed without having done anything, hence the look whether it is there.
    [ -e config/kibana.keystore ] || [ -e data/kibana.keystore ] || bin/kibana-keystore create >/dev/null 2>&1 || true
    bin/kibana-keystore add elasticsearch.password --stdin --force </secrets/kibana_password >/dev/null 2>&1 || true
    if ! bin/kibana-keystore list 2>/dev/null | grep -qx elasticsearch.password; then
        ELASTICSEARCH_PASSWORD=$(cat /secrets/kibana_password)
        export ELASTICSEARCH_PASSWORD
    fi
    exec /usr/local/bin/kibana-docker
fi
cd /usr/share/opensearch-dashboards
exec ./opensearch-dashboards-docker-entrypoint.sh opensearch-dashboards
