"""The service's compiler, in a process of its own: `python -I -m policy_lang.daemon.compile POLICY [KEPT...]`.

Standard output is the compiled policy; with exit code 1 standard error says why there is none.
"""

from __future__ import annotations

import sys

from .._version import __version__
from ..compiler.binary import compile_binary
from ..domain.errors import PolicyError


def main() -> int:
    """Compile the file of the first argument, protecting those of the others as well."""
    try:
        data = compile_binary(sys.argv[1], __version__, kept=tuple(sys.argv[2:]))
    except PolicyError as error:
        for diagnostic in error.diagnostics[:5]:
            span = diagnostic.span
            place = "" if span is None else f"{span.source.path}:{span.line}: "
            sys.stderr.write(f"{place}{diagnostic.code}: {diagnostic.message}\n")
        return 1
    except MemoryError:
        sys.stderr.write("there is not enough memory to compile it; split the policy, or give the service more\n")
        return 1
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
