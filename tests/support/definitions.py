"""The public names that modules and classes define, read off their code."""

from __future__ import annotations

import ast
import functools


def is_public(name):
    """Whether a name has no underscore in front."""
    return not name.startswith("_")


def module_names(source):
    """Return the public names that a module defines.

    An imported name is not its own, except in the form for type checkers, ``import X as X``.
    """
    return {name for name in _defined(_parsed(source).body) if is_public(name)}


def class_attributes(name, sources):
    """Return the public attributes that a class and its bases define in some sources.

    These are methods, attributes that the body of the class declares, and attributes of ``self``.

    Args:
        name: The name of a class that exactly one source defines.
        sources: The texts of modules. A base that none of them defines is left out.
    """
    classes = [
        node
        for source in sources
        for node in _parsed(source).body
        if isinstance(node, ast.ClassDef)
    ]
    names, waiting = set(), [name]
    while waiting:
        wanted = waiting.pop()
        found = [node for node in classes if node.name == wanted]
        if not found:
            continue
        (node,) = found
        names |= {*_defined(node.body), *_set_on_self(node)}
        waiting += [ast.unparse(base).partition("[")[0] for base in node.bases]
    return {attribute for attribute in names if is_public(attribute)}


@functools.cache
def _parsed(source):
    return ast.parse(source)


def _defined(statements):
    """Yield the names that statements define, also inside ``if``, ``try``, ``for`` and ``with``."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in statement.names if alias.name == alias.asname)
            continue
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                yield from _defined([node])
            else:
                yield from _stored(node)


def _stored(expression):
    """Yield the names that an expression sets; those of a comprehension are its own."""
    if isinstance(expression, ast.Name) and isinstance(expression.ctx, ast.Store):
        yield expression.id
    if not isinstance(expression, ast.comprehension | ast.Lambda):
        for node in ast.iter_child_nodes(expression):
            yield from _stored(node)


def _set_on_self(class_):
    for node in ast.walk(class_):
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if stored and ast.unparse(node.value) == "self":
            yield node.attr
