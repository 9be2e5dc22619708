"""The task of an exporter, and its result: a text, and a model of what the sandbox, or server, then permits."""

from __future__ import annotations

from ..domain.record import field, record
from ..walls.plan import SYSTEM, SYSTEM_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..domain.request import Request
    from ..engine.pdp import Engine
    from ..ir.model import PolicySet
    from .comparing import ExportComparison
    from .model import Model
    from .refs import RefDialect, RefPlan
    from .survey import Surveyed

TMP = "/tmp"  # noqa: S108 (of the sandbox)


@record(frozen=True, slots=True)
class Task:
    """What is to be written: `heading` says of what, `like` what all requests are like.

    `engine` and `policy` are the policy as it holds at any time, `comparison` compares it with models. `proxy` is where
    `policy proxy` listens, or empty; `variables` are handed in, those of `granted` because the policy says so.
    """

    heading: tuple[str, ...]
    comparison: ExportComparison
    like: Request
    engine: Engine
    policy: PolicySet
    surveyed: Surveyed
    proxy: str = ""
    variables: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    widen: bool = False

    @property
    def workspace(self) -> str:
        """The workspace's absolute path."""
        assert self.like.workspace is not None
        return self.like.workspace

    @property
    def home(self) -> str:
        """The home's absolute path."""
        assert self.like.home is not None
        return self.like.home


@record(frozen=True, slots=True)
class Written:
    """The text for a sandbox, and what it permits then.

    `network` says that there is a way out; `notes` what else it needs to be as the model says.
    """

    text: str
    model: Model
    network: bool = False
    notes: tuple[str, ...] = ()


@record(frozen=True, slots=True)
class ExportTarget:
    """A sandbox that settings can be written for.

    `empty` are folders that are its own inside, `system` those that every program there reads. Without `files` it
    knows none.
    """

    name: str
    write: Callable[[Task], Written]
    empty: tuple[str, ...] = ()
    system: tuple[str, ...] = (*SYSTEM, *SYSTEM_FILES)
    files: bool = True
    remedies: dict[str, str] = field(default_factory=dict)


@record(frozen=True, slots=True)
class RefTask:
    """What is to be written: plans of branches and of tags, and who keeps every right (`bypass`)."""

    plans: tuple[RefPlan, ...]
    policy: PolicySet
    bypass: tuple[str, ...]

    def quorum(self, tier: str) -> int:
        """How many have to approve."""
        return self.policy.tiers[tier].quorum


@record(frozen=True, slots=True)
class ServerTarget:
    """A server that rules can be written for. Refs that match `hidden` it changes for nobody.

    `approved` says how its approvals differ from a tier's.
    """

    dialect: RefDialect
    write: Callable[[RefTask], tuple[str, tuple[str, ...]]]
    hidden: tuple[str, ...]
    approved: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.dialect.name
