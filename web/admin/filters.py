"""How lists of staff are filtered: by columns with an index, or inside the window of time."""

from typing import Any

from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from sqlalchemy import ColumnElement, func

from protos import ids


class Is(BaseSQLAFilter):
    """The column is just so."""

    def operation(self) -> str:
        """As the address of the page spells it."""
        return "is"

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        """The rows that are so."""
        return query.filter(self.column == value)


class Has(Is):
    """The column is the id of that, as it is shown: `str_…`."""

    def __init__(self, column: Any, name: str, kind: str) -> None:
        super().__init__(column, name)
        self._kind = kind

    def clean(self, value: str) -> Any:
        """The id behind it. Raises ValueError."""
        found = ids.read(self._kind, value.strip())
        if found is None:
            raise ValueError(value)
        return found


class Tells(Is):
    """What a column of JSON tells at a path is just so."""

    def __init__(self, column: Any, name: str, *path: str) -> None:
        super().__init__(column, name)
        self._told = column[path].astext

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        """The rows that tell so."""
        return query.filter(self._told == value)


class Slower(BaseSQLAFilter):
    """From one stage to another it took longer than so many milliseconds."""

    def __init__(self, begin: Any, end: Any, name: str) -> None:
        super().__init__(begin, name)
        self._took: ColumnElement[Any] = func.extract("epoch", end - begin) * 1000

    def operation(self) -> str:
        """As the address of the page spells it."""
        return "over"

    def clean(self, value: str) -> int:
        """Whole milliseconds. Raises ValueError."""
        return int(value)

    def apply(self, query: Any, value: int, _alias: Any = None) -> Any:
        """The rows that took longer."""
        return query.filter(self._took > value)
