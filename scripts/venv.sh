# Sourced by ./demo and ./check: a virtual environment in .venv with this checkout installed in it.
# `venv_ready KIND [EXTRA CONSTRAINTS]` installs again only when one of the files that say what is needed has changed.

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$name"
            return
        fi
    done
    echo "policy_lang needs Python 3.11 or newer; set PYTHON to one" >&2
    return 1
}

venv_ready() {
    local kind=$1 extra=${2:+[$2]} constraints=${3:-} python stamp want
    stamp=.venv/.installed-$kind
    want=$(cat pyproject.toml ${constraints:+"$constraints"} | cksum)
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python)
        "$python" -m venv .venv
    fi
    if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
        echo "installing into .venv ..." >&2
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extra" \
            ${constraints:+--constraint "$constraints"}
        printf '%s' "$want" >"$stamp"
    fi
}
