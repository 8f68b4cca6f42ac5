"""Find the imports of a module: statements, and calls of functions that import."""

from __future__ import annotations

import ast
from typing import NamedTuple

# Functions that import a module by its name.
IMPORTERS = {"__import__", "import_module", "importorskip", "resolve_name", "run_module"}


class Module(NamedTuple):
    """A module.

    Attributes:
        name: Its full name.
        package: The full name of the package that its relative imports begin at.
    """

    name: str
    package: str


def imported(node, module):
    """Return the full names that a node imports, as far as they can be read off the code."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            folders = module.package.split(".")
            remaining = folders[: len(folders) - node.level + 1]
            base = ".".join([*remaining, *filter(None, [base])])
        return [f"{base}.{alias.name}" for alias in node.names]
    name = _name_in_call(node, module)
    return [] if name is None else [name]


def hidden(tree, module):
    """Return the code of each import of a module that does not show what it imports.

    That is the name in a call, if it is computed. It is the whole code if an importing function
    gets more than a name, is renamed, or is handed on instead of called.
    """
    found, called = [], []
    for node in ast.walk(tree):
        if _is_call(node):
            called.append(node.func)
            if _name_in_call(node, module) is None:
                found.append(ast.unparse(node.args[0] if _has_only_a_name(node) else node))
        elif isinstance(node, ast.ImportFrom):
            aliases = [alias for alias in node.names if alias.name in IMPORTERS and alias.asname]
            found += [ast.unparse(node)] * bool(aliases)
        elif _is_importer(node) and node not in called:
            found.append(ast.unparse(node))
    return found


def at_the_top(tree):
    """Return the nodes of a module that run when it is imported."""
    waiting, found = list(tree.body), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        found.append(node)
        waiting += ast.iter_child_nodes(node)
    return found


def _is_importer(node):
    name = getattr(node, "attr" if isinstance(node, ast.Attribute) else "id", None)
    return name in IMPORTERS


def _is_call(node):
    return isinstance(node, ast.Call) and _is_importer(node.func)


def _has_only_a_name(call):
    return len(call.args) == 1 and not call.keywords


def _name_in_call(node, module):
    """Return the absolute name that a call imports, or ``None`` if it cannot be read off."""
    if not _is_call(node) or not _has_only_a_name(node):
        return None
    name = _text(node.args[0], module)
    # An object in a module may follow a colon.
    return name and name.replace(":", ".")


def _text(value, module):
    """Return the text of a string made of literals and ``__name__``, or ``None``."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if isinstance(value, ast.Name):
        return {"__name__": module.name, "__package__": module.package}.get(value.id)
    if isinstance(value, ast.FormattedValue):
        return _text(value.value, module)
    if isinstance(value, ast.JoinedStr):
        parts = [_text(part, module) for part in value.values]
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        parts = [_text(value.left, module), _text(value.right, module)]
    else:
        return None
    return None if None in parts else "".join(parts)
