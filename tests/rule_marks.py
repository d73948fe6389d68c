"""Which tests show which clauses of the trading rules, read from their sources."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """A test that shows a clause."""

    rule: str
    path: str
    name: str


def shown(folder: Path = TESTS) -> list[Shown]:
    """Every mark on every test, read from the sources."""
    found = [mark for path in sorted(folder.rglob("test_*.py")) for mark in _marks(path, folder)]
    return sorted(found, key=lambda mark: (mark.rule, mark.path, mark.name))


def _marks(path: Path, folder: Path) -> Iterator[Shown]:
    where, of_all = path.relative_to(folder.parent).as_posix(), list[str]()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign([ast.Name("pytestmark")], marks):
                of_all += _ids(marks)
            case ast.FunctionDef(test, decorator_list=decorators) | ast.AsyncFunctionDef(
                test, decorator_list=decorators
            ) if test.startswith("test_"):
                ids = [*of_all, *(rule for each in decorators for rule in _ids(each))]
                yield from (Shown(rule, where, test) for rule in dict.fromkeys(ids))


def _ids(marks: ast.expr) -> Iterator[str]:
    # Also in lists, and on single parameters.
    for call in ast.walk(marks):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rule":
            yield from (ast.literal_eval(arg) for arg in call.args)
