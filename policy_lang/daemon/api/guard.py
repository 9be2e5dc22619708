"""The one place where faults become refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...approvals.store import StoreUnavailableError
from ...domain.codes import PAGES
from ...domain.errors import RequestError
from ..recorder import Recorder
from .http import Answered, HttpCall, HttpReply, refusal

Kind = TypeVar("Kind", bound=Answered)


def guarded(recorder: Recorder, call: HttpCall, answer: Callable[[], Kind]) -> Kind | HttpReply:
    """What `answer` gives. Never raises: whatever goes wrong is a refusal."""
    try:
        return answer()
    except StoreUnavailableError as error:
        return refusal("PLR237", f"approvals cannot be kept: {error}")
    except RequestError as error:
        if PAGES[error.code].recorded:
            recorder.record_event("refused", path=call.path, code=error.code, why=error.message, uid=call.caller.seen)
        return refusal(error.code, error.message)
    except Exception as error:  # noqa: BLE001 (fail closed)
        recorder.log("internal-error", kind=type(error).__name__)
        return refusal("PLI001", f"internal error: {type(error).__name__}")
