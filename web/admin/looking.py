"""The end of a look through a customer's eyes."""

from flask import make_response, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from protos import ids
from web import lists
from web.accounts import viewing
from web.admin.base import Page
from web.admin.deeds import record
from web.db import db


class ViewAs(Page):
    """Not in the menu: a look begins at an account, and ends here."""

    def is_visible(self) -> bool:
        """Reached by the banner's button only."""
        return False

    @expose("/")
    def over(self) -> ResponseReturnValue:
        """The quarter of an hour is over; nobody goes on by mistake."""
        lists.failed("The look is over.")
        return viewing.forget(make_response(redirect(url_for("admin.index"))))

    @expose("/stop", methods=("POST",))
    def stop(self) -> ResponseReturnValue:
        """Before that."""
        token = viewing.shown_token()
        found = viewing.end(token) if token else None
        if found is None:
            return viewing.forget(make_response(redirect(url_for("admin.index"))))
        tenant, person = found
        record("view_as:end", ids.show("person", person), tenant=tenant, reason="stopped")
        db.session.commit()
        page = url_for("staff_accounts.page", tenant_id=tenant)
        return viewing.forget(make_response(redirect(page)))
