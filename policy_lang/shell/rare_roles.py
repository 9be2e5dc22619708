"""Roles of words that few programs have: statements, settings of ssh and git, folders of containers and worktrees.

From psql(1), mysql(1), sqlite3(1), ssh_config(5) and git-config(1).
"""

from __future__ import annotations

import re

from ..domain.regex import regex
from .access import SCP, connect, in_tree, path
from .common_roles import Role, repository
from .environment import follow
from .landing import arrives
from .profile import Parsed
from .reading import Opaque
from .repository import write_tree
from .state import join_folder
from .values import UNKNOWN, Hole, Value, joined, literal
from .variables import harmless, use_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .host import ProgramHost


def sql(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """Refuse statements that may reach files or run commands."""
    text = value.text
    if text is None:
        raise Opaque("the statements are not known, and these clients have commands of their own in them")
    if re.search(
        r"(?m)^\s*[.\\]|\\[!a-z]|\b(?:readfile|writefile|load_extension|edit|fts3_tokenizer)\s*\(|(?i:\battach\b|\bprogram\b|\binto\s+(?:outfile|dumpfile)\b|\bload\s+data\b|\bvacuum\s+into\b)",
        text,
    ):
        raise Opaque("the statements hold commands of the client, or reach files")


_SSH_SAFE = frozenset({
    "batchmode", "stricthostkeychecking", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "loglevel", "user", "port", "connectionattempts",
    "passwordauthentication", "pubkeyauthentication", "preferredauthentications", "compression", "addressfamily", "requesttty", "identitiesonly", "tcpkeepalive",
    "visualhostkey", "updatehostkeys", "numberofpasswordprompts", "hostkeyalgorithms", "kexalgorithms", "ciphers", "macs",
})  # fmt: skip


def _ssh_option(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    key = re.split(r"[ =]", value.starts(), maxsplit=1)[0].lower()
    if key not in _SSH_SAFE:
        raise Opaque(f"`-o {key[:30]}` can run programs or go elsewhere")


_GIT_SAFE = (
    "user.", "color.", "advice.", "commit.gpgsign", "tag.gpgsign", "init.defaultbranch", "core.quotepath", "core.autocrlf", "core.longpaths", "core.filemode",
    "core.safecrlf", "core.eol", "core.abbrev", "core.preloadindex", "core.commentchar", "diff.renames", "diff.algorithm", "diff.noprefix", "diff.mnemonicprefix", "diff.context",
    "diff.renamelimit", "merge.conflictstyle", "merge.renames", "pull.rebase", "pull.ff", "rebase.autosquash", "rebase.autostash", "log.showsignature",
    "log.date", "fetch.prune", "gc.auto", "maintenance.auto", "http.version", "http.postbuffer", "http.lowspeedlimit", "http.lowspeedtime", "protocol.version",
    "column.ui", "status.", "grep.linenumber", "grep.patterntype", "pager.", "rerere.enabled", "safe.directory", "submodule.recurse", "checkout.defaultremote", "blame.",
)  # fmt: skip
_QUIET = frozenset({"", "cat", "true", ":", "less", "less -F", "less -FRX", "false"})


def _git_config(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    key, equals, rest = value.starts().partition("=")
    low = key.lower()
    if value.text is None and not equals:
        raise Opaque("a setting of git that is not known")
    if low in {"core.pager", "core.editor", "sequence.editor", "pager.log", "pager.diff"} or low.startswith("pager."):
        if value.text is not None and rest in _QUIET | {"false"}:
            return
    elif low.startswith(_GIT_SAFE):
        return
    raise Opaque(f"the setting `{key[:40]}` of git can run programs or go elsewhere")


def _git_dir(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    text = value.text
    if text is None or not f"/{text}".endswith("/.git") or shell.walk.state.folders is None:
        raise Opaque("another repository's configuration, which can run programs")
    path(shell.walk, "read", value)
    top = text[:-4].rstrip("/") or ("/" if text.startswith("/") else ".")
    parsed.repository = tuple(top if top.startswith("/") else join_folder(f, top) for f in shell.walk.state.folders)


def _read_context(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if "://" in value.starts():
        repository(shell, parsed, value, index)
    else:
        path(shell.walk, "read", value)


def _read_or_url(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    for text in (value.text or "").split(",") if value.text else [None]:
        word = literal(text) if text else value
        if text and "://" in text:
            connect(shell.walk, word, scheme="https")
        else:
            path(shell.walk, "read", word)


def _form_file(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    head, equals, rest = value.starts().rpartition("=")
    path(shell.walk, "read", joined([rest if equals else head + rest, *value.parts[1:]], False, value.why))


def _container_env(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    start = value.starts()
    if "=" not in start:  # a bare name hands the variable of this environment in
        shell.walk.act("use", value if value.text else UNKNOWN)


_DNS_TYPES = frozenset({
    "a", "aaaa", "any", "axfr", "ixfr", "caa", "cname", "dname", "dnskey", "ds", "hinfo", "https", "mx", "naptr", "ns", "nsec", "nsec3", "ptr", "rrsig",
    "soa", "spf", "srv", "sshfp", "svcb", "tlsa", "txt", "uri", "in", "ch", "hs",
})  # fmt: skip


def _dns(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """A word of dig(1): `@server`, `+setting`, a type or class, or a name that is asked for."""
    start = value.starts()
    if start.startswith("+") or (value.text or "").lower() in _DNS_TYPES:
        return
    connect(
        shell.walk,
        joined([start.removeprefix("@"), *value.parts[1:]], value.many, value.why) if start else value,
        scheme="https",
    )


def _ref(action: str) -> Role:
    """A ref of a remote that the command finds by itself; `/**` at its end stands for any below."""

    def handle(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
        name = value.text
        ref: list[str | Hole] = ["refs/", Hole.BELOW] if name is None else [name]
        if name is not None and name.endswith("/**"):
            ref = [name[:-2], Hole.BELOW]
        shell.walk.act(action, joined([Hole.ANY, ":", *ref]))

    return handle


def _merge_option(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if value.text is None or value.text.startswith("sub"):
        raise Opaque("a merge that moves a tree into another folder")


def _object_type(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    if value.text != "blob":
        raise Opaque("an object that brings files by itself when it is checked out")


def _moved(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """A file or folder that goes elsewhere."""
    path(shell.walk, "read", value, "existing")
    path(shell.walk, "delete", value, "existing", follows=True)


def _format(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """The name of a format, or the file of one, which is code."""
    if value.text is None or "/" in value.text or "." in value.text:
        parsed.named.add(index)


def _write_out(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """Curl's `-w`: `@file` is read, and from `%output{file}` on the text goes to that file (curl(1))."""
    text = value.text
    if text is None:
        path(shell.walk, "write", UNKNOWN)
    elif text.startswith("@"):
        raise Opaque("a format of `curl` that a file holds")
    else:
        for file in re.findall(r"%output\{(?:>>)?([^}]*)\}", text or ""):
            path(shell.walk, "write", literal(file))


_FEATURES = frozenset({
    "sanitize", "no-sanitize", "visibility", "diagnostics-color", "max-errors", "lto", "stack-protector-strength", "inline-limit", "debug-prefix-map",
    "file-prefix-map", "macro-prefix-map", "message-length", "abi-version", "tabstop", "template-depth", "constexpr-depth", "constexpr-steps", "cf-protection",
    "openmp", "vect-cost-model", "pack-struct", "ffp-contract", "fp-contract", "tls-model", "no-builtin", "input-charset", "exec-charset", "wide-exec-charset",
    "error-limit", "color-diagnostics", "diagnostics-format", "diagnostics-show-location", "excess-precision", "fp-model", "integrated-as", "linker-output",
    "sanitize-recover", "no-sanitize-recover", "sanitize-trap", "use-cxa-atexit", "implicit-modules", "module-name", "objc-runtime", "strict-flex-arrays",
})  # fmt: skip
_LINKERS = frozenset({"lld", "gold", "mold", "bfd"})


def _compiler_feature(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """`-fNAME[=VALUE]` of a compiler: most are plain; some load a plugin or name a file."""
    name, equals, rest = value.starts().partition("=")
    if value.text is None and not equals:
        raise Opaque("an option that is not known")
    if name.startswith(("plugin", "pass-plugin", "dump", "callgraph", "save-", "stack-usage")) or (
        equals and name not in _FEATURES and not (name == "use-ld" and value.text is not None and rest in _LINKERS)
    ):
        raise Opaque(f"`-f{name[:40]}` may load code or write files")


_LINKER_WORDS = re.compile(
    r"-z|-s|-S|-x|-E|-O[0-9]|-Bstatic|-Bdynamic|-Bsymbolic|--?(?:as-needed|no-as-needed|gc-sections|no-undefined|start-group|end-group|export-dynamic|strip-all|strip-debug|whole-archive|no-whole-archive|dead_strip|allow-multiple-definition|enable-new-dtags|disable-new-dtags|no-gc-sections|rpath|rpath-link|soname|install_name|e|u|undefined|no-allow-shlib-undefined|warn-common|fatal-warnings|build-id|hash-style)(?:=.*)?",
    re.ASCII | re.DOTALL,
)


def _compiler_warning(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """`-Wname` of a compiler, or `-Wl,...`, options that it hands to the linker."""
    start = value.starts()
    if value.text is None:
        raise Opaque("an option that is not known")
    if start[:2] in {"a,", "p,"}:
        raise Opaque("options of another program")
    if start.startswith("l,"):
        for word in start.split(",")[1:]:
            if word.startswith(("-", "@")) and not _LINKER_WORDS.fullmatch(word):
                raise Opaque(f"the option `{word[:40]}` of the linker")


def _go_ldflags(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """Linker options of go: `-s`, `-w` and `-X name=value` are plain, others must be named by a grant."""
    words = (value.text or "?").split()
    while words and (words[0] in {"-s", "-w", "-buildid="} or (words[0] == "-X" and len(words) > 1)):
        words = words[2:] if words[0] == "-X" else words[1:]
    if words:
        parsed.named.add(index)


def _go_packages(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """`./...`, a folder, a file, or a package's name (go help packages)."""
    text = value.text
    if text is None or text.startswith(("./", "../", "/")) or text in {".", ".."} or text.endswith(".go"):
        where = value if text is None else literal(text.removesuffix("...").rstrip("/") or ".")
        path(shell.walk, "read", where, in_tree("existing", parsed.profile.names, where), parsed.profile.names)


def _cloud(action: str, tree: str, then: str = "") -> Role:
    """A file or folder here, or one of a cloud's, which is `scheme://place` or `name:place`."""

    def handle(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
        start = value.starts()
        if "://" in start or SCP.match(start):
            return
        if action == "write" and not tree:
            arrives(shell.walk, parsed, value)
        else:
            path(shell.walk, action, value, tree or ("existing" if parsed.changes.tree else ""))
        if then:
            path(shell.walk, then, value, "existing", follows=True)

    return handle


_MAKE_VARIABLE = regex(r"([^\s=:?+!]*)(!|:{0,3}|\?|\+)=(.*)", re.DOTALL)
_EXPANDED = frozenset("$`;|&<>()\n\\")


def _make_word(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """A goal, or a variable: programs that it names are run, and what make or a shell would expand is not known (make(1))."""
    start = value.starts()
    if "=" not in start:
        if value.text is None and (value.many or value.may_be_option):
            raise Opaque("a word that may set a variable of make", "write the goals")
        return
    match = _MAKE_VARIABLE.match(start)
    name, sort, given = match.groups() if match is not None else (start, "!", "")
    rest = joined([given, *value.parts[1:]], value.many, value.why)
    if harmless(name, rest.text):
        return
    if sort == "!" or rest.text is None or not _EXPANDED.isdisjoint(rest.text):
        raise Opaque(f"make, or a shell, expands the variable `{name[:40]}`")
    if use_of(name) == "run":
        follow(shell, name, rest)


_PHP_SAFE = (
    "memory_limit", "max_execution_time", "display_errors", "display_startup_errors", "error_reporting", "date.timezone", "zend.assertions", "assert.", "xdebug.mode",
    "xdebug.max_nesting_level", "opcache.enable", "opcache.jit", "pcov.enabled", "phar.readonly", "short_open_tag", "html_errors",
)  # fmt: skip


def _php_setting(shell: ProgramHost, parsed: Parsed, value: Value, index: int) -> None:
    """`-d name=value`: settings that load files or extensions must be named (php.ini directives)."""
    if not value.starts().startswith(_PHP_SAFE):
        parsed.named.add(index)


ROLES: dict[str, Role] = {
    "sql": sql, "ssh-option": _ssh_option, "git-config": _git_config, "git-dir": _git_dir, "read-context": _read_context, "read-or-url": _read_or_url,
    "form-file": _form_file, "container-env": _container_env,
    "merge-option": _merge_option, "object-type": _object_type, "push-ref": _ref("push"), "delete-ref": _ref("delete-ref"), "checked-out": lambda h, p, v, i: write_tree(h.walk),
    "cloud-own": _cloud("write", "own"), "format": _format, "write-out": _write_out, "moved": _moved,
    "dns": _dns, "compiler-feature": _compiler_feature, "compiler-warning": _compiler_warning, "go-ldflags": _go_ldflags, "go-packages": _go_packages,
    "python-module": lambda h, p, v, i: None,  # by the reader, with its words
    "cloud-from": _cloud("read", ""), "cloud-from-tree": _cloud("read", "existing"), "cloud-to": _cloud("write", ""),
    "cloud-to-tree": _cloud("write", "new"), "cloud-moved": _cloud("read", "existing", "delete"), "cloud-replaced": _cloud("write", "new", "delete"),
    "make-word": _make_word, "php-setting": _php_setting,
    "connect-any": lambda h, p, v, i: h.walk.act("connect", Value((Hole.ANY,))),
}  # fmt: skip
