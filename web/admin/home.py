"""The front page: find anything."""

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from web.admin import finding
from web.admin.base import Page


class Home(Page):
    """One box for whatever a customer quotes."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What was found; one thing is jumped to at once."""
        asked = request.args.get("q", "").strip()
        hits = finding.find(asked) if asked else []
        if len(hits) == 1:
            return redirect(hits[0].url)
        told: str = self.render("staff/home.html", asked=asked, hits=hits)
        return told
