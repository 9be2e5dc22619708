"""Variables that change what programs or the shell do."""

from __future__ import annotations

SHELL_VARIABLES = frozenset(
    {"IFS", "PS4", "GLOBIGNORE", "SHELLOPTS", "BASHOPTS", "CDPATH", "POSIXLY_CORRECT", "FCEDIT"}
)
"""Variables that change how the shell itself reads or runs what follows (bash(1), Shell Variables)."""
_DANGEROUS = (
    "PATH", "PYTEST_", "DJANGO_SETTINGS_MODULE", "FLASK_APP", "TAR_OPTIONS", "GREP_OPTIONS", "RSYNC_", "WGETRC", "INPUTRC", "PSQLRC", "PSQL_", "PGOPTIONS", "MYSQL_",
    "HISTFILE", "ZDOTDIR", "FPATH", "GH_", "GITHUB_", "GLAB_", "HELM_", "TF_", "ANSIBLE_", "COMPOSE_", "DENO_", "BUN_", "PHPRC", "PHP_INI", "LUA_", "JULIA_", "NIX_",
    "GNUPGHOME", "SSH_", "AWKPATH", "AWKLIBPATH", "COMPILER_PATH", "LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH", "LDFLAGS", "CFLAGS", "CXXFLAGS", "LESS", "MANPATH", "BASH_", "CMAKE_", "VAGRANT_",
    "LD_", "DYLD_", "BASH_ENV", "ENV", "PROMPT_COMMAND", "PS1", "GIT_", "SSH_ASKPASS", "PYTHON", "NODE_OPTIONS",
    "NODE_PATH", "NODE_EXTRA_CA_CERTS", "NODE_TLS_", "NPM_CONFIG_", "npm_config_", "PERL", "RUBY", "GEM_", "BUNDLE_", "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "MAVEN_OPTS", "GRADLE_OPTS", "CLASSPATH", "GOFLAGS", "GOPROXY", "GONOSUM", "GOINSECURE", "GOTOOLCHAIN", "CC", "CXX",
    "RUSTC", "RUSTFLAGS", "RUSTUP_", "CARGO_", "MAKEFLAGS", "MAKEFILES", "PIP_", "UV_", "POETRY_", "PAGER", "MANPAGER", "EDITOR", "VISUAL",
    "BROWSER", "LESSOPEN", "LESSCLOSE", "HOME", "SHELL", "TMPDIR", "XDG_", "KUBECONFIG", "DOCKER_", "AWS_", "AZURE_", "GOOGLE_",
    "CLOUDSDK_", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_", "CURL_",
    "REQUESTS_CA_BUNDLE", "OPENSSL_CONF", "PGHOST", "PGSERVICE", "PGSYSCONFDIR", "PGPASSFILE", "RIPGREP_CONFIG_PATH", "LOCPATH", "GCONV_PATH", "HOSTALIASES",
    "TERMINFO", "BASH_FUNC_", "CODEX_", "CLAUDE_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "SUDO_", "VIRTUAL_ENV", "CONDA_", "YARN_",
)  # fmt: skip
"""Beginnings of variables that make programs load code, configuration or certificates, or talk to other hosts.

From ld.so(8), git(1), python(1), node(1), npm-config(7), perlrun(1), java(1), go(1), cargo(1), make(1), pip(1), less(1),
curl(1), bash(1), and the manuals of the programs that the other names begin with."""
_EXACT = frozenset(
    {
        "PATH",
        "ENV",
        "LESS",
        "FPATH",
        "CPATH",
        "LDFLAGS",
        "CFLAGS",
        "CXXFLAGS",
        "HOME",
        "SHELL",
        "CC",
        "CXX",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "BROWSER",
        "PS1",
        "PERL",
        "RUBY",
        "PYTHON",
    }
)
_SAFE = frozenset({
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONFAULTHANDLER", "CARGO_TERM_COLOR",
    "CARGO_INCREMENTAL", "CARGO_TERM_PROGRESS_WHEN", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PAGER", "PIP_NO_INPUT",
    "PIP_DISABLE_PIP_VERSION_CHECK", "UV_NO_PROGRESS", "NODE_TLS_MIN_V", "DOCKER_BUILDKIT", "npm_config_yes", "npm_config_loglevel",
})  # fmt: skip
PAGERS = frozenset({"PAGER", "GIT_PAGER", "MANPAGER", "GIT_EDITOR", "EDITOR", "VISUAL", "GIT_SEQUENCE_EDITOR"})
QUIET = frozenset({"", "cat", "true", ":"})
"""Values with which a pager or editor does nothing."""


def dangerous(name: str) -> bool:
    """True for a variable that can make programs do something else."""
    return name.startswith(_DANGEROUS) and name not in _SAFE and (name in _EXACT or not _only_exact(name))


def _only_exact(name: str) -> bool:
    """True when only a word of the table that must stand alone is the beginning of `name`."""
    return all(p in _EXACT for p in _DANGEROUS if name.startswith(p)) and not name.startswith(
        ("PYTHON", "PERL", "RUBY")
    )
