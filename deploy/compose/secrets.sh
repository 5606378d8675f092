# An empty volume → /secrets/<name>_password for each service that needs one, readable by nobody but its user.
# What is there stays: Elasticsearch keeps the first password in its data.
set -eu
make() { # make NAME UID: the image's user
    if [ -s "/secrets/$1" ]; then
        echo "$1 is there"
    else
        # 24 letters and digits; the servers take every one of them in a URL, a header and a shell
        password=$(head -c 256 /dev/urandom | tr -dc 'A-Za-z0-9' | head -c 24)
        [ "${#password}" -eq 24 ] || { echo "$1: no randomness" >&2; exit 1; }
        (umask 077 && printf '%s' "$password" >"/secrets/.$1")
        mv "/secrets/.$1" "/secrets/$1"
        echo "$1 is made"
    fi
    chmod 400 "/secrets/$1" # Elasticsearch refuses a file that others can read
    chown "$2:0" "/secrets/$1"
}
chmod 755 /secrets
make elastic_password 1000
make kibana_password 1000
make grafana_password 472
