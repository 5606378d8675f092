# Shared by the scripts beside it: `. script/lib.sh`, then `enter_checkout` and `ensure_venv run|dev`.
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

# make_venv DIRECTORY
make_venv() {
    local python
    find_python >/dev/null || apt_install python3 python3-venv
    python=$(find_python) || fail "no Python 3.11 or newer: install one and put it on the PATH"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "making $1 with $("$python" --version)"
    rm -rf "$1"
    "$python" -m venv "$1" >/dev/null || fail "$python -m venv $1 failed: the output above tells why"
}

# pip_install DIRECTORY ARGUMENT...
pip_install() {
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}" ||
        fail "pip could not install pilotfish: the output above tells why"
}

# Make .venv hold this checkout and the locked packages of `run` (what the command needs) or `dev` (what its tests and
# pages need, too). It is done again only when pyproject.toml, a lock or the place changed.
ensure_venv() {
    local lock=requirements.lock sum
    if [ "$1" = dev ]; then lock=requirements-dev.lock; fi
    .venv/bin/python -c '' 2>/dev/null || make_venv .venv
    sum=$(cat pyproject.toml requirements*.lock <(pwd) | sha256sum)
    if grep -qsxF "$sum" ".venv/installed-$1"; then return; fi
    say "installing pilotfish and $lock into .venv"
    pip_install .venv --require-hashes -r requirements-build.lock
    pip_install .venv --require-hashes -r "$lock"
    pip_install .venv --no-deps --no-build-isolation --editable .
    printf '%s\n' "$sum" | tee ".venv/installed-$1" >.venv/installed-run # dev brings the plain installation too
}

# Make .venv-newest hold this checkout and the newest release of everything that it asks for, and say what differs
# from the lock.
newest_venv() {
    .venv-newest/bin/python -c '' 2>/dev/null || make_venv .venv-newest
    say "installing the newest releases into .venv-newest"
    pip_install .venv-newest --upgrade --upgrade-strategy eager --editable '.[dev]'
    .venv-newest/bin/python -m pip --disable-pip-version-check freeze --exclude-editable | tr 'A-Z_' 'a-z-' |
        grep -vxFf <(sed -n 's/^\([^ ]*==[^ ]*\).*/\1/p' requirements-dev.lock) | sed 's/^/not as in the lock: /' || true
}
