# Elasticsearch is healthy → the user kibana_system has KIBANA_PASSWORD.
set -eu
curl -fsS -o /dev/null -u "elastic:$ELASTIC_PASSWORD" -H 'content-type: application/json' \
    -d "{\"password\":\"$KIBANA_PASSWORD\"}" http://elasticsearch:9200/_security/user/kibana_system/_password
echo "kibana_system has its password"
