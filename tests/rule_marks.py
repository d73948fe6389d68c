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
    where = path.relative_to(folder.parent).as_posix()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            ids = [name for decorator in node.decorator_list for name in _ids(decorator)]
            yield from (Shown(name, where, node.name) for name in dict.fromkeys(ids))


def _ids(decorator: ast.expr) -> Iterator[str]:
    # Also the marks of single parameters.
    for call in ast.walk(decorator):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rule":
            yield from (ast.literal_eval(arg) for arg in call.args)
