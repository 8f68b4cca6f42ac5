"""What a collector lists: an operation, the ids that name its resource, and the id of an item."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_deadline_sessions._api import model
from pytest_deadline_sessions._arguments import check_choice

if TYPE_CHECKING:
    from botocore.model import StructureShape

    from pytest_deadline_sessions._domain.transcript import Call

_ID = re.compile(r"[a-z]+-\[0-9a-f\]\{32\}(-\(0\|.*\))?")
_TOKEN = "nextToken"  # noqa: S105 (the name of a member)


@dataclass(frozen=True)
class Target:
    """A paginated operation, as the contract knows it.

    Attributes:
        operation: The API name, such as ``ListSessions``.
        result_key: The list in its result, such as ``sessions``.
        key: The member of an item that identifies it, such as ``sessionId``.
        ids: The parameters that name what is listed, such as ``farmId``, ``queueId``, ``jobId``.
    """

    operation: str
    result_key: str
    key: str
    ids: tuple[str, ...]

    @functools.cached_property
    def item(self) -> StructureShape:
        """The shape of an item."""
        return model.item_shape(self.operation, self.result_key)

    @functools.cached_property
    def pattern(self) -> str:
        """The regular expression that the id of an item matches as a whole."""
        return model.bare(self.item.members[self.key].metadata["pattern"])

    @functools.cached_property
    def names(self) -> tuple[str, str]:
        """The names under which an item may have its id: as the API and as Python spells it."""
        return self.key, "_".join(_words(self.key))

    @property
    def noun(self) -> str:
        """What an item is called, such as ``session action``."""
        return " ".join(_words(_singular(self.result_key)))

    @property
    def getters(self) -> list[str]:
        """The API names of the operations that get one item.

        Example:
            >>> target_of("ListStorageProfilesForQueue").getters
            ['GetStorageProfile', 'GetStorageProfileForQueue']
        """
        kind = f"{self.key[0].upper()}{self.key[1:-2]}"
        scope = self.operation.partition(f"{kind}s")[2]
        return _existing([f"Get{kind}", f"Get{kind}{scope}"])

    @property
    def batch_getters(self) -> list[str]:
        """The API names of the operations that get several items by their ids."""
        return _existing([f"BatchGet{self.key[0].upper()}{self.key[1:-2]}"])

    def items(self, call: Call) -> list[Mapping[str, Any]]:
        """The items in the response to a call; none after a fault."""
        return [] if call.response is None else list(call.response.get(self.result_key, ()))

    def id_of(self, session_id: str) -> str:
        """The id of an item with the digits of a session id.

        Example:
            >>> target_of("ListSessionActions").id_of("session-" + "0" * 31 + "7")
            'sessionaction-00000000000000000000000000000007-0'
        """
        if self.key == "sessionId":
            return session_id
        made = session_id.replace(model.id_prefix("SessionId"), self.pattern.split("[", 1)[0], 1)
        return made if re.fullmatch(self.pattern, made) else f"{made}-0"

    def session_id_of(self, item_id: str) -> str:
        """The session id whose digits an id of an item has."""
        return model.id_prefix("SessionId") + item_id.split("-")[1]

    def worded(self, text: str) -> str:
        """A text about sessions as one about these items.

        Example:
            >>> target_of("ListSessionActions").worded("1 session of 2 sessions")
            '1 session action of 2 session actions'
        """
        return re.sub(r"\bsession(?=s?\b(?!-))", self.noun, text)


@functools.cache
def targets() -> Mapping[str, Target]:
    """The operations that collectors can be checked for, by API name.

    They are those that botocore can paginate, and whose items have an id of their own.
    """
    paginators: dict[str, dict[str, Any]] = model.loader().load_service_model(
        model.SERVICE, "paginators-1"
    )["pagination"]
    found = {name: _target(name, paginator) for name, paginator in paginators.items()}
    return {name: target for name, target in found.items() if target is not None}


def target_of(operation: str = model.OPERATION) -> Target:
    """The target for an operation.

    Raises:
        TypeError: The name is not a string.
        ValueError: The operation is not paginated, or its items have no id of their own.

    Example:
        >>> target_of("ListSessionsForWorker").ids
        ('farmId', 'fleetId', 'workerId')
    """
    return targets()[check_choice("operation", operation, targets())]


def _target(operation: str, paginator: Mapping[str, Any]) -> Target | None:
    result_key = paginator.get("result_key")
    if paginator.get("output_token") != _TOKEN or not isinstance(result_key, str):
        return None
    # Older service models list required members by name; in the address they have their order.
    required = model.input_shape(operation).required_members
    address: str = model.operation_model(operation).http["requestUri"]
    ids = tuple(sorted(required, key=lambda name: address.find(f"{{{name}}}")))
    shape = model.item_shape(operation, result_key)
    own = _own_id(shape, result_key, ids) if model.is_structure(shape) else None
    return None if own is None else Target(operation, result_key, own, ids)


def _own_id(item: StructureShape, result_key: str, ids: tuple[str, ...]) -> str | None:
    """The member with the id of an item; ``None`` if it has none, or none of its own."""
    found = [
        name
        for name, shape in item.members.items()
        if name not in ids and _ID.fullmatch(model.bare(shape.metadata.get("pattern", "")))
    ]
    named = f"{_singular(result_key)}Id"
    if named in found:
        return named
    required = [name for name in found if name in item.required_members]
    return required[0] if len(required) == 1 else None


def _existing(names: Iterable[str]) -> list[str]:
    known = model.operation_names()
    return [name for name in dict.fromkeys(names) if name in known]


def _singular(plural: str) -> str:
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")


def _words(name: str) -> list[str]:
    return re.sub("(?=[A-Z])", " ", name).lower().split()
