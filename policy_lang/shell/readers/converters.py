"""Programs that turn files into others: documents, pictures, sound, keys, downloads.

From magick(1), ffmpeg(1) 5.1, gpg(1) 2.2, openssl(1) 3.0, csplit(1), dos2unix(1), and the help of protoc 3.21 and HTTPie 3.
"""

from __future__ import annotations

import re

from ..access import SCP, connect, path
from ..call import ProgramCall
from ..profile import Parsed
from ..reading import Opaque
from ..roles import role
from ..values import UNKNOWN, Hole, Value, joined, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost


def _texts(call: ProgramCall) -> list[str]:
    """The words, which must all be known."""
    texts = [v.text for v in call.argv[1:]]
    if None in texts:
        raise Opaque("a word that is not known stands where an option can stand")
    return [t for t in texts if t is not None]


def _file_or_url(shell: ProgramHost, action: str, text: str) -> None:
    if "://" in text and not text.startswith("file:"):
        connect(shell.walk, literal(text))
    else:
        path(shell.walk, action, literal(text.removeprefix("file://").removeprefix("file:")))


def split(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`split file prefix`, `csplit -f prefix file`: the pieces' names begin with the prefix."""
    operands = list(parsed.operands)
    csplit = parsed.path[0] == "csplit"
    for value in operands[:1]:
        path(shell.walk, "read", value)
    if parsed.has("--filter") or parsed.has("--version") or parsed.has("--help"):
        return True
    prefix = parsed.value_of("-f") if csplit else operands[1] if len(operands) > 1 else None
    prefix = prefix if prefix is not None else literal("./xx" if csplit else "./x")
    named = parsed.has("--additional-suffix") or (csplit and parsed.has("-b"))
    rest: str | Hole = Hole.NAME if named else Hole.DIGITS if csplit else "aa"  # the others differ in letters alone
    path(shell.walk, "write", joined([*prefix.parts, rest]))
    return True


def dos2unix(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files change in place; behind `-n` they come in pairs, from and to."""
    operands = parsed.operands
    if parsed.has("-n"):
        for i, value in enumerate(operands):
            path(shell.walk, "write" if i % 2 else "read", value)
        return True
    for value in operands:
        path(shell.walk, "read", value)
        if not parsed.has("-i") and not parsed.has("-O"):
            path(shell.walk, "write", value)
    return True


_OUT = re.compile(
    r"--(?:out|outdir|out-dir|outDir|output|outfile|out-file|outputFile|output-file|output-path|output-dir|output-directory|destination|dest|site-dir|dest-dir|public-dir|dist-dir|distDir|coverageDirectory|coverage\.reportsDirectory|prefix|installdir|builddir)",
    re.ASCII,
)
_OFFLINE = frozenset(
    {
        "mvn",
        "gradle",
        "gradlew",
        "sbt",
        "pants",
        "rake",
        "gulp",
        "ant",
        "meson",
        "scons",
        "jest",
        "vitest",
        "mocha",
        "nx",
    }
)
"""Programs whose `-o` names no output."""
_SITES = frozenset({"mkdocs", "hugo", "jekyll", "mdbook", "zola"})
"""Programs whose `-d` names the folder that they write."""


def out_options(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Words of a program that is not followed further: what is named as its output is written."""
    name = (call.argv[0].text or "").rpartition("/")[2]
    words = call.argv[1:]
    for i, value in enumerate(words):
        option, equals, rest = value.starts().partition("=")
        short = (option == "-o" and name not in _OFFLINE) or (option == "-d" and name in _SITES)
        if not _OUT.fullmatch(option) and not short:
            continue
        target = (
            joined([rest, *value.parts[1:]], False, value.why)
            if equals
            else words[i + 1]
            if i + 1 < len(words)
            else None
        )
        if target is not None:
            path(shell.walk, "write", target, "own")
    if name == "sphinx-build":
        places = [
            v
            for i, v in enumerate(words)
            if not v.starts().startswith("-") and not (i and words[i - 1].starts().startswith("-"))
        ]
        if places:
            path(shell.walk, "read", places[0], "existing")
        if len(places) > 1:
            path(shell.walk, "write", places[1], "own")
    return True


_PICTURES = re.compile(
    r"(?:png|jpe?g|gif|tiff?|webp|pdf|bmp|svg|ico|heic|avif|ppm|pgm|pbm|xc|canvas|rgba?|null|info|gradient|plasma|rose|logo|histogram|txt|json):",
    re.ASCII,
)
_GEOMETRY = re.compile(r"[-+0-9x%!<>^@.,:]+", re.ASCII)


def magick(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """The last word is the picture that is written; each other word that can be a file's name is read."""
    words = _texts(call)
    if words[:1] in (["-version"], ["--version"], ["-help"], ["-list"]) or not words:
        return True
    every = (call.argv[0].text or "").endswith("mogrify")
    for i, word in enumerate(words):
        last = i == len(words) - 1
        if word.startswith(("-", "+", "(", ")")) or (_GEOMETRY.fullmatch(word) and not last):
            if word in {"-script", "-path", "-write", "-process", "-log", "-debug"}:
                raise Opaque(f"`{word}` may run a script or write files")
            continue
        bare = word[_PICTURES.match(word).end() :] if _PICTURES.match(word) else word  # type: ignore[union-attr]
        if "://" not in bare and re.match(r"[A-Za-z][A-Za-z0-9-]*:", bare):
            raise Opaque("a kind of picture that may run a script or reach other files")
        if bare.startswith("|"):
            raise Opaque("a command stands for a picture")
        name = bare.removeprefix("@").removesuffix("[0]")
        if not name:
            continue
        if not last or every:
            _file_or_url(shell, "read", name)
        if last or every:
            _file_or_url(shell, "write", name)
    return True


_FF_FLAGS = frozenset(
    [
        "-y",
        "-n",
        "-hide_banner",
        "-nostdin",
        "-stdin",
        "-an",
        "-vn",
        "-sn",
        "-dn",
        "-shortest",
        "-re",
        "-stats",
        "-nostats",
        "-version",
        "-h",
        "-help",
        "-formats",
        "-codecs",
        "-encoders",
        "-decoders",
        "-filters",
        "-pix_fmts",
        "-protocols",
        "-devices",
        "-bsfs",
        "-autorotate",
        "-noautorotate",
        "-accurate_seek",
        "-copyts",
        "-show_streams",
        "-show_format",
        "-show_frames",
        "-show_packets",
        "-show_chapters",
        "-show_error",
        "-pretty",
        "-bitexact",
        "-ignore_unknown",
        "-benchmark",
        "-xerror",
        "-autoexit",
        "-nodisp",
        "-fs",
        "-count_frames",
        "-count_packets",
        "-unit",
        "-noautoexit",
        "-muted",
    ]
)
_FF_VALUES = re.compile(
    r"-(?:c|codec|b|q|qscale|r|s|t|to|ss|sseof|f|map|map_metadata|map_chapters|metadata|pix_fmt|crf|preset|tune|profile|level|ar|ac|aspect|vframes|frames|g|bf|threads|loglevel|v|movflags|itsoffset|stream_loop|loop|framerate|video_size|vcodec|acodec|scodec|ab|vb|maxrate|bufsize|minrate|disposition|shortest_buf_duration|max_muxing_queue_size|fps_mode|vsync|async|start_number|probesize|analyzeduration|loop_output|hwaccel|hwaccel_device|of|print_format|show_entries|select_streams|read_intervals|compression_level|quality|timeout|user_agent|headers|rtsp_transport|fflags|flags|strict|tag|timestamp|x|window_title|volume|hls_time|hls_list_size|hls_playlist_type|segment_time|sc_threshold|keyint_min|bsf|dpi|lossless|sample_fmt|channel_layout)(?::[a-z0-9:]+)?",
    re.ASCII,
)
_FF_FILTERS = re.compile(r"-(?:vf|af|filter|filter_complex|lavfi)(?::[a-z0-9:]+)?", re.ASCII)


def ffmpeg(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`-i` names what is read, words behind no option what is written; ffprobe and ffplay only read."""
    words = _texts(call)
    only_reads = not (call.argv[0].text or "").endswith("ffmpeg")
    while words:
        word = words.pop(0)
        if word in _FF_FLAGS:
            continue
        if word == "-i" and words:
            _media(shell, "read", words.pop(0))
        elif _FF_FILTERS.fullmatch(word) and words:
            if re.search(
                r"movie|subtitles|\bass\b|lut|file|sendcmd|zmq|ladspa|lv2|frei0r|font|model|path|arnndn|script",
                words.pop(0),
            ):
                raise Opaque("a filter that reaches files or other programs")
        elif _FF_VALUES.fullmatch(word) and words:
            words.pop(0)
        elif word.startswith("-") and word != "-":
            raise Opaque(f"the profile of `ffmpeg` does not know the option `{word[:40]}`")
        else:
            _media(shell, "read" if only_reads else "write", word)
    return True


def _media(shell: ProgramHost, action: str, word: str) -> None:
    if word == "-" or word.startswith("pipe:"):
        return
    if "://" not in word and re.match(r"[A-Za-z][A-Za-z0-9_+-]*:", word) and not word.startswith("file:"):
        raise Opaque("a protocol that may reach any file")
    if "%" in word and action == "write":
        path(shell.walk, "write", joined([word.partition("%")[0], Hole.NAME]))
        return
    _file_or_url(shell, action, word)


_PDF_FLAGS = frozenset(
    [
        "-layout",
        "-raw",
        "-nopgbrk",
        "-bbox",
        "-htmlmeta",
        "-q",
        "-v",
        "-h",
        "-help",
        "--help",
        "-png",
        "-jpeg",
        "-tiff",
        "-svg",
        "-pdf",
        "-ps",
        "-eps",
        "-all",
        "-list",
        "-p",
        "-j",
        "-s",
        "-i",
        "-c",
        "-noframes",
        "-xml",
        "-singlefile",
        "-gray",
        "-mono",
        "-forcenum",
        "-hide",
    ]
)


def pdf(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`pdftotext file [to]`: words in pieces of one or more files; the last of several is written."""
    words = _texts(call)
    name = (call.argv[0].text or "").rpartition("/")[2]
    files = [
        w
        for i, w in enumerate(words)
        if not w.startswith("-")
        and not (
            i
            and words[i - 1].startswith("-")
            and words[i - 1] not in _PDF_FLAGS
            and re.fullmatch(r"[0-9.]+|[A-Za-z0-9-]+", w)
        )
    ]
    for i, word in enumerate(files):
        if i and i == len(files) - 1:
            if name != "pdftotext":  # a prefix, or a pattern
                path(shell.walk, "write", joined([word.partition("%")[0], Hole.NAME]))
            path(shell.walk, "write", literal(word))
        else:
            path(shell.walk, "read", literal(word))
    if len(files) == 1 and words[-1:] != ["-"]:
        path(shell.walk, "write", joined([re.sub(r"\.pdf$", "", files[0]), Hole.NAME]))
    return True


_GPG_NAMES = (
    "--list-keys",
    "--list-secret-keys",
    "--list-signatures",
    "--check-signatures",
    "--fingerprint",
    "--export",
)
_GPG_WRITES = ("--sign", "--clear-sign", "--detach-sign", "--encrypt", "--symmetric", "--dearmor", "--enarmor")


def gpg(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Files are read; what is made of them stands beside them unless `-o` names it or it is printed."""
    if any(parsed.has(n) for n in (*_GPG_NAMES, "--version", "--help", "--gen-random")):
        return True
    informs = any(parsed.has(n) for n in ("--decrypt", "--verify", "--import", "--list-packets", "--show-keys"))
    for value in parsed.operands:
        path(shell.walk, "read", value)
        if informs or parsed.has("-o"):
            continue
        makes = any(parsed.has(n) for n in _GPG_WRITES)
        path(shell.walk, "write", joined([*value.parts, ".", Hole.NAME]) if makes else UNKNOWN)
    return True


_KEYS_READ = frozenset(
    [
        "-in",
        "-inkey",
        "-key",
        "-cert",
        "-CAfile",
        "-CApath",
        "-CA",
        "-CAkey",
        "-certfile",
        "-rand",
        "-signature",
        "-sigfile",
        "-verify",
        "-prverify",
        "-sign",
        "-peerkey",
        "-chainCAfile",
        "-untrusted",
        "-trusted",
        "-CRL",
        "-content",
        "-data",
        "-queryfile",
        "-cert_chain",
        "-crl",
        "-extfile",
        "-passfile",
        "-kfile",
        "-certs",
    ]
)
_KEYS_WRITE = frozenset(
    ["-out", "-keyout", "-writerand", "-signer_out", "-sess_out", "-keylogfile", "-msgfile", "-noout_file"]
)
_KEYS_HOSTS = frozenset({"-connect", "-host", "-proxy", "-url", "-starttls-host"})
_KEYS_CODE = frozenset(
    ["-engine", "-provider", "-provider-path", "-config", "-engine_impl", "-pre", "-post", "-load", "-f"]
)


def openssl(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`openssl command options`: options that name files and hosts, and the files that a few commands take."""
    words = _texts(call)
    command = words.pop(0) if words else ""
    if command in {"engine", "s_server", "s_time", "ocsp", "ts", "cmp", "ca", "mac"} or (
        not command and call.stdin is not None
    ):
        raise Opaque(f"`openssl {command}` is not read")
    reads = command in {"dgst", "verify", "rehash", "asn1parse"} or re.fullmatch(
        r"sha[0-9-]+|md[45]|sm3|blake2[bs][0-9]+", command
    )
    while words:
        word = words.pop(0)
        if word in _KEYS_CODE:
            raise Opaque(f"`{word}` of `openssl` can load code")
        if word in _KEYS_READ and words:
            path(shell.walk, "read", literal(words.pop(0)))
        elif word in _KEYS_WRITE and words:
            path(shell.walk, "write", literal(words.pop(0)))
        elif word in _KEYS_HOSTS and words:
            connect(shell.walk, literal(words.pop(0)))
        elif word in {"-passin", "-passout", "-pass"} and words:
            kind, _, rest = words.pop(0).partition(":")
            if kind == "file":
                path(shell.walk, "read", literal(rest))
            elif kind == "env":
                shell.walk.act("use", literal(rest))
        elif not word.startswith("-") and (reads or "/" in word or word.startswith(".")):
            path(shell.walk, "read", literal(word))
        elif command == "s_client" and not word.startswith("-") and ":" in word:
            connect(shell.walk, literal(word))
    return True


def xmlstarlet(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Words that can be files are read; `ed -L` changes the last one."""
    words = _texts(call)
    edits = words[:1] in (["ed"], ["edit"]) and any(w in {"-L", "--inplace"} for w in words)
    for i, word in enumerate(words[1:], 1):
        if "://" in word and not word.startswith("-"):
            connect(shell.walk, literal(word))
        elif (
            not word.startswith("-")
            and ("." in word or "/" in word)
            and (i == len(words) - 1 or not words[i - 1].startswith("-"))
        ):
            path(shell.walk, "read", literal(word))
    if edits and words:
        path(shell.walk, "write", literal(words[-1]))
    return True


def protoc(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`--NAME_out=DIR` writes below a folder, `--plugin=` names a program that runs."""
    for value in call.argv[1:]:
        option, equals, rest = value.starts().partition("=")
        target = joined([rest, *value.parts[1:]], False, value.why)
        if value.starts().startswith("@") or value.text is None:
            raise Opaque("an option that is not known")
        if option.endswith("_out") and equals:
            text = target.text or ""
            where = literal(text.rpartition(":")[2] or ".")
            file = option in {"--descriptor_set_out", "--dependency_out"} or text.endswith((".jar", ".zip", ".srcjar"))
            if where.text in {".", "./"} and not file:  # the workspace itself: files with the source's name
                where = literal("./generated")
            path(shell.walk, "write", where, "" if file else "own")
        elif option == "--plugin":
            role(shell, parsed, "program", literal(rest.rpartition("=")[2]), 0)
        elif option.startswith("-o") and not option.startswith("--"):
            raise Opaque("an option that is not known", "write `--descriptor_set_out=`")
        elif not option.startswith("-"):
            path(shell.walk, "read", value)
    return True


_CODE = re.compile(
    r"-.*(?:exec|config|input-file|batch|plugin|hook|command|load-info|script|downloader|use-postprocessor|cookies-from|on-download).*|-[iax]",
    re.ASCII,
)
_SAVES = re.compile(
    r"--?(?:o|O|d|P|dir|out|output|output-document|paths|log|dump-to|save|save-to|directory|directory-prefix|destination|cache-dir|save-session)",
    re.ASCII,
)


_BROWSERS = frozenset({"lynx", "w3m", "links", "elinks", "browsh"})


def downloads(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Each word that is no option names a place on the web; options that name a file or folder are written."""
    words = list(call.argv[1:])
    reads_files = (call.argv[0].text or "").rpartition("/")[2] in _BROWSERS
    for i, value in enumerate(words):
        start = value.starts()
        before = words[i - 1].starts() if i else ""
        option, equals, rest = start.partition("=")
        if start.startswith("-") and len(start) > 1:
            if _CODE.fullmatch(option):
                raise Opaque(f"`{option[:40]}` can make it do anything")
            if equals and _SAVES.fullmatch(option):
                path(shell.walk, "write", joined([rest, *value.parts[1:]], False, value.why), "own")
        elif "=" not in before and _SAVES.fullmatch(before):
            path(shell.walk, "write", value, "own")
        elif (
            reads_files
            or "://" in start
            or not before.startswith("-")
            or ("." in start and not re.fullmatch(r"[0-9.]+", start))
        ):
            connect(shell.walk, value)
            if reads_files and "://" not in start:  # a file of that name comes first
                path(shell.walk, "read", value)
    return True


def httpie(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`http [METHOD] URL [items]`: an item with `@` sends a file (http(1))."""
    operands = list(parsed.operands)
    method = None
    if operands and re.fullmatch(r"[A-Z]+", operands[0].text or ""):
        method = operands.pop(0).text
    if not operands:
        return True
    url, *items = operands
    text = url.text
    if text is not None and text.startswith(":"):
        port = re.match(r":([0-9]*)", text)
        url = literal(f"localhost:{port[1]}" if port and port[1] else "localhost")
    connect(shell.walk, url, method or ("POST" if items else "GET"))
    for item in items:
        if item.text is None:
            raise Opaque("what it sends is not known")
        file = re.fullmatch(r"[^=:@]*(?::=|=|:)?@(.+)", item.text)
        if file:
            path(shell.walk, "read", literal(file[1].partition(";")[0]))
    if parsed.has("--download") and not parsed.has("-o"):
        path(shell.walk, "write", Value((Hole.NAME,)))
    return True


def sass(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """`sass from to`, `sass from:to`."""
    for i, value in enumerate(parsed.operands):
        text = value.text
        if text is None:
            raise Opaque("what it reads and writes is not known")
        first, colon, second = text.partition(":")
        path(shell.walk, "write" if i and not colon else "read", literal(first), "" if i and not colon else "existing")
        if colon:
            path(shell.walk, "write", literal(second), "own")
    return True


_ADDRESS = re.compile(
    r"(STDIN|STDOUT|STDIO|-|FD:[0-9]+|PIPE|EXEC|SYSTEM|SHELL|(?:TCP|UDP|SCTP|OPENSSL|SSL|SOCKS4A?|PROXY|OPEN|CREATE|FILE|GOPEN|UNIX)[A-Z0-9-]*)(?::(.*))?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)


def socat(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Two addresses: files are read and written, hosts connected to; programs and what listens are opaque."""
    for value in parsed.operands:
        match = _ADDRESS.fullmatch((value.text or "?").partition(",")[0])
        if match is None:
            raise Opaque("an address of `socat` that is not read")
        kind, rest = match[1].upper(), match[2] or ""
        if kind in {"STDIN", "STDOUT", "STDIO", "-", "PIPE"} or kind.startswith("FD"):
            continue
        if kind in {"OPEN", "CREATE", "FILE", "GOPEN"}:
            for action in ("read", "write"):
                path(shell.walk, action, literal(rest))
        elif kind in {"TCP", "TCP4", "TCP6", "TCP-CONNECT", "OPENSSL", "SSL", "UDP", "UDP4"} and SCP.match(rest):
            shell.walk.act("connect", literal(rest))
        else:
            raise Opaque(f"`{kind}` of `socat` can run programs or listen")
    return True


def magick_all(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Every word that can be a file's name is read, and written."""
    for word in _texts(call):
        if not word.startswith("-") and not _GEOMETRY.fullmatch(word):
            path(shell.walk, "read", literal(word), "existing")
            path(shell.walk, "write", literal(word), "existing")
    return True


def all_read(shell: ProgramHost, call: ProgramCall, parsed: Parsed) -> bool:
    """Every word that can be a file's name may be read; options that save or run something are opaque."""
    for value in call.argv[1:]:
        start = value.starts()
        if re.match(
            r"-(?:I$|-?in-?place|-?(?:output|out|exec|load|plugin|prepipe|tee|split|from)(?:=|$)|o$|n?idx)", start
        ):
            raise Opaque(f"the option `{start[:40]}` is not read")
        if start.startswith("-"):
            continue
        if value.text in {"tee", "split", "system", "exec", "put", "filter", "foreach", "partition"}:
            raise Opaque(f"`{value.text}` may run code or write files")
        path(shell.walk, "read", value, "existing")
    return True
