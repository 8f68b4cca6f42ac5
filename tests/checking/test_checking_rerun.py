"""The lines at the end of a report rerun its case, wherever they are pasted."""

from __future__ import annotations

import datetime
import functools
import types
import zoneinfo

import pytest
from collectors import wrong
from collectors.judged import pasted, run_again
from dateutil.tz import tzutc

from pytest_deadline_sessions import Behavior, Listing, PaginationViolation, check_pagination
from pytest_deadline_sessions.checking import Case, Lapse
from pytest_deadline_sessions.checking._options import Options
from pytest_deadline_sessions.checking._rerun import rerun

ONE_PAGE = Case(Listing(page_sizes=(1,)))


def violation_of(collect, **options):
    """Return the violation that ``check_pagination`` raises."""
    with pytest.raises(PaginationViolation) as caught:
        check_pagination(collect, **options)
    return caught.value


def running(sessions):
    """Return the sessions that have not ended."""
    return [session for session in sessions if "endedAt" not in session]


class Tool:
    """Collectors that no module has by their names."""

    sessions = ()

    def method(self, client, **job):
        """Return the first page."""
        return [*self.sessions, *wrong.first_page(client, **job)]

    @classmethod
    def of_class(cls, client, **job):
        """Return the first page."""
        return wrong.first_page(client, **job)

    @staticmethod
    def static(client, **job):
        """Return the first page."""
        return wrong.first_page(client, **job)

    def __call__(self, client, **job):
        """Return the first page."""
        return wrong.first_page(client, **job)

    @property
    def __module__(self):
        """Fail, as a careless proxy may."""
        raise LookupError


def nested():
    """Make a function inside a function."""

    def first_page(client, **job):
        return wrong.first_page(client, **job)

    return first_page


def renamed():
    """Make a function that claims the name of another one."""
    function = nested()
    function.__module__, function.__qualname__ = "collectors.wrong", "first_page"
    return function


ANONYMOUS = {
    "lambda": lambda client, **job: wrong.first_page(client, **job),  # noqa: PLW0108 (the subject)
    "method": Tool().method,
    "class method": Tool.of_class,
    "static method": Tool.static,
    "callable object": Tool(),
    "partial": functools.partial(wrong.first_page),
    "partial method": functools.partial(Tool().method),
    "nested": nested(),
    "another by that name": renamed(),
    "a mere name": types.SimpleNamespace(__qualname__="x y", __module__=__name__),
}


@pytest.mark.parametrize("kind", [kind for kind in ANONYMOUS if kind != "a mere name"])
def test_a_collector_that_no_module_has_by_name(kind):
    """Whatever cannot be found by its name is ``<your collector>``, to be filled in."""
    violation = violation_of(ANONYMOUS[kind], max_examples=1)
    assert pasted(violation).splitlines() == [
        "from pytest_deadline_sessions import Listing, check_pagination",
        "check_pagination(<your collector>, examples=[Listing(page_sizes=(1, 1))], max_examples=1)",
    ]
    again = run_again(violation)
    assert (again.rule, again.case) == (violation.rule, violation.case)


def test_what_is_not_a_name():
    """A ``__qualname__`` that is no name is not written as one."""
    assert rerun(Options(ANONYMOUS["a mere name"]), [ONE_PAGE])[-1].startswith(
        "check_pagination(<your collector>, "
    )


def test_a_collector_of_a_module():
    """A function that a module has by its name is imported from there, decorated or not."""
    lines = rerun(Options(wrong.first_page), [ONE_PAGE])
    assert lines == [
        "from pytest_deadline_sessions import Listing, check_pagination",
        "from collectors.wrong import first_page",
        "check_pagination(first_page, examples=[Listing(page_sizes=(1,))])",
    ]


@pytest.mark.parametrize("name", ["__main__", "no.such.module"])
def test_a_collector_of_a_script(name):
    """A function of a script, or of code that is no module, is written by its bare name."""
    space = {"__name__": name}
    exec("def collect(client, **job): ...", space)
    lines = rerun(Options(space["collect"]), [ONE_PAGE])
    assert lines == [
        "from pytest_deadline_sessions import Listing, check_pagination",
        "check_pagination(collect, examples=[Listing(page_sizes=(1,))])",
    ]


def test_every_option_is_repeated():
    """The line repeats every option that differs from its default."""
    violation = violation_of(
        wrong.first_page,
        expected=running,
        ordered=False,
        without={"volume", "tokens", "drift"},
        empty_final_token=True,
        max_examples=3,
        patience=2.5,
    )
    assert pasted(violation).splitlines()[-1] == (
        "check_pagination(first_page, examples=[Listing(page_sizes=(1, 1))], expected=running, "
        "ordered=False, without=['volume', 'tokens', 'drift'], empty_final_token=True, "
        "max_examples=3, patience=2.5)"
    )
    again = run_again(violation)
    assert (again.rule, again.options) == (
        violation.rule,
        Options(**{**vars(violation.options), "examples": again.options.examples}),
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (lambda sessions: sessions, "<your expected>"),
        (running, "running"),
        (object(), "<your expected>"),
        ({"key": [1, (2.5, "text")]}, "{'key': [1, (2.5, 'text')]}"),
        ([object()], "<your expected>"),
        ({"key": object()}, "<your expected>"),
        (frozenset({"sort"}), "frozenset({'sort'})"),
        (Behavior(page_size=3), "Behavior(page_size=3)"),
    ],
)
def test_values_of_an_option(value, code):
    """A value is written as code, by its name, or as something to be filled in."""
    line = rerun(Options(wrong.first_page, expected=value), [ONE_PAGE])[-1]
    assert line.endswith(f", expected={code})")


@pytest.mark.parametrize(
    ("case", "imports"),
    [
        (
            Case(
                Listing(page_sizes=(1,), gap=datetime.timedelta(0)),
                Behavior(page_size=3),
                lapses=(Lapse("AccessDeniedException"),),
            ),
            [
                "import datetime",
                "from pytest_deadline_sessions import Behavior, Listing, check_pagination",
                "from pytest_deadline_sessions.checking import Case, Lapse",
            ],
        ),
        (
            Case(
                Listing(
                    page_sizes=(1,),
                    started_at=datetime.datetime(2025, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
                )
            ),
            [
                "import datetime",
                "import zoneinfo",
                "from pytest_deadline_sessions import Listing, check_pagination",
            ],
        ),
        (
            Case(
                Listing(page_sizes=(1,), started_at=datetime.datetime(2025, 1, 1, tzinfo=tzutc()))
            ),
            [
                "import datetime",
                "from pytest_deadline_sessions import Listing, check_pagination",
                "from dateutil.tz import tzutc",
            ],
        ),
        (
            Case(Listing.of(Listing(page_sizes=(1,)))),
            [
                "import datetime",
                "from pytest_deadline_sessions import Listing, check_pagination",
            ],
        ),
    ],
)
def test_every_import_that_pasting_needs(case, imports):
    """The lines have exactly the imports that they need, and make the same case."""

    def collect(client, **job):
        raise NotImplementedError

    lines = rerun(Options(collect), [case])
    assert lines[:-1] == imports
    made = []
    code = lines[-1].replace("check_pagination(<your collector>, examples=", "made.extend(")
    exec("\n".join([*lines[:-1], code]), {"made": made})
    assert made == [case if case != Case(case.listing) else case.listing]
