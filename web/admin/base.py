"""What all pages of staff share: who may open them, and lists that stay quick and complete.

Flask-Admin's own templates, scripts and styles are not used: with ours there is no inline
handler or style, so the same content security policy holds here.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, abort, g, request
from flask_admin import BaseView, expose
from flask_admin.base import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import SecureForm
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.accounts.models import Tenant
from web.admin import login, rules
from web.db import db

PAGE = 50
# How far back lists go, in hours.
WINDOWS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "all": None}
MOST_PAGES = 10**9
EXPORT_STEP = 1000
# Routes of the library that no page of ours has.
_UNUSED = {
    "create_view",
    "edit_view",
    "delete_view",
    "details_view",
    "action_view",
    "ajax_update",
    "ajax_lookup",
}
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Guarded(BaseView):
    """A view for those whose role may see it."""

    def is_accessible(self) -> bool:
        """Whether the visitor may."""
        return rules.may_see(login.current().role, self.endpoint)

    def _run_view(self, fn: Any, *args: Any, **values: Any) -> Any:
        # Without the library's second try, which hides TypeErrors.
        return fn(self, *args, **values)


class Page(Guarded):
    """A page of our own."""

    def create_blueprint(self, admin: Admin) -> Any:
        """Without the library's static files: no page uses them."""
        self.static_folder = None
        return super().create_blueprint(admin)


class Table(Guarded, ModelView):
    """Rows of a model: filtered, paged without counting, exported whole. Nothing is changed."""

    can_create = can_edit = can_delete = False
    can_view_details = False
    can_export = True
    can_set_page_size = True
    page_size = PAGE
    page_size_options = (20, PAGE, 200)
    simple_list_pager = True
    _urls: Any
    form_base_class = SecureForm
    column_display_actions = False
    column_sortable_list = ()
    named_filter_urls = True
    list_template = "staff/list.html"
    export_types: ClassVar[list[str]] = ["csv"]
    # Shown above the list.
    told = ""
    # The time that rows are listed by; lists begin with the last day of it.
    time_column: str | None = None

    def create_blueprint(self, admin: Admin) -> Any:
        """Without the routes that would change rows, and without static files."""
        exposed: list[tuple[str, str, Any]] = type(self)._urls
        self._urls = [url for url in exposed if url[1] not in _UNUSED]
        self.static_folder = None
        return super().create_blueprint(admin)

    def get_query(self) -> Any:
        """The rows of the window that was asked for, or of a part of it."""
        query = super().get_query()
        hours = g.get("looked_back", WINDOWS[self.window()])
        if self.time_column is None or hours is None:
            return query
        return query.filter(
            getattr(self.model, self.time_column) > func.now() - timedelta(hours=hours)
        )

    def window(self) -> str:
        """How far back to look: as asked, or a day."""
        asked = request.args.get("window", "day")
        return asked if asked in WINDOWS else "day"

    def is_action_allowed(self, _name: str) -> bool:
        """There are none: changes have pages that ask why."""
        return False

    def _get_list_filter_args(self) -> Any:
        # A field of the form that was left empty filters nothing.
        found = super()._get_list_filter_args() or []
        return [each for each in found if str(each[2]).strip()]

    def get_list(self, page: int, *args: Any, **more: Any) -> Any:
        """The rows, with what their cells need: a query for all of them.

        No index has rows of all tenants by time, it would cost each order a little: a window is
        looked through as a whole. So a wider one is only where a narrower one fills no page.
        """
        # PostgreSQL skips no number of rows below zero or beyond 64 bits.
        page = min(max(page, 0), MOST_PAGES)
        if not more.get("execute", True):
            return super().get_list(page, *args, **more)
        wanted = more.get("page_size") or self.page_size
        for g.looked_back in self._windows():
            count, rows = super().get_list(page, *args, **more)
            if len(rows) >= wanted:
                break
        self.prepare(rows)
        return count, rows

    def _windows(self) -> list[int | None]:
        """From the last hour to what was asked for, in hours; None for ever."""
        hours = list(WINDOWS.values())
        whole = WINDOWS[self.window()]
        return [whole] if self.time_column is None else hours[: hours.index(whole) + 1]

    def prepare(self, rows: Sequence[Any]) -> None:
        """Look up what the cells of these rows name."""
        wanted = {row.tenant_id for row in rows if getattr(row, "tenant_id", None)}
        names: dict[UUID, str] = {}
        if wanted:
            found = db.session.execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_(wanted)))
            names = {row.id: row.name for row in found}
        self._template_args["tenants"] = names

    def fields(self) -> list[dict[str, Any]]:
        """The filters as a form has them, with what was asked."""
        asked = {(each[0], str(each[2])) for each in self._get_list_filter_args()}
        found = []
        for number, each in enumerate(self._filters or ()):
            value = next((value for index, value in asked if index == number), "")
            name = f"flt{number}_{self.get_filter_arg(number, each)}"
            options = each.get_options(self) if hasattr(each, "get_options") else None
            found.append(
                {"name": name, "label": each.name, "value": value, "options": options or ()}
            )
        return found

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Response:
        """Every row of the filter, in one snapshot, a thousand at a time."""
        if export_type not in self.export_types:
            abort(404)
        asked = self._get_list_extra_args()
        _, query = self.get_list(
            0, None, False, asked.search, asked.filters, page_size=0, execute=False
        )

        # The engine now: when the lines are sent, the request and its role are over.
        engine = db.engine

        def lines() -> Iterator[str]:
            yield _csv([title for _, title in self._export_columns])
            with Session(engine) as session:
                for row in query.with_session(session).yield_per(EXPORT_STEP):
                    cells = [self.get_export_value(row, name) for name, _ in self._export_columns]
                    yield _csv(cells)

        name = f"attachment; filename={self.endpoint}.csv"
        return Response(
            lines(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": name},
        )


def _csv(cells: Sequence[Any]) -> str:
    """One line; what a spreadsheet would run is text."""
    out = io.StringIO()
    told = ["" if cell is None else str(cell) for cell in cells]
    csv.writer(out).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in told)
    return out.getvalue()
