"""Mutants of the right collectors: each differs from a module with collectors in one place.

Cosmic-ray makes them, with all its operators. Two of those need the names of variables: they get
each variable of each statement. A definition that several collectors use is mutated once.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import json
import random
import sys
import types
import warnings
from pathlib import Path

COLLECTORS = Path(__file__).parent / "collectors"
OWN = "collectors.right"
STRANGERS = "collectors.strangers"
SURVIVORS = Path(__file__).parents[1] / "benchmarks" / "mutation_survivors.json"
"""The counts of the last campaign, the kinds of survivors, and every known survivor.

The known survivors are by definition, by the lines as they were, by kind, and by the lines as they
are. A campaign counts those that it takes.
"""
REGISTRY = {"right", "RIGHT"}
"""The names by which the modules register their collectors."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """A statement at the top of a module.

    Attributes:
        module: The module's name.
        name: What it defines, or the name of the collector that it registers.
        first: The index of its first line; decorators that only register a collector come before.
        last: The index of the line after it.
        uses: The names that it uses.
        registers: The collector that it registers, or None.
    """

    module: str
    name: str
    first: int
    last: int
    uses: frozenset[str]
    registers: str | None

    def text(self):
        """Its source."""
        return "".join(lines_of(self.module)[self.first : self.last])


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A module that differs from the original in one place.

    Attributes:
        definition: What was mutated.
        operator: The kind of cosmic-ray's operator.
        before: The lines that differ, as they were.
        after: The lines that differ.
        source: The mutated source of the definition.
    """

    definition: Definition
    operator: str
    before: str
    after: str
    source: str

    @property
    def key(self):
        """Its name: the definition, and the lines that differ, as they were and as they are."""
        return f"{self.definition.module}:{self.definition.name}", self.before, self.after

    def load(self):
        """Import the modules of its collection anew with this mutant; return the collectors."""
        lines = lines_of(self.definition.module)
        source = [*lines[: self.definition.first], self.source, *lines[self.definition.last :]]
        return load(self.definition.module, "".join(source))


def original(definition):
    """The mutant of a definition that is not mutated."""
    return Mutant(definition, "none", "", "", definition.text())


def campaign():
    """What is known from the last campaign: its counts, the kinds of survivors, the survivors."""
    return json.loads(SURVIVORS.read_text("utf-8"))


def explained():
    """The survivors that are explained: the kind of each by its key."""
    return {
        (name, before, after): kind
        for name, lines in campaign()["survivors"].items()
        for before, kinds in lines.items()
        for kind, several in kinds.items()
        for after in several
    }


def write_counts(counts, kinds):
    """Keep what a campaign has counted.

    Args:
        counts: By operator, how many mutants had each outcome.
        kinds: How many survivors are of each kind.
    """
    content = campaign()
    content["counts"] = {name: dict(sorted(counts[name].items())) for name in sorted(counts)}
    content["survived"] = {kind: kinds[kind] for kind in content["kinds"]}
    SURVIVORS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def path_of(module):
    """The file of a module with collectors."""
    return COLLECTORS.parent.joinpath(*module.split(".")).with_suffix(".py")


def lines_of(module):
    """The source of a module with collectors, line by line."""
    return path_of(module).read_text("utf-8").splitlines(keepends=True)


def modules():
    """The names of the modules with right collectors; those come first that others import."""
    yield OWN
    for path in sorted((COLLECTORS / "strangers").glob("right*.py")):
        yield f"{STRANGERS}.{path.stem}"


def load(module, source):
    """Import the modules of a collection anew, one of them with another source.

    Returns:
        The collectors by name.
    """
    for name in [name for name in sys.modules if name.startswith((OWN, STRANGERS))]:
        del sys.modules[name]
    # The module ``right`` takes the place of the function as soon as it is imported.
    collectors = None if module == OWN else importlib.import_module(STRANGERS).right
    mutated = types.ModuleType(module)
    mutated.__file__ = str(path_of(module))
    sys.modules[module] = mutated
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        exec(compile(source, mutated.__file__, "exec"), vars(mutated))
    if collectors is not None:
        return collectors()
    return {name: collect for name, (collect, _) in mutated.RIGHT.items()}


@functools.cache
def definitions(module):
    """The statements at the top of a module that collectors may use."""
    return tuple(_definitions(module))


def _definitions(module):
    for node in ast.parse("".join(lines_of(module))).body:
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)):
            continue
        name, registers = _named(node)
        if name in REGISTRY:
            continue
        own = [each for each in getattr(node, "decorator_list", ()) if not _registers(each)]
        registering = [each for each in getattr(node, "decorator_list", ()) if _registers(each)]
        first = min([node.lineno, *(each.lineno for each in own)]) - 1
        if registering:
            registers = name
        parts = [each for each in ast.iter_child_nodes(node) if each not in registering]
        uses = {each.id for part in parts for each in ast.walk(part) if isinstance(each, ast.Name)}
        uses -= {name} if registers is None else set()
        yield Definition(
            module, name, first, node.end_lineno, frozenset(uses - REGISTRY), registers
        )


def _named(node):
    """What a statement defines, and the name in the registry if it registers a collector by one."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name, None
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    if isinstance(target, ast.Subscript):
        return target.slice.value, target.slice.value
    return target.id, None


def _registers(decorator):
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Name) and function.id == "right"


@functools.cache
def users(definition):
    """The names of the collectors that use a definition, the nearest first."""
    several = [OWN] if definition.module == OWN else [name for name in modules() if name != OWN]
    known = [each for module in several for each in definitions(module)]
    reached, following = [], [definition]
    while following:
        current = following.pop(0)
        if current in reached:
            continue
        reached.append(current)
        following += [
            each
            for each in known
            if current.name in each.uses
            and (each.module == current.module or _is_shared(current, known))
        ]
    return [each.registers for each in reached if each.registers is not None]


def _is_shared(definition, known):
    """Whether other modules import what is defined: no other module has its own of that name."""
    return [each.module for each in known if each.name == definition.name] == [definition.module]


def mutants(definition):
    """Every mutant of a definition that compiles, each once."""
    original = definition.text()
    seen = {original}
    for operator, source in _mutated(original):
        if source in seen:
            continue
        seen.add(source)
        if not _compiles(source):
            continue
        before, after = _difference(original, source)
        yield Mutant(definition, operator, before, after, source)


def _compiles(source):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _difference(original, mutated):
    """The lines that differ, without those that they have in common at the start and the end."""
    old, new = original.splitlines(), mutated.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return tuple("\n".join(line.strip() for line in lines) for lines in (old, new))


def _mutated(source):
    """Apply every operator at every place; yield its kind and what it makes of the source."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        kind, operator = name.partition("/")[2].partition("_")[0], get_operator(name)
        if operator.arguments():
            yield from ((kind, mutated) for mutated in _with_variables(operator, source))
            continue
        count = sum(len(list(operator().mutation_positions(node))) for node in nodes)
        yield from ((kind, mutate_code(source, operator(), number)) for number in range(count))


def _with_variables(operator, source):
    """Apply an operator that replaces or inserts a variable to each statement by itself.

    The operator fails at an assignment of a single name or constant. So each statement is a source
    of its own.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code

    tree = get_ast(source)
    for node in ast_nodes(tree):
        if node.type != "expr_stmt" or len(node.children) != 3:
            continue
        value = node.get_rhs()
        if not hasattr(value, "children"):
            continue
        (line, column), statement = node.start_pos, node.get_code(include_prefix=False)
        start = sum(map(len, source.splitlines(keepends=True)[: line - 1])) + column
        names = [each.value for each in ast_nodes(value) if each.type == "name"]
        for cause in dict.fromkeys(names):
            for effect in dict.fromkeys(each.value for each in node.get_defined_names()):
                random.seed(0)
                changed = mutate_code(statement, operator(cause, effect), 0)
                if changed is not None:
                    yield source[:start] + changed + source[start + len(statement) :]
