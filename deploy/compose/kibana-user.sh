# Elasticsearch is healthy → the user KIBANA_USER has the password that Kibana reads.
set -eu
# Both passwords by stdin, as lines of curl's configuration: its arguments are everybody's to read on the host. Neither
# has a quote or a backslash (secrets.sh), and printf is no program of its own.
status=$(printf 'user = "elastic:%s"\ndata = "{\\"password\\":\\"%s\\"}"\n' \
    "$(cat /secrets/elastic_password)" "$(cat /secrets/kibana_password)" |
    curl -sS -o /tmp/answer -w '%{http_code}' -H 'content-type: application/json' --config - \
        "http://elasticsearch:9200/_security/user/$KIBANA_USER/_password")
if [ "$status" = 200 ]; then
    echo "$KIBANA_USER has its password"
elif grep -q 'no handler found' /tmp/answer; then # OpenSearch
    echo "this server keeps no users: nothing to do"
else
    echo "$KIBANA_USER has no password: Elasticsearch answers $status $(cat /tmp/answer)" >&2
    exit 1
fi
