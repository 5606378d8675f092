# Elasticsearch is healthy → the user KIBANA_USER has the password that Kibana reads.
set -eu
status=$(curl -sS -o /tmp/answer -w '%{http_code}' -u "elastic:$(cat /secrets/elastic_password)" \
    -H 'content-type: application/json' -d "{\"password\":\"$(cat /secrets/kibana_password)\"}" \
    "http://elasticsearch:9200/_security/user/$KIBANA_USER/_password")
if [ "$status" = 200 ]; then
    echo "$KIBANA_USER has its password"
elif grep -q 'no handler found' /tmp/answer; then # OpenSearch
    echo "this server keeps no users: nothing to do"
else
    echo "$KIBANA_USER has no password: Elasticsearch answers $status $(cat /tmp/answer)" >&2
    exit 1
fi
