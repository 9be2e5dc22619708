"""Regular expressions that are compiled when they are first used: a hook needs few of them.

They are our own and run over what agents write, so none may backtrack over it (docs/explanation/architecture.md).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import compile as regex
else:

    class _Regex:
        """Stands for the compiled pattern; its methods are filled in at the first use of one."""

        __slots__ = ("_flags", "_text", "findall", "finditer", "fullmatch", "match", "search", "split", "sub")

        def __init__(self, text, flags):
            self._text = text
            self._flags = flags

        def __getattr__(self, name):
            if name not in _Regex.__slots__[2:]:
                raise AttributeError(name)
            import re

            compiled = re.compile(self._text, self._flags)
            for method in _Regex.__slots__[2:]:
                setattr(self, method, getattr(compiled, method))
            return getattr(self, name)

    def regex(text, flags=0):
        """A pattern of `re`, compiled when it is first used."""
        return _Regex(text, flags)


__all__ = ["regex"]
