# Shared by the scripts beside it: `. script/lib.sh`, then `enter_checkout` and `ensure_venv EXTRA`.
# A step says what it does in one line; what is in place already is not done again and says nothing.

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }

fail() {
    say "$*" >&2
    exit 1
}

enter_checkout() { cd "$(dirname "${BASH_SOURCE[0]}")/.."; }

# Install Debian packages: apt_install PACKAGE...
apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        fail "missing, and only root on Debian can install it here: apt-get install $*"
    say "apt-get install $*"
    local log
    log=$(mktemp)
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"; } \
        >"$log" 2>&1 || { tail -n 15 "$log" >&2; rm -f "$log"; fail "apt-get install $* failed, see above"; }
    rm -f "$log"
}

# Print the first Python on the path that is new enough.
find_python() {
    local python
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    find_python >/dev/null || apt_install python3 python3-venv
    python=$(find_python) || fail "no Python 3.11 or newer: install one and put it on the PATH"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv >/dev/null || fail "$python -m venv .venv failed: the output above tells why"
}

# Make .venv hold this checkout with an extra ("" or dev): done again only when pyproject.toml or the place changed.
ensure_venv() {
    local extra=$1 stamp sum
    .venv/bin/python -c '' 2>/dev/null || make_venv
    stamp=.venv/installed${extra:+-$extra}
    sum=$(cat pyproject.toml <(pwd) | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then return; fi
    say "installing pilotfish${extra:+[$extra]} into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${extra:+[$extra]}" ||
        fail "pip could not install pilotfish: the output above tells why"
    printf '%s\n' "$sum" >"$stamp"
    printf '%s\n' "$sum" >.venv/installed # an extra brings the plain installation too
}
