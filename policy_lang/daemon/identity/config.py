"""Callers and their principals: read from the service's configuration, never from a request."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ...approvals.kinds import KINDS, kind_of
from ...domain.faults import AuthorError, reason_of
from ...domain.files import open_for_reading
from ...domain.limits import limit
from ...facts.owners import unsafe, unsafe_place
from ..deciding.budgets import DEFAULT, Budgets
from .browser_sessions import ReverseProxy
from .groups import UserGroups
from .people import People, Person, token_digest
from .principals import Binding, Principals
from .signatures import SignersError, read_signers

_LEAST_TOKEN = 32
"""Characters: 128 bits in hexadecimal."""


class ServiceConfigError(AuthorError, ValueError):
    """The configuration cannot be used; the message says why and how to fix it."""


class _ConfigModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class PrincipalEntryModel(_ConfigModel):
    """One peer and the agents that it may speak for."""

    user: str | None = None
    uid: Annotated[int, Field(ge=0)] | None = None
    group: str | None = None
    token_file: Annotated[str | None, Field(alias="token-file")] = None
    agents: Annotated[list[Annotated[str, Field(min_length=1, max_length=limit("request_name"))]], Field(min_length=1)]
    repo: str | None = None
    workspace: str | None = None
    home: str | None = None
    context: dict[str, str | int | bool] = {}
    owner: Annotated[str, Field(max_length=limit("request_name"))] = ""

    @model_validator(mode="after")
    def _one_peer(self) -> PrincipalEntryModel:
        given = [n for n in ("user", "uid", "group", "token_file") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("name the peer by one of `user`, `uid`, `group`, `token-file`")
        if "*" in self.agents and len(self.agents) > 1:
            raise ValueError('`agents = ["*"]` means any; leave the others out')
        return self


class PersonModel(_ConfigModel):
    """Somebody who may say yes: by this machine's user, by a token whose digest stands here, or by signatures."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    groups: list[Annotated[str, Field(pattern=r"^@[a-z0-9][a-z0-9._/-]{0,63}$")]] = []
    user: str | None = None
    uid: Annotated[int, Field(ge=0)] | None = None
    token_sha256: Annotated[str | None, Field(alias="token-sha256", pattern=r"^[0-9a-f]{64}$")] = None
    token_until: Annotated[datetime | date | None, Field(alias="token-until")] = None
    signer: Annotated[str | None, Field(min_length=1, max_length=limit("signer_name"))] = None
    webauthn: Annotated[
        list[Annotated[str, Field(max_length=limit("key_characters"))]], Field(max_length=limit("person_keys"))
    ] = []

    @model_validator(mode="after")
    def _known_by(self) -> PersonModel:
        if self.user is None and self.uid is None and self.token_sha256 is None and self.signer is None:
            raise ValueError("say how the person is known: `user`, `uid`, `token-sha256` or `signer`")
        if self.user is not None and self.uid is not None:
            raise ValueError("`user` and `uid` are the same thing; leave one out")
        if self.webauthn and self.signer is not None:
            raise ValueError("either `webauthn` proves what the person says, or `signer` does; leave one out")
        return self


class ApprovalsModel(_ConfigModel):
    """Where tickets are kept, whose signatures are known, and whether people may answer from an agent's user.

    `console_url` is the address by which people's browsers reach the console: notifications lead there.
    """

    store: Annotated[str, Field(max_length=limit("config_address"))] | None = None
    allowed_signers: Annotated[str | None, Field(alias="allowed-signers")] = None
    same_user: Annotated[bool, Field(alias="same-user")] = False
    user_verification: Annotated[bool, Field(alias="user-verification")] = False
    console_url: Annotated[
        str, Field(alias="console-url", pattern=r"^(?:https?://[!-~]+)?$", max_length=limit("config_address"))
    ] = ""

    @field_validator("console_url")
    @classmethod
    def _a_place(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (not parts.hostname or "@" in parts.netloc or "?" in value or "#" in value):
            raise ValueError("the console's address is a host and perhaps a path, without user, query or fragment")
        return value.rstrip("/")

    @field_validator("store")
    @classmethod
    def _of_a_kind(cls, value: str | None) -> str | None:
        if value is not None and (not value or kind_of(value) is None):
            known = ", ".join(f"`{scheme}://`" for kind in KINDS for scheme in kind.schemes)
            raise ValueError(f"the store is not of a known kind; a place begins with {known}")
        return value


class WebhookModel(_ConfigModel):
    """Where events are sent, and the file with the secret that they are signed with."""

    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=limit("config_address"))]
    secret_file: Annotated[str, Field(alias="secret-file")]

    @model_validator(mode="after")
    def _plain(self) -> WebhookModel:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("what is sent in the clear stays on this machine; use `https://`")
        if not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("the address is a host and a path, without user or fragment")
        return self


Name = Annotated[str, Field(min_length=1, max_length=limit("request_name"))]
_Word = Annotated[str, Field(min_length=1, max_length=limit("request_text"))]


class NotifyModel(_ConfigModel):
    """The notification of people: a program, its words, the first an absolute path; or a webhook; or both."""

    command: Annotated[list[_Word] | None, Field(min_length=1, max_length=limit("notify_words"))] = None
    webhook: WebhookModel | None = None

    @model_validator(mode="after")
    def _there(self) -> NotifyModel:
        if self.command is None and self.webhook is None:
            raise ValueError("name a `command` or a `webhook`")
        if self.command is not None and not (self.command[0].startswith("/") and os.access(self.command[0], os.X_OK)):
            raise ValueError(f"`{self.command[0]}` is not a program by its whole path")
        for word in self.command or ():  # a script is named by a later one
            fault = unsafe_place(word) if word.startswith("/") else None
            if fault is not None:
                raise ValueError(f"`{word}` is refused: {fault[0]}; {fault[1]}")
        return self


class OperatorsModel(_ConfigModel):
    """Who may reload, start sessions, freeze and lift."""

    users: list[str] = []
    token_file: Annotated[str | None, Field(alias="token-file")] = None


class ReverseProxyModel(_ConfigModel):
    """A reverse proxy in front of the console, which knows people and says in a header who calls."""

    origin: Annotated[
        str, Field(pattern=r"^https://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$", max_length=limit("config_address"))
    ]
    proxy_user: Annotated[str, Field(alias="proxy-user")]
    proxy_header: Annotated[str, Field(alias="proxy-header", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]


class ProposalsModel(_ConfigModel):
    """Who accepts rules that agents propose: names of people, and groups of theirs.

    `repository` is the git repository in which the policy's file becomes a branch.
    """

    approvers: Annotated[list[Name], Field(min_length=1)]
    repository: Annotated[str, Field(pattern=r"^/", max_length=limit("request_text"))] | None = None


class BudgetsModel(_ConfigModel):
    """What decisions on commands may take: milliseconds of the processor, and processes for quick and for long ones."""

    milliseconds: Annotated[int, Field(ge=1, le=limit("long_decision_milliseconds"))] = limit(
        "quick_decision_milliseconds"
    )
    long_milliseconds: Annotated[
        int, Field(alias="long-milliseconds", ge=1, le=limit("decision_milliseconds_configured"))
    ] = limit("long_decision_milliseconds")
    deciders: Annotated[int | None, Field(ge=1, le=limit("deciders_configured"))] = None


class ConfigModel(_ConfigModel):
    """The whole file."""

    principal: list[PrincipalEntryModel] = []
    operators: OperatorsModel = OperatorsModel()
    person: list[PersonModel] = []
    notify: NotifyModel | None = None
    approvals: ApprovalsModel = ApprovalsModel()
    console: ReverseProxyModel | None = None
    proposals: ProposalsModel | None = None
    budgets: BudgetsModel = BudgetsModel()


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says: the principals, where tickets are kept, how people are notified.

    `store` is a connection string of PostgreSQL, or empty for a file; `webhook` an address and the secret for it.
    """

    principals: Principals
    store: str = ""
    command: tuple[str, ...] = ()
    webhook: tuple[str, bytes] | None = None
    console_url: str = ""
    proxy: ReverseProxy | None = None
    approvers: frozenset[str] = frozenset()
    """Who accepts proposals; nobody, and there are none."""
    repository: str = ""
    budgets: Budgets = DEFAULT


def read_config(path: str) -> Config:
    """Everything in a configuration file. Raises ServiceConfigError."""
    data = private_bytes(path, secret=False)
    try:
        model = ConfigModel.model_validate(tomli.loads(data.decode("utf-8")))
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ServiceConfigError(f"`{path}` is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"]) or "the file"
        message = first["msg"].removeprefix("Value error, ")
        raise ServiceConfigError(f"`{path}` is wrong at `{where}`: {message[:1].lower()}{message[1:]}") from None
    folder = os.path.dirname(os.path.abspath(path))
    bindings = [_binding(p, folder) for p in model.principal]
    operators = {0, *(_uid(name) for name in model.operators.users)}
    token = model.operators.token_file
    tokens = [] if token is None else [read_token(os.path.join(folder, token))]
    if any(b.token in tokens for b in bindings):
        raise ServiceConfigError(f"`{path}`: the operators' token is also an agent's; an agent would be an operator")
    users = UserGroups()
    for name in model.operators.users:
        if (fault := _as_agent(_uid(name), bindings, users)) is not None:
            raise ServiceConfigError(f"`{path}`: the operator `{name}` {fault}; an agent would be an operator")
    verified = model.approvals.user_verification
    people = _people(path, model.person, bindings, tokens, _signers(path, model, folder), verified)
    for person in people.persons:
        if person.uid is not None and (fault := _as_agent(person.uid, bindings, users)) is not None:
            raise ServiceConfigError(f"`{path}`: the person `{person.name}` {fault}; an agent would approve itself")
    principals = Principals(
        tuple(bindings), frozenset(operators), tuple(tokens), people=people, same_user=model.approvals.same_user,
        groups_of=users.of,
    )  # fmt: skip
    store = model.approvals.store or ""
    if "password" in store or (urlsplit(store).password if store else None):
        private_bytes(path, secret=True)  # then nobody else may read the file
    notify = model.notify or NotifyModel.model_construct()
    webhook = None
    if notify.webhook is not None:
        secret = read_token(os.path.join(folder, notify.webhook.secret_file))
        webhook = (notify.webhook.url, secret.encode("ascii"))
    proxy = None if model.console is None else _proxy(path, model.console, bindings, users, people)
    return Config(
        principals, store, tuple(notify.command or ()), webhook, model.approvals.console_url, proxy,
        _approvers(path, model), _repository(model), _budgets(model.budgets),
    )  # fmt: skip


def _proxy(
    path: str, model: ReverseProxyModel, bindings: list[Binding], users: UserGroups, people: People
) -> ReverseProxy:
    """Who is believed when it says who calls. Nobody else may be that user."""
    uid = _uid(model.proxy_user)
    if (fault := _as_agent(uid, bindings, users)) is not None:
        raise ServiceConfigError(f"`{path}`: `{model.proxy_user}` {fault}; an agent would say who it is")
    if any(p.uid == uid for p in people.persons):
        raise ServiceConfigError(f"`{path}`: `{model.proxy_user}` is also a person; give the proxy a user of its own")
    return ReverseProxy(uid, model.proxy_header.lower().encode("ascii"), model.origin)


def _budgets(model: BudgetsModel) -> Budgets:
    return Budgets(model.milliseconds / 1000, model.long_milliseconds / 1000, model.deciders or DEFAULT.deciders)


def _repository(model: ConfigModel) -> str:
    """Where branches of the policy are made; empty for nowhere."""
    return "" if model.proposals is None else model.proposals.repository or ""


def _approvers(path: str, model: ConfigModel) -> frozenset[str]:
    """Who accepts proposals. A name or group that nobody has is a mistake."""
    wanted = frozenset() if model.proposals is None else frozenset(model.proposals.approvers)
    unknown = wanted - {n for p in model.person for n in (p.name, *p.groups)}
    if unknown:
        raise ServiceConfigError(f"`{path}`: no person is, or belongs to, `{min(unknown)}` of `[proposals] approvers`")
    return wanted


def _signers(path: str, model: ConfigModel, folder: str) -> dict[str, bytes]:
    """The lines of each identity whose signatures are known."""
    name = model.approvals.allowed_signers
    wanted = [p for p in model.person if p.signer is not None]
    if name is None and wanted:
        raise ServiceConfigError(
            f"`{path}`: the person `{wanted[0].name}` signs, and `[approvals]` names no `allowed-signers`"
        )
    if name is None:
        return {}
    place = os.path.join(folder, name)
    try:
        found = read_signers(private_bytes(place, secret=False).decode("utf-8"))
    except (SignersError, UnicodeDecodeError) as error:
        raise ServiceConfigError(f"`{place}`: {error}") from None
    for person in wanted:
        if person.signer not in found:
            raise ServiceConfigError(
                f"`{place}` has no key of `{person.signer}`, by which the person `{person.name}` signs"
            )
    return found


def _people(
    path: str,
    models: list[PersonModel],
    bindings: list[Binding],
    operator_tokens: list[str],
    signers: dict[str, bytes],
    verified: bool,
) -> People:
    """Everybody who may approve. Two names of one person, and a person who is an agent, are mistakes."""
    persons: list[Person] = []
    for model in models:
        uid = _uid(model.user) if model.user is not None else model.uid
        until = model.token_until
        if isinstance(until, datetime):
            ends = (until if until.tzinfo is not None else until.replace(tzinfo=UTC)).timestamp()
        else:
            ends = (
                float("inf") if until is None else datetime(until.year, until.month, until.day, tzinfo=UTC).timestamp()
            )
        signer = model.signer or ""
        keys = signers.get(signer, b"")
        proofs = tuple(_key(path, model.name, text) for text in model.webauthn)
        persons.append(
            Person(
                model.name, frozenset(model.groups), uid, model.token_sha256 or "", ends, signer, keys, proofs, verified
            )
        )
    for what in ("name", "uid", "token_digest", "signer"):
        known = [v for p in persons if (v := getattr(p, what)) not in {None, ""}]
        if len(known) != len(set(known)):
            raise ServiceConfigError(
                f"`{path}`: two persons have the same {what.replace('_digest', '')}; one person counts once"
            )
    shared = [k for p in persons for k in p.key_names]
    if len(shared) != len(set(shared)):
        raise ServiceConfigError(f"`{path}`: a key stands there twice; one key is one person's")
    for person in persons:
        if any(b.token and token_digest(b.token) == person.token_digest for b in bindings):
            raise ServiceConfigError(
                f"`{path}`: the person `{person.name}` is also an agent; an agent would approve itself"
            )
        if any(token_digest(t) == person.token_digest for t in operator_tokens):
            raise ServiceConfigError(f"`{path}`: the token of `{person.name}` is also the operators'")
    return People(tuple(persons))


def _key(path: str, name: str, text: str) -> bytes:
    try:
        from .webauthn import key_of
    except ImportError:
        raise ServiceConfigError(
            f'`{path}`: `webauthn` of `{name}` needs a package more: `pip install "policy-lang[webauthn]"`'
        ) from None
    try:
        return key_of(text)
    except Exception as error:  # noqa: BLE001 (a library's reading of foreign bytes)
        raise ServiceConfigError(
            f"`{path}`: `webauthn` of `{name}` is not a key ({type(error).__name__}); the console makes one"
        ) from None


def _as_agent(uid: int, bindings: list[Binding], users: UserGroups) -> str | None:
    """How an agent may run as a user, in words; None when none can, as far as the machine's user database tells."""
    groups = users.of(uid) or frozenset()
    for binding in bindings:
        if binding.uid == uid:
            return "is also an agent"
        if binding.gid is not None and (binding.gid in groups or uid in users.members(binding.gid)):
            return f"is in the group {_group_name(binding.gid)} that agents run with"
    return None


def _group_name(gid: int) -> str:
    try:
        return f"`{grp.getgrgid(gid).gr_name}`"
    except KeyError:
        return str(gid)


def plain_config(agents: Sequence[str], token_file: str | None) -> Config:
    """Without a configuration: this user's own processes, and whoever has the token, speak for these agents."""
    names = tuple(agents)
    bindings = [Binding(names, uid=os.geteuid())]
    if token_file is not None:
        bindings.append(Binding(names, token=read_token(token_file)))
    return Config(Principals(tuple(bindings), frozenset({0}), ()))


def _binding(model: PrincipalEntryModel, folder: str) -> Binding:
    return Binding(
        tuple(model.agents),
        uid=_uid(model.user) if model.user is not None else model.uid,
        gid=None if model.group is None else group_id(model.group),
        token="" if model.token_file is None else read_token(os.path.join(folder, model.token_file)),
        repo=model.repo,
        workspace=model.workspace,
        home=model.home,
        context=tuple(sorted(model.context.items())),
        owner=model.owner,
    )


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise ServiceConfigError(f"there is no user `{name}` on this machine") from None


def group_id(name: str) -> int:
    """The number of a group. Raises ServiceConfigError when there is none of the name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ServiceConfigError(f"there is no group `{name}` on this machine") from None


def read_token(path: str) -> str:
    """The token in a file that only this user can read. Raises ServiceConfigError."""
    token = private_bytes(path, secret=True, bound="token_bytes").decode("utf-8", "replace").strip()
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ServiceConfigError(
            f"`{path}` holds no token of at least {_LEAST_TOKEN} printable characters; make one: `openssl rand -hex 32`"
        )
    return token


def private_bytes(path: str, secret: bool, bound: str = "config_bytes") -> bytes:
    """The bytes of a file in safe hands; a secret one is readable by its owner only. No longer than the limit `bound`.

    Raises ServiceConfigError.
    """
    try:
        handle = open_for_reading(path)
    except (OSError, ValueError) as error:
        reason = reason_of(error, "the name is not a file name")
        raise ServiceConfigError(f"`{path}` cannot be opened: {reason}") from None
    try:
        status: Any = os.fstat(handle)
        fault = unsafe(status) or unsafe_place(path)
        if not stat.S_ISREG(status.st_mode):
            fault = ("it is not a regular file", "name a file")
        elif fault is None and secret and status.st_mode & 0o077:
            fault = (f"others can read it (mode {stat.S_IMODE(status.st_mode):04o})", "take that away: `chmod 600`")
        if fault is not None:
            raise ServiceConfigError(f"`{path}` is refused: {fault[0]}; {fault[1]}")
        most = limit(bound)
        data = os.read(handle, most + 1)
        if len(data) > most:
            raise ServiceConfigError(f"`{path}` is longer than {most} bytes")
    finally:
        os.close(handle)
    return data
