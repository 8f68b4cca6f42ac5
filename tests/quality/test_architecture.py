"""Which rooms of the package may import which, and where attributes and state may change."""

from __future__ import annotations

import ast
import functools
import itertools
from pathlib import Path

import pytest
from attribute_setting import Ownership
from importing import Module, at_the_top, hidden, imported
from module_state import CONSTANT_MAKERS, changed_tables, changing, frozen_classes

import pytest_deadline_sessions

PACKAGE = "pytest_deadline_sessions"
ROOT = Path(pytest_deadline_sessions.__file__).parent

# A file or a folder at the top of the package is a room. It may import only from the rooms named
# here, which are all listed before it.
ROOMS = {
    "_public": "",
    "_text": "",
    "_arguments": "_text",
    "_state": "",
    "_patching": "_state",
    "_rebinding": "_state",
    "_api": "_public _text _arguments",
    "lifecycle": "_text _arguments _api",
    "_domain": "_public _text _arguments _state _patching _api lifecycle",
    "_service": "_public _text _arguments _state _api lifecycle _domain",
    "_transport": "_public _text _arguments _state _patching _api _domain _service",
    "_fake": "_public _text _arguments _state _api _domain _service _transport",
    "_stubber": "_public _text _arguments _api lifecycle _domain",
    "_contract": "_text _arguments _api lifecycle _domain",
    "_assertions": "_public _text _arguments _api lifecycle _domain _contract",
    "strategies": "_public _text _arguments _api lifecycle _domain _service _fake _contract "
    "_assertions",
    "_hypothesis_entry": "_api _domain strategies",
    "provider": "_text _arguments _api lifecycle",
    "checking": "_public _text _arguments _state _patching _rebinding _api lifecycle _domain "
    "_service _transport _fake _contract strategies",
    "_plugin": "_text _arguments _state _patching _domain _service _transport _fake provider",
    "plugin": "_text _state _patching _api lifecycle _domain _service _transport _fake _stubber "
    "_plugin",
    "__main__": "_text _domain _transport _fake",
    "__init__": "_api _domain _service _transport _fake _stubber _assertions checking",
}

AT_THE_TOP = {
    "hypothesis": {"strategies", "checking"},
    "faker": {"provider"},
    "freezegun": set(),
    "boto3": set(),
    "aiobotocore": set(),
    "h11": set(),
}

FILES = sorted(ROOT.rglob("*.py"))


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _room(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


# Imports whose names are computed, by the code of the name: what they import in fact.
COMPUTED_IMPORTS = {
    "__init__.py": {
        # A public name is loaded on first use.
        "f'{__name__}.{_ROOMS[name]}'": {
            f"{PACKAGE}.{home}" for home in pytest_deadline_sessions._ROOMS.values()
        },
    },
    # Hypothesis loads one of the strategies when it first needs one.
    "_hypothesis_entry.py": {
        f"f'{PACKAGE}.strategies.{{module}}'": {f"{PACKAGE}.strategies"},
    },
    # The user's stubs of boto3 are there or are not.
    "strategies/_types.py": {
        "f'{package}.type_defs'": {"mypy_boto3_deadline", "types_boto3_deadline"},
    },
}


@functools.cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _module(path):
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    package = ".".join(parts[:-1])
    return Module(package if path.name == "__init__.py" else ".".join(parts), package)


def _imports(path):
    """Return every import of a file, including those in functions and for types only."""
    module = _module(path)
    names = [name for node in ast.walk(_tree(path)) for name in imported(node, module)]
    return [*names, *itertools.chain(*COMPUTED_IMPORTS.get(_name(path), {}).values())]


def _imports_at_the_top(path):
    """Return the imports that run when the file is imported."""
    module = _module(path)
    return [name for node in at_the_top(_tree(path)) for name in imported(node, module)]


def _file_of(name):
    """Return the file of the package that defines a full name, or ``None`` for other packages."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    for count in range(len(parts), 1, -1):
        path = ROOT.joinpath(*parts[1:count])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return ROOT / "__init__.py"


def _files_among(names):
    return {file for file in map(_file_of, names) if file is not None}


@functools.cache
def _imported_files(path):
    return _files_among(_imports(path)) - {path}


# The files that may set attributes of objects, and why.
SETTERS = {
    "_patching.py": "is the one place that may set attributes",
    "_public.py": "says of public objects of the package where they are imported from",
    "_rebinding.py": "changes defaults of functions and globals of modules",
}


def test_rooms_import_only_earlier_rooms():
    """Every room in ``ROOMS`` may import only rooms listed before it."""
    for number, (room, allowed) in enumerate(ROOMS.items()):
        assert set(allowed.split()) <= set(itertools.islice(ROOMS, number)), room


def test_nothing_may_import_the_plugin():
    """No room in ``ROOMS`` may import ``plugin``."""
    assert not [room for room, allowed in ROOMS.items() if "plugin" in allowed.split()]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_import_climbs(path):
    """A file imports only from its own room and from those that ``ROOMS`` allows."""
    room = _room(path)
    assert room in ROOMS, f"{_name(path)} is in no room: add {room!r} to ROOMS, on its floor"
    climbing = _climbing(path)
    assert not climbing, f"{_name(path)} imports {climbing} (allowed: {ROOMS[room]})"


def _climbing(path):
    """Return the rooms that a file imports but may not."""
    room = _room(path)
    rooms = {_room(file) for file in _files_among(_imports(path))}
    return sorted(rooms - {room, *ROOMS[room].split()})


def test_no_circular_import():
    """No file imports itself indirectly, not even inside a function or for types only."""
    assert _circles() == {}


def _circles():
    """Return for each file that imports itself indirectly the files on the way."""
    reached = {path: _reach(path) for path in FILES}
    return {
        _name(path): sorted(_name(other) for other in reached[path] if path in reached[other])
        for path in FILES
        if path in reached[path]
    }


def _reach(path):
    """Return every file that a file imports, directly or indirectly."""
    reached, waiting = set(), [path]
    while waiting:
        fresh = _imported_files(waiting.pop()) - reached
        reached |= fresh
        waiting += fresh
    return reached


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_slow_packages_are_imported_late(path):
    """Packages that load slowly are imported inside functions, except in the rooms about them."""
    room = _room(path)
    packages = {name.partition(".")[0] for name in _imports_at_the_top(path)}
    early = {package for package in packages & AT_THE_TOP.keys() if room not in AT_THE_TOP[package]}
    assert not early, f"{_name(path)} imports {sorted(early)} at its top: import inside a function"


@pytest.mark.parametrize(
    ("module", "rooms"), [("__init__", set()), ("plugin", {"_plugin", "_patching", "_state"})]
)
def test_importing_the_package_loads_few_rooms(module, rooms):
    """Importing the package or its plugin loads no other room than those named here."""
    loaded, waiting = set(), [ROOT / f"{module}.py"]
    while waiting:
        fresh = _files_among(_imports_at_the_top(waiting.pop())) - loaded
        loaded |= fresh
        waiting += fresh
    assert {_room(file) for file in loaded} - {"__init__"} == rooms


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_imports_show_what_they_import(path):
    """An import whose name is computed is listed in ``COMPUTED_IMPORTS`` with what it imports."""
    known = COMPUTED_IMPORTS.get(_name(path), {}).keys()
    assert set(hidden(_tree(path), _module(path))) == known


MODULE = Module("package.room.file", "package.room")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import hypothesis.strategies as st", ["hypothesis.strategies"]),
        ("from freezegun import api", ["freezegun.api"]),
        ("from . import lifecycle", ["package.room.lifecycle"]),
        ("from .. import lifecycle", ["package.lifecycle"]),
        ("from .lifecycle import RULES", ["package.room.lifecycle.RULES"]),
        ("try:\n    import faker\nexcept ImportError:\n    pass", ["faker"]),
        ("class A:\n    import faker", ["faker"]),
        ("def f():\n    import faker", []),
        ("if TYPE_CHECKING:\n    import faker\nelse:\n    import boto3", ["boto3"]),
        ("checking = importlib.import_module('package.checking')", ["package.checking"]),
        ("run = import_module('package.checking').run", ["package.checking"]),
        ("__import__('package.checking')", ["package.checking"]),
        ("pkgutil.resolve_name('package.checking:run')", ["package.checking.run"]),
        ("importlib.import_module(f'{__name__}._machine')", ["package.room.file._machine"]),
        ("importlib.import_module(__package__ + '._machine')", ["package.room._machine"]),
        ("def f():\n    importlib.import_module('faker')", []),
    ],
)
def test_imports_at_the_top_are_found(source, expected):
    """Imports of any form are found, except those inside functions or for types only."""
    nodes = at_the_top(ast.parse(source))
    assert [name for node in nodes for name in imported(node, MODULE)] == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("importlib.import_module(name)", ["name"]),
        ("def f():\n    return __import__(f'package.{name}')", ["f'package.{name}'"]),
        ("import_module('package.' + name)", ["'package.' + name"]),
        ("import_module('.checking', 'package')", ["import_module('.checking', 'package')"]),
        ("__import__('checking', level=1)", ["__import__('checking', level=1)"]),
        ("load = importlib.import_module", ["importlib.import_module"]),
        ("list(map(__import__, names))", ["__import__"]),
        (
            "from importlib import import_module as load",
            ["from importlib import import_module as load"],
        ),
        ("from importlib import import_module", []),
        ("importlib.import_module('package.checking')", []),
        ("importlib.import_module(f'{__name__}._machine')", []),
    ],
)
def test_hidden_imports_are_found(source, expected):
    """An import that does not show what it imports is found, wherever it is."""
    assert hidden(ast.parse(source), MODULE) == expected


@pytest.fixture
def adding(monkeypatch):
    """Return a function that adds code to a file of the package, as the other tests see it."""
    real = _tree

    def add(path, code):
        tree = ast.parse(path.read_text(encoding="utf-8") + code)
        monkeypatch.setitem(globals(), "_tree", lambda each: tree if each == path else real(each))
        _imported_files.cache_clear()

    yield add
    _imported_files.cache_clear()


@pytest.mark.parametrize("function", ["importlib.import_module", "__import__"])
def test_a_call_that_imports_climbs_and_closes_circles(function, adding):
    """A call that imports a file is held to the same rules as a statement."""
    clock = ROOT / "_domain" / "clock.py"
    assert (_climbing(clock), _circles()) == ([], {})
    adding(clock, f"\n\ndef late():\n    {function}('{PACKAGE}.checking._runner')\n")
    assert _climbing(clock) == ["checking"]
    assert "checking/_runner.py" in _circles()["_domain/clock.py"]


# Objects of the package whose attributes are set where their class cannot be read off the code.
KNOWN_OBJECTS = {
    "_contract/tokens.py": {"chain": "a _Chain, from the list of all chains or made here"},
    "_service/jobs.py": {
        "state": "a JobState, from the state of the service",
        "service": "the Service that a Job is given",
    },
    "_service/service.py": {"exchange": "an Exchange, as Service.recording yields it"},
    "_transport/environment_variables.py": {"_state.own": "what _state has of this thread"},
    "_transport/gateway.py": {"exchange": "an Exchange, as Service.recording yields it"},
    "_transport/interception.py": {"hooks": "a client's ClientHooks, from _state or made here"},
    "plugin.py": {"activation.of_test(item)": "an Activation"},
    "strategies/_machine.py": {
        "cls.TestCase": "what Hypothesis made for this class, to be set in this way",
    },
}


@functools.cache
def _ownership():
    return Ownership(PACKAGE, [path.read_text(encoding="utf-8") for path in FILES])


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_few_files_set_attributes_of_others(path):
    """Only the files in ``SETTERS`` set attributes of objects that are not the package's own."""
    if _name(path) in SETTERS:
        return
    foreign = _ownership().foreign(path.read_text(encoding="utf-8"))
    places = [
        f"{_name(path)}:{node.lineno}: {ast.unparse(node)}"
        for node in foreign
        if _object(node) not in KNOWN_OBJECTS.get(_name(path), {})
    ]
    assert not places, f"{places}: use a function of _patching"
    unused = KNOWN_OBJECTS.get(_name(path), {}).keys() - set(map(_object, foreign))
    assert not unused, f"KNOWN_OBJECTS need not excuse {unused} in {_name(path)}"


def _object(node):
    return ast.unparse(node.value) if isinstance(node, ast.Attribute) else None


# What the cases of the next test are part of.
SURROUNDINGS = """
from time import Clock as Theirs
from package.clock import Clock, Fault as Failure

class Client:
    events: Emitter
    clock: Clock | None

    def __init__(self, fault: Failure, time: Time):
        self.fault = fault
        self.own = Clock()
        self.time = time
        self.either = Clock() if time else time
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("time.sleep = wait", True),
        ("time.now = None", True),
        ("del events.emit", True),
        ("api.limit += 1", True),
        ("for loop.time in clocks: pass", True),
        ("setattr(owner, name, value)", True),
        ("partial(delattr, owner, name)", True),
        ("object.__setattr__(other, 'name', 1)", True),
        ("object.__setattr__(self, 'name', 1)", True),
        ("class A:\n def f(self): object.__setattr__(self, 'name', 1)", False),
        ("vars(owner)['emit'] = ours", True),
        ("vars(owner).setdefault('emit', ours)", True),
        ("owner.__dict__.pop('emit')", True),
        ("owner.__dict__['emit'] = ours", True),
        ("vars(owner).get('emit')", False),
        ("owner = vars(owner)['emit']", False),
        # Whose attribute it is matters, not how it is called.
        ("def f(client): client.events = None", True),
        ("def f(client: Any): client.events = None", True),
        ("def f(client: Client): client.events = None", False),
        ("def f(*, client: Client | None = None): client.events = None", False),
        ("def f(client: Client): client.events.emit = None", True),
        ("def f(client: Client): client.clock.time = None", False),
        ("def f(client: Client): client.own.time = None", False),
        ("def f(client: Client): client.fault.code = None", False),
        ("def f(client: Client): client.time.now = None", True),
        ("def f(client: Client): client.either.now = None", True),
        ("def f(client: Client): client.unheard.now = None", True),
        ("def f(clock: Theirs): clock.now = None", True),
        ("def f():\n clock = Clock()\n clock.now = None", False),
        ("def f():\n first = second = Clock()\n second.now = None", False),
        ("def f():\n clock = Theirs()\n clock.now = None", True),
        ("def f():\n clock: Clock = g()\n clock.now = None", False),
        ("def f():\n clock = Clock()\n clock = g()\n clock.now = None", True),
        ("def f():\n clock = Clock()\n for clock in g(): clock.now = None", True),
        ("def f():\n clock = Clock()\n import clock\n clock.now = None", True),
        ("def f():\n try: clock = Clock()\n except E as clock: clock.now = None", True),
        ("def f():\n clock = clock.clock\n clock.now = None", True),
        ("def f():\n clock = Clock()\n def g(): clock.now = None", False),
        ("def f():\n clock = Clock()\n def g(clock): clock.now = None", True),
        ("def f():\n clock = Clock()\ndef g(): clock.now = None", True),
        ("class A:\n def f(self): self.emit = 1", False),
        ("class A:\n def f(self): self.client.emit = 1", True),
        ("class A:\n def f(self): cls.emit = 1", True),
        ("class A:\n def f(self):\n  def g(): self.emit = 1", False),
        ("class A:\n def f(self):\n  def g(self): self.emit = 1", True),
        ("def f(self): self.emit = 1", True),
    ],
)
def test_setting_of_attributes_is_found(source, expected):
    """Setting an attribute is found in any form, unless the object is known to be our own."""
    classes = "class Clock: pass\nclass Fault: pass"
    ownership = Ownership("package", [classes, f"{SURROUNDINGS}{source}"])
    assert bool(ownership.foreign(f"{SURROUNDINGS}{source}")) is expected


# Values at module level that may change but need not be in `_state`, and why.
OUTSIDE_STATE = {
    "_service/registry.py": {
        "OPERATIONS": "filled while the modules with the operations are imported, then constant",
    },
    # The replacements of a group are in `_state`, as tests/transport/test_patching.py checks.
    "_transport/environment_variables.py": {"_patches": "only the name of a group"},
    "_transport/interception.py": {"_patches": "only the name of a group"},
    "_transport/retry_delays.py": {"_patches": "only the name of a group"},
}


@functools.cache
def _constant_makers():
    sources = [path.read_text(encoding="utf-8") for path in FILES]
    return CONSTANT_MAKERS.keys() | frozen_classes(sources)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_state_has_mutable_globals(path):
    """Only ``_state`` has mutable globals, and no class has mutable attributes of its own."""
    source = path.read_text(encoding="utf-8")
    found = set(changing(source, _constant_makers()))
    if _name(path) == "_state.py":
        assert not [name for name in found if "." in name]
    else:
        assert found == OUTSIDE_STATE.get(_name(path), {}).keys()
        assert set(changed_tables(source)) <= OUTSIDE_STATE.get(_name(path), {}).keys()
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Global)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(): CACHE['a'] = 1", ["CACHE"]),
        ("def f(): CACHE['a'] += 1", ["CACHE"]),
        ("def f(): del CACHE['a']", ["CACHE"]),
        ("def f(): CACHE['a']['b'] = 1", ["CACHE"]),
        ("def f(): CACHE.setdefault('a', 1)", ["CACHE"]),
        ("def f(): CACHE['a'].append(1)", ["CACHE"]),
        ("class Ours:\n    def f(self): CACHE.clear()", ["CACHE"]),
        ("f = lambda: CACHE.pop('a')", ["CACHE"]),
        ("def f(): return CACHE['a'], CACHE.get('b')", []),
        ("def f(CACHE): CACHE['a'] = 1", []),
        ("def f():\n    CACHE = {}\n    CACHE['a'] = 1", []),
        ("def f(other): other['a'] = 1", []),
    ],
)
def test_changed_tables_are_found(source, expected):
    """A table that a function changes is found, whatever it holds at first."""
    assert list(changed_tables("CACHE = {'': 0}\n" + source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("several = []", ["several"]),
        ("several: dict[str, int] = {}", ["several"]),
        ("several = list[int]()", ["several"]),
        ("first = second = set()", ["first", "second"]),
        ("pair = (1, [])", ["pair"]),
        ("table = {'calls': []}", ["table"]),
        ("either = sys.argv or []", ["either"]),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    several = []", ["several"]),
        ("try:\n    import h11\nexcept ImportError:\n    several = []", ["several"]),
        ("lock = threading.RLock()", ["lock"]),
        ("seen = weakref.WeakSet()", ["seen"]),
        ("last = collections.deque(maxlen=4)", ["last"]),
        ("call = ContextVar('call')", ["call"]),
        ("counts = Counter()", ["counts"]),
        ("counter = itertools.count()", ["counter"]),
        ("patches = Patches('group')", ["patches"]),
        ("class Ours:\n    several = []", ["Ours.several"]),
        ("class Ours:\n    class Inner:\n        seen: set[int] = set()", ["Ours.Inner.seen"]),
        ("NAMES = {'a': 1}", []),
        ("SQUARES = [n * n for n in range(9)]", []),
        ("PATTERN = re.compile('a')", []),
        ("LISTING = Frozen((1, 2))", []),
        ("KEY = pytest.StashKey[int]()", []),
        ("class Ours:\n    seen: set[int]\n    calls: list[str] = field(default_factory=list)", []),
        ("def f():\n    several = []", []),
        ("class Ours:\n    def f(self):\n        several = []", []),
    ],
)
def test_state_is_found(source, expected):
    """Whatever may change is found, at module level and in class bodies; constants are not."""
    assert list(changing(source, CONSTANT_MAKERS.keys() | {"Frozen"})) == expected


def test_frozen_classes_are_found():
    """Frozen dataclasses, named tuples and enums make constants, unless others share their name."""
    sources = [
        "@dataclass(frozen=True, repr=False)\nclass Listing: pass\nclass Cut(NamedTuple): pass",
        "class Kind(Enum): pass\n@dataclass\nclass State: pass\nclass Patches: pass",
        "@dataclass(frozen=True)\nclass Run: pass",
        "class Run: pass",
    ]
    assert frozen_classes(sources) == {"Listing", "Cut", "Kind"}
