"""Variables of the environment: which are harmless with which values, and what the others make programs do."""

from __future__ import annotations

import re

from ..domain.regex import regex

SHELL_VARIABLES = frozenset(
    {"IFS", "PS4", "GLOBIGNORE", "SHELLOPTS", "BASHOPTS", "CDPATH", "POSIXLY_CORRECT", "FCEDIT"}
)
"""Variables that change how the shell itself reads or runs what follows (bash(1), Shell Variables)."""
OWNED: dict[str, bool] = {
    **dict.fromkeys((
        "RANDOM", "SRANDOM", "SECONDS", "LINENO", "UID", "EUID", "GID", "EGID", "PPID", "BASHPID", "SHLVL", "HISTCMD", "EPOCHSECONDS", "BASH_SUBSHELL",
        "LINES", "COLUMNS", "ERRNO", "ARGC", "TTYIDLE", "status",
    ), True),
    **dict.fromkeys((
        "_", "PWD", "OLDPWD", "GROUPS", "FUNCNAME", "DIRSTACK", "PIPESTATUS", "EPOCHREALTIME", "BASH_COMMAND", "BASH_ARGV0", "BASH_ARGC", "BASH_ARGV", "BASH_SOURCE",
        "BASH_LINENO", "BASH_REMATCH", "BASH_EXECUTION_STRING", "BASH_VERSINFO", "BASH_CMDS", "BASH_ALIASES", "BASHOPTS", "COMP_WORDBREAKS", "COMP_WORDS", "COMP_CWORD",
        "READLINE_LINE", "READLINE_POINT", "USERNAME", "MATCH", "MBEGIN", "MEND", "match", "mbegin", "mend", "pipestatus", "signals", "watch", "psvar", "fignore", "mailpath",
        "manpath", "prompt", "WORDCHARS", "ZSH_SUBSHELL",
    ), False),
}  # fmt: skip
"""Variables that a shell sets itself, whatever they are set to; true where that is a number (bash(1); zshparam(1))."""
ZSH_VARIABLES = {
    "path": "PATH", "fpath": "FPATH", "manpath": "MANPATH",
    **dict.fromkeys((
        "cdpath", "module_path", "argv", "NULLCMD", "READNULLCMD", "histchars", "HISTCHARS", "aliases", "galiases", "saliases", "functions", "commands", "options",
        "nameddirs", "userdirs", "parameters", "builtins", "reswords", "modules", "dis_aliases", "dis_galiases", "dis_saliases", "dis_functions", "dis_builtins",
        "dis_reswords", "chpwd_functions", "precmd_functions", "preexec_functions", "periodic_functions", "zshexit_functions", "zshaddhistory_functions",
        "zsh_directory_name_functions",
    ), ""),
}  # fmt: skip
"""Variables that are another one to zsh, or with an empty text a table of its own (zshparam(1); zshmodules(1), zsh/parameter)."""

_SWITCHES = frozenset({
    # colours and terminals
    "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES", "PY_COLORS", "NODE_DISABLE_COLORS", "CARGO_TERM_COLOR",
    "CARGO_TERM_PROGRESS_WHEN", "CARGO_TERM_VERBOSE", "CARGO_TERM_QUIET", "RUST_LOG_STYLE", "BUILDKIT_PROGRESS", "PIP_NO_COLOR", "PIP_PROGRESS_BAR", "UV_NO_PROGRESS",
    "TERM", "npm_config_color", "npm_config_progress",
    # how much is said
    "VERBOSE", "QUIET", "V", "LOG_LEVEL", "LOGLEVEL", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "GOTRACEBACK", "NODE_NO_WARNINGS", "NODE_PENDING_DEPRECATION",
    "npm_config_loglevel", "TF_CPP_MIN_LOG_LEVEL", "NODE_PENDING_PIPE_INSTANCES", "PYTHONFAULTHANDLER", "PYTHONTRACEMALLOC", "PYTHONPROFILEIMPORTTIME",
    # that nobody watches
    "CI", "CONTINUOUS_INTEGRATION", "GITHUB_ACTIONS", "DEBIAN_FRONTEND", "NEEDRESTART_MODE", "NEEDRESTART_SUSPEND", "GIT_TERMINAL_PROMPT", "GIT_MERGE_AUTOEDIT", "PIP_NO_INPUT",
    "POETRY_NO_INTERACTION", "npm_config_yes", "npm_config_fund", "npm_config_update_notifier", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_ROOT_USER_ACTION", "HEADLESS",
    "DOTNET_NOLOGO", "HOMEBREW_NO_AUTO_UPDATE", "HOMEBREW_NO_ANALYTICS", "HOMEBREW_NO_ENV_HINTS", "DOCKER_CLI_HINTS",
    # that nothing is reported
    "DO_NOT_TRACK", "NEXT_TELEMETRY_DISABLED", "TURBO_TELEMETRY_DISABLED", "ASTRO_TELEMETRY_DISABLED", "GATSBY_TELEMETRY_DISABLED", "NUXT_TELEMETRY_DISABLED",
    "STORYBOOK_DISABLE_TELEMETRY", "DOTNET_CLI_TELEMETRY_OPTOUT", "CHECKPOINT_DISABLE", "SAM_CLI_TELEMETRY",
    # which of its own configurations a program takes
    "NODE_ENV", "BABEL_ENV", "MIX_ENV", "FLASK_ENV", "FLASK_DEBUG", "ENVIRONMENT", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT",
    # how a build or a run is done
    "GOOS", "GOARCH", "GOARM", "GOAMD64", "CGO_ENABLED", "GO111MODULE", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "CARGO_INCREMENTAL", "CARGO_BUILD_JOBS", "CARGO_NET_OFFLINE",
    "RUST_TEST_THREADS", "RUST_TEST_NOCAPTURE", "RUST_MIN_STACK", "RUSTC_ICE", "CMAKE_BUILD_PARALLEL_LEVEL", "CMAKE_BUILD_TYPE", "SOURCE_DATE_EPOCH", "DOCKER_BUILDKIT",
    "COMPOSE_DOCKER_CLI_BUILD", "NX_DAEMON", "UV_OFFLINE", "UV_FROZEN", "UV_LOCKED", "UV_LINK_MODE", "UV_COMPILE_BYTECODE", "UV_THREADPOOL_SIZE", "GIT_OPTIONAL_LOCKS",
    "GIT_LFS_SKIP_SMUDGE", "PORT", "JOBS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "PUPPETEER_SKIP_DOWNLOAD", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
    "TOKENIZERS_PARALLELISM", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONHASHSEED", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONOPTIMIZE",
    "PYTHONNOUSERSITE", "PYTHONSAFEPATH", "PYTHONNODEBUGRANGES", "PYTHONWARNINGS",
    # that stand for any name
    "FOO", "BAR", "BAZ", "QUX",
})  # fmt: skip
"""Variables that are harmless with a word: it chooses among what a program has, and names no file, host or module.

A word has no dot: `PYTHONWARNINGS=error::mod.Class` imports `mod`, `AWS_REGION=x.example/` is part of a host's name. And
it has none of the characters by which make, a shell or Perl would run it (make takes its environment for variables,
debconf `DEBIAN_FRONTEND` for the name of a class).
"""
_PHRASES = frozenset(
    {
        "LANG",
        "LANGUAGE",
        "TZ",
        "DEBUG",
        "NODE_DEBUG",
        "RUST_LOG",
        "MACOSX_DEPLOYMENT_TARGET",
        "IPHONEOS_DEPLOYMENT_TARGET",
    }
)
"""Variables that are harmless with a text that has dots and slashes, but does not begin as a path and climbs nowhere."""
_PROSE = frozenset({"NOTE", "MESSAGE", "MSG", "TITLE", "SUBJECT", "BODY", "DESCRIPTION", "COMMENT", "REASON"})
"""Variables that are harmless with any text that make would not expand: no program has them, people write in them."""
_WORD = regex(r"[A-Za-z0-9_,:=+@%*-]*", re.ASCII)
_PHRASE = regex(r"[A-Za-z0-9_,:=+@%*-][A-Za-z0-9_,:=+@%*./-]*|", re.ASCII)
_ANY = regex(r"GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)", re.ASCII)
"""Variables that are recorded as they are."""
_VALUES = {
    "NODE_OPTIONS": regex(
        r"(?:--(?:max-old-space-size=[0-9]+|max_old_space_size=[0-9]+|experimental-vm-modules|no-warnings|no-deprecation|trace-warnings|trace-deprecation"
        r"|enable-source-maps|dns-result-order=ipv4first|openssl-legacy-provider)(?: |$))*",
        re.ASCII,
    ),
    "RUSTFLAGS": regex(r"(?:-[ADFW] ?[a-z][a-z0-9_:-]*(?: |$)|-C ?(?:target-cpu|opt-level|debuginfo|debug-assertions)=[a-z0-9]+(?: |$))*", re.ASCII),
    "RUSTDOCFLAGS": regex(r"(?:-[ADFW] ?[a-z][a-z0-9_:-]*(?: |$))*", re.ASCII),
    "GOFLAGS": regex(r"(?:-(?:mod=(?:vendor|readonly)|trimpath|race|v|count=[0-9]+|buildvcs=(?:true|false|auto))(?: |$))*", re.ASCII),
    "MAKEFLAGS": regex(r"(?:-?-?(?:j[0-9]*|s|k|no-print-directory)(?: |$))*", re.ASCII),
    "PYTEST_ADDOPTS": regex(r"(?:-[qvxls]+(?: |$)|--(?:color=(?:yes|no|auto)|tb=[a-z]+|maxfail=[0-9]+|no-header)(?: |$))*", re.ASCII),
    "PLAYWRIGHT_BROWSERS_PATH": regex(r"0"),
    "BROWSER": regex(r"none|true|:|"),
    "CC": regex(r"(?:cc|gcc|clang)(?:-[0-9]+)?", re.ASCII),
    "CXX": regex(r"(?:c\+\+|g\+\+|clang\+\+)(?:-[0-9]+)?", re.ASCII),
}  # fmt: skip
"""Variables that are harmless with these values alone: options that load, run and write nothing, the system's compilers."""
_PAGERS = regex(r"cat|true|:|")
"""Values with which a pager or editor does nothing."""

_USUAL = frozenset({
    "PATH", "ENV", "LESS", "FPATH", "CPATH", "LDFLAGS", "CFLAGS", "CXXFLAGS", "HOME", "SHELL", "CC", "CXX", "EDITOR", "VISUAL", "PAGER", "BROWSER", "PS1", "PERL", "RUBY",
    "PYTHON", "PWD", "OLDPWD", "TERM", "LANG", "TZ", "NO_PROXY", "no_proxy",
})  # fmt: skip
_USUAL_FAMILIES = (
    "PYTEST_", "DJANGO_SETTINGS_MODULE", "FLASK_APP", "TAR_OPTIONS", "GREP_OPTIONS", "RSYNC_", "WGETRC", "INPUTRC", "PSQLRC", "PSQL_", "PGOPTIONS", "MYSQL_", "SYSTEMD_", "BAT_",
    "HISTFILE", "ZDOTDIR", "GH_", "GITHUB_", "GLAB_", "HELM_", "TF_", "ANSIBLE_", "COMPOSE_", "DENO_", "BUN_", "PHPRC", "PHP_INI", "LUA_", "JULIA_", "NIX_", "LC_",
    "GNUPGHOME", "SSH_", "AWKPATH", "AWKLIBPATH", "COMPILER_PATH", "LIBRARY_PATH", "C_INCLUDE_PATH", "MANPATH", "BASH_", "CMAKE_", "VAGRANT_", "JAVA_HOME", "GOPATH", "GOROOT",
    "LD_", "DYLD_", "PROMPT_COMMAND", "GIT_", "PYTHON", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS", "NODE_TLS_", "NPM_CONFIG_", "npm_config_", "PERL5", "PERL_", "RUBYLIB",
    "RUBYOPT", "GEM_", "BUNDLE_", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "MAVEN_", "GRADLE_", "CLASSPATH", "GOFLAGS", "GOPROXY", "GONOSUM", "GOINSECURE", "GOTOOLCHAIN",
    "RUSTC", "RUSTFLAGS", "RUSTUP_", "CARGO_", "MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "PIP_", "UV_", "POETRY_", "MANPAGER", "LESSOPEN", "LESSCLOSE", "TMPDIR", "XDG_", "KUBECONFIG",
    "DOCKER_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_", "CURL_", "REQUESTS_CA_BUNDLE",
    "OPENSSL_CONF", "PGHOST", "PGSERVICE", "PGSYSCONFDIR", "PGPASSFILE", "RIPGREP_CONFIG_PATH", "LOCPATH", "GCONV_PATH", "HOSTALIASES", "TERMINFO", "CODEX_", "CLAUDE_", "ANTHROPIC_",
    "OPENAI_", "GEMINI_", "OPENCODE_", "QWEN_", "GOOSE_", "SUDO_", "VIRTUAL_ENV", "CONDA_", "YARN_", "DATABASE_URL", "PYLINTRC", "MYPYPATH", "MYPY_", "DOTNET_", "TS_NODE_", "ELECTRON_", "COREPACK_",
)  # fmt: skip
"""Variables that many environments have already: an assignment alone, without `export`, changes them for programs."""

_RUN = regex(
    r".*(?:PAGER|EDITOR|BROWSER|_ASKPASS|_RSH|_WRAPPER|_COMMAND|_CMD|_SHELL|_EXECUTABLE|_BIN|_RUNNER|_LINKER|_EXTERNAL_DIFF)"
    r"|VISUAL|SHELL|LESSOPEN|LESSCLOSE|GIT_SSH|SVN_SSH|CC|CXX|CPP|LD|FC|RUSTC|RUSTDOC|MAKE|PERL5DB",
    re.ASCII,
)
"""Names of variables whose value programs run as a command (git(1), less(1), man(1), cargo's and make's manuals)."""
_DIVERT = regex(
    r".*(?:_PROXY|_REGISTRY|INDEX_URL|_INDEX|_MIRROR|_BASE_URL|_ENDPOINT|ENDPOINT_URL|_DIST_SERVER|_UPDATE_ROOT|_BINARY_SITE|_BINARY_HOST|_HOST)"
    r"|GOPROXY|GOSUMDB|PGHOST|PGHOSTADDR",
    re.ASCII,
)
"""Names of variables that say where programs connect to (curl(1), pip, npm-config(7), go help environment)."""
_LOAD = regex(
    r".*(?:PATH|PRELOAD|_AUDIT|CONFIG|CONFIG_FILE|CONFIG_GLOBAL|CONFIG_SYSTEM|[^S]RC|HOME|STARTUP|LIB|_DIR|_PROJECT|_INIT|_FILE|FILES|DOTDIR)"
    r"|BASH_ENV|ENV",
    re.ASCII,
)
"""Names of variables that say where code or configuration is loaded from: a list of files or folders."""
_OPTIONS = regex(r".*(?:OPTIONS|_OPTS|FLAGS|_ARGS|ADDOPTS|_CONFIG_PARAMETERS|_PLUGINS)|RUBYOPT|PERL5OPT", re.ASCII)
"""Names of variables with options that a program takes besides those of its command line."""


def harmless(name: str, text: str | None) -> bool:
    """True when a variable with this value cannot make a program run, load, reach or write anything else.

    `text` is None for a value that is not known. What no list has is not harmless.
    """
    if _ANY.fullmatch(name):
        return True
    if text is None:
        return False
    upper = name.upper()
    if upper.endswith(("PAGER", "EDITOR")) or upper == "VISUAL":
        return _PAGERS.fullmatch(text) is not None
    values = _VALUES.get(name)
    if values is not None:
        return values.fullmatch(text) is not None
    if name in _SWITCHES or name.startswith(("MY_", "FOO_")):
        return _WORD.fullmatch(text) is not None
    if name in _PROSE:
        return "$" not in text
    if name in _PHRASES or name.startswith("LC_"):
        return _PHRASE.fullmatch(text) is not None and ".." not in text
    return False


def usual(name: str) -> bool:
    """True for a variable that the environment may have without the script's doing."""
    return name in _USUAL or name.startswith(_USUAL_FAMILIES)


def use_of(name: str) -> str:
    """What programs do with a variable's value: `run`, `divert`, `load`, `options`, or an empty text for other things."""
    upper = name.upper()
    for use, names in (("divert", _DIVERT), ("run", _RUN), ("options", _OPTIONS), ("load", _LOAD)):
        if names.fullmatch(upper):
            return use
    return ""
