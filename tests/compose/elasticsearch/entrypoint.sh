# As the official image does: a password from a file, settings from variables with a dot in their names.
set -eu
# of the distribution itself: it refuses a file that others may read
VAR_NAME_FILE=
set +u
. bin/elasticsearch-env-from-file
set -u
if [ -n "${ELASTIC_PASSWORD-}" ] && [ ! -e config/elasticsearch.keystore ]; then
    bin/elasticsearch-keystore create
    printf '%s' "$ELASTIC_PASSWORD" | bin/elasticsearch-keystore add --stdin bootstrap.password
fi
settings=()
while IFS='=' read -r name value; do
    if [[ $name =~ ^[a-z_]+\.[a-z_.]+$ ]]; then settings+=("-E$name=$value"); fi
done < <(env)
exec bin/elasticsearch "${settings[@]}"
