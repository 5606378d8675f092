#!/bin/bash
# As the official images do, 6.8 among them: another command is run as it is; a password and settings come from variables.
set -eu
if [ "${1-}" != eswrapper ]; then exec "$@"; fi
if [ -n "${ELASTIC_PASSWORD-}" ] && [ ! -e config/elasticsearch.keystore ]; then
    bin/elasticsearch-keystore create
    printf '%s' "$ELASTIC_PASSWORD" | bin/elasticsearch-keystore add --stdin bootstrap.password
fi
settings=()
while IFS='=' read -r name value; do
    if [[ $name =~ ^[a-z_]+\.[a-z_.]+$ ]]; then settings+=("-E$name=$value"); fi
done < <(env)
exec bin/elasticsearch "${settings[@]}"
