"""Find code that may set an attribute of an object that is not the package's own.

An object is known to be our own if it is ``self`` inside a class, an instance made by calling one
of our classes, a parameter or variable annotated with one, or an attribute of such an object that
is in turn annotated or made like that.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Place(NamedTuple):
    """Where a node is.

    Attributes:
        names: The classes of ours by the names that the module has for them.
        functions: The functions around the node, outermost first.
        owner: The class around the node; ``None`` at module level.
    """

    names: dict[str, str]
    functions: tuple = ()
    owner: str | None = None


class Ownership:
    """Knows the classes of a package, and the classes of their attributes.

    Args:
        package: The name of the package.
        sources: The texts of its modules.
    """

    def __init__(self, package, sources):
        self._package = package
        trees = [ast.parse(source) for source in sources]
        self._classes = {
            node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        }
        # For each class and attribute: the annotations and values that it has, and where.
        self._attributes = {}
        for tree in trees:
            for node, place in self._nodes(tree):
                self._note(node, place)

    def foreign(self, source):
        """Return the nodes of a module that may set an attribute of an object not our own."""
        nodes = self._nodes(ast.parse(source))
        return [node for node, place in nodes if self._sets(node, place)]

    def _nodes(self, tree):
        """Yield every node of a module and its place."""
        names = {node.name: node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(self._package):
                names |= {
                    alias.asname or alias.name: alias.name
                    for alias in node.names
                    if alias.name in self._classes
                }
        yield from _walk(tree, Place(names))

    def _note(self, node, place):
        """Note what a statement says of the class of an attribute."""
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            return
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            in_body = isinstance(target, ast.Name) and not place.functions
            of_self = isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
            if place.owner and (in_body or of_self):
                key = place.owner, target.id if in_body else target.attr
                self._attributes.setdefault(key, []).append((node, place))

    def _sets(self, node, place):
        if isinstance(node, ast.Name):
            return node.id in {"setattr", "delattr"}
        if isinstance(node, ast.Call):
            code = ast.unparse(node.func)
            if code.endswith((".__setattr__", ".__delattr__")):
                return not node.args or not self._class_of(node.args[0], place)
            changes = r"(vars\(.*\)|.*\.__dict__)\.(pop|update|setdefault|clear)"
            return bool(re.fullmatch(changes, code))
        if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            return False
        if isinstance(node, ast.Attribute):
            return not self._class_of(node.value, place)
        return bool(re.fullmatch(r"(vars\(.*\)|.*\.__dict__|namespace)\[.*\]", ast.unparse(node)))

    def _class_of(self, value, place, seen=frozenset()):
        """Return the class of ours that a value is known to have, or ``None``."""
        key = ast.unparse(value), place.functions
        if key in seen:
            return None
        if isinstance(value, ast.Call):
            return place.names.get(ast.unparse(value.func))
        if isinstance(value, ast.Attribute):
            return self._class_of_attribute(value, place, seen | {key})
        if isinstance(value, ast.Name):
            return self._class_of_name(value.id, place, seen | {key})
        return None

    def _class_of_attribute(self, value, place, seen):
        noted = self._attributes.get((self._class_of(value.value, place, seen), value.attr), [])
        annotated = [each for each in noted if isinstance(each[0], ast.AnnAssign)]
        if annotated:
            return _only({_annotated(node.annotation, where) for node, where in annotated})
        return _only({self._class_of(node.value, where, seen) for node, where in noted})

    def _class_of_name(self, name, place, seen):
        method, *inner = place.functions or [None]
        if name == "self" and method and not any(_annotations(each, "self") for each in inner):
            return place.owner
        for number in range(len(place.functions), 0, -1):
            bound = self._bound(name, place._replace(functions=place.functions[:number]), seen)
            if bound:
                return _only(bound)
        return None

    def _bound(self, name, place, seen):
        """Return the classes that a function gives a name; ``None`` among them if one is unknown.

        Annotations come first, since type checkers hold every other statement to them.
        """
        annotations = _annotations(place.functions[-1], name)
        if annotations:
            return {_annotated(annotation, place) for annotation in annotations}
        nodes = list(_inside(place.functions[-1]))
        assigned = [
            (target, node.value)
            for node in nodes
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id == name
        ]
        plain = [target for target, _ in assigned]
        found = {self._class_of(value, place, seen) for _, value in assigned}
        if any(_binds(node, name) for node in nodes if node not in plain):
            found.add(None)
        return found


def _walk(node, place):
    for child in ast.iter_child_nodes(node):
        yield child, place
        inner = place
        if isinstance(child, ast.ClassDef):
            inner = place._replace(owner=child.name, functions=())
        elif isinstance(child, FUNCTIONS):
            inner = place._replace(functions=(*place.functions, child))
        yield from _walk(child, inner)


def _inside(function):
    """Yield the nodes of a function, without those of functions and classes inside it."""
    waiting = [function.body] if isinstance(function, ast.Lambda) else list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, FUNCTIONS | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _annotations(function, name):
    """Return the annotations of a name in a function; ``None`` for a parameter without one."""
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    parameters += filter(None, [arguments.vararg, arguments.kwarg])
    found = [parameter.annotation for parameter in parameters if parameter.arg == name]
    found += [
        node.annotation
        for node in _inside(function)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name
    ]
    return found


def _annotated(annotation, place):
    """Return the class of ours that an annotation names, alone or beside ``None``."""
    if annotation is None:
        return None
    return place.names.get(ast.unparse(annotation).removesuffix(" | None"))


def _binds(node, name):
    """Whether a node gives a name a value: a target, an import, a definition or a capture."""
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    bound = getattr(node, "asname", None) or getattr(node, "name", None) or ""
    return isinstance(bound, str) and bound.partition(".")[0] == name


def _only(found):
    """Return the only member of a set, or ``None``."""
    return found.pop() if len(found) == 1 else None
