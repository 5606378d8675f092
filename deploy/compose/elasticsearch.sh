# Elasticsearch with its password from a file, which the image of 6.8 cannot do by itself; or OpenSearch, which has none.
set -eu
if [ -n "${ELASTIC_PASSWORD_FILE-}" ]; then
    ELASTIC_PASSWORD=$(cat "$ELASTIC_PASSWORD_FILE")
    export ELASTIC_PASSWORD
    unset ELASTIC_PASSWORD_FILE
    exec /usr/local/bin/docker-entrypoint.sh eswrapper
fi
cd /usr/share/opensearch
exec ./opensearch-docker-entrypoint.sh opensearch
