#!/usr/bin/env bash
# Install the programs that tests try for real, where they are missing: PostgreSQL's server, Chromium, ssh-keygen, zsh, dash, ripgrep, bubblewrap, curl, socat, mitmproxy.
# Tests of a program that is not there are left out on a developer's machine, and fail in CI.
set -euo pipefail
wanted=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || wanted+=(postgresql)
command -v chromium >/dev/null || command -v google-chrome >/dev/null || wanted+=(chromium)
command -v ssh-keygen >/dev/null || wanted+=(openssh-client)
command -v zsh >/dev/null || wanted+=(zsh)
command -v dash >/dev/null || wanted+=(dash)
command -v rg >/dev/null || wanted+=(ripgrep)
command -v bwrap >/dev/null || wanted+=(bubblewrap)
command -v curl >/dev/null || wanted+=(curl)
command -v socat >/dev/null || wanted+=(socat)
if [ ${#wanted[@]} -eq 0 ] && [ -x /usr/local/bin/mitmdump ]; then exit 0; fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "not installed: ${wanted[*]}; install them as your system does" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
if [ ${#wanted[@]} -gt 0 ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi
if [ ! -x /usr/local/bin/mitmdump ]; then # a program of its own: it wants other versions of libraries than we do
    . "$(dirname "$0")/venv.sh"
    "$(find_python)" -m venv /opt/mitmproxy
    /opt/mitmproxy/bin/pip install --quiet --disable-pip-version-check "mitmproxy>=11,<13"
    ln -sf /opt/mitmproxy/bin/mitmdump /usr/local/bin/mitmdump
fi
