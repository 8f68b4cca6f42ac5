"""Find state at module level and in class bodies: values that may change while the process runs.

A value that is made by a call may change, unless what is called is known to make a constant.
"""

from __future__ import annotations

import ast

# What these make cannot change, or nobody changes it.
CONSTANT_MAKERS = {
    "Bundle": "a name for values that a state machine of Hypothesis draws",
    "TypeVar": "read by type checkers",
    "_base64": "a function",
    "_between": "a function",
    "_read_as": "a function",
    "_decision": "a field of Behavior with its reason",
    "dataclasses.replace": "a copy of an object that is frozen",
    "datetime.datetime": "immutable",
    "datetime.timedelta": "immutable",
    "dict.fromkeys": "a table, filled where it is written",
    "field": "says how each instance of a dataclass gets its own value",
    "frozenset": "immutable",
    "getattr": "makes nothing",
    "object": "has no attributes",
    "property": "calls a function",
    "pytest.StashKey": "a key; the values are in pytest's stash",
    "re.compile": "immutable",
    "requester": "a string",
    "sorted": "the names in __all__",
    "st.deferred": "a strategy",
    "st.integers": "a strategy",
    "st.sampled_from": "a strategy",
    "tuple": "immutable",
    "typing.TypeVar": "read by type checkers",
}


def frozen_classes(sources):
    """Return the names of the classes in some sources whose instances cannot change.

    A name that is also the name of another class, which is not frozen, is left out.
    """
    frozen, other = set(), set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                (frozen if _is_frozen(node) else other).add(node.name)
    return frozen - other


def _is_frozen(class_):
    bases = {ast.unparse(base).rpartition(".")[2] for base in class_.bases}
    decorators = {ast.unparse(decorator) for decorator in class_.decorator_list}
    dataclass = any("dataclass(" in code and "frozen=True" in code for code in decorators)
    return dataclass or bool(bases & {"NamedTuple", "Enum"})


def changing(source, constant):
    """Yield the module-level names and the class attributes whose value may change.

    Args:
        source: The text of a module.
        constant: What may be called because it makes a constant.
    """
    yield from _changing(ast.parse(source).body, "", constant)


_CHANGERS = {
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem"),
    *("popleft", "remove", "reverse", "setdefault", "sort", "update"),
}


def changed_tables(source):
    """Yield the module-level names whose items some function of the module changes."""
    tree = ast.parse(source)
    tables = {
        name.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for name in ast.walk(statement)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            own = {node.id for node in ast.walk(function) if _is_stored(node)}
            own |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
            changed = {_root(node) for node in ast.walk(function)} - own
            yield from sorted(changed & tables)


def _is_stored(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _root(node):
    """Return the name whose items a node changes; ``None`` if it changes none."""
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        value = node.value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _CHANGERS
    ):
        value = node.func.value
    else:
        return None
    while isinstance(value, ast.Subscript | ast.Attribute):
        value = value.value
    return value.id if isinstance(value, ast.Name) else None


def _changing(statements, prefix, constant):
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            yield from _changing(statement.body, f"{prefix}{statement.name}.", constant)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            if statement.value is not None and _may_change(statement.value, constant):
                targets = getattr(statement, "targets", [getattr(statement, "target", None)])
                yield from (f"{prefix}{ast.unparse(target)}" for target in targets)
        else:
            blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
            blocks += [handler.body for handler in getattr(statement, "handlers", [])]
            for block in blocks:
                yield from _changing(block, prefix, constant)


def _may_change(value, constant):
    """Whether a value may change, or has a part that may.

    A list, a dict or a set that is written out with its members is a table, and constant.
    """
    if ast.unparse(value) in {"[]", "{}"}:
        return True
    parts = ast.List | ast.Set | ast.Dict | ast.Tuple | ast.Starred | ast.IfExp | ast.BoolOp
    if isinstance(value, parts):
        return any(_may_change(part, constant) for part in ast.iter_child_nodes(value))
    if isinstance(value, ast.NamedExpr):
        return _may_change(value.value, constant)
    if not isinstance(value, ast.Call):
        return False
    made = value.func.value if isinstance(value.func, ast.Subscript) else value.func
    return ast.unparse(made) not in constant
