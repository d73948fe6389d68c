"""Browser files: our own, and those that packages carry. Hashed names, no other host.

`htmx` comes from a package that set-up installs into `<environment>/assets`, a folder of
its own. Without it pages work as plain forms and links; a line in the log says so.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask import Flask, Response, abort, current_app, send_file, url_for

from web.accounts.access import needs
from web.accounts.rules import Permission

FOREVER = "public, max-age=31536000, immutable"

log = structlog.get_logger()


@dataclass(frozen=True)
class Package:
    """One file that a package carries."""

    name: str
    distribution: str
    path: str


PACKAGES = (Package("htmx.js", "django_htmx", "django_htmx/static/django_htmx/htmx-2.min.js"),)


@dataclass(frozen=True)
class Asset:
    """A file and the name under which browsers may keep it for ever."""

    path: Path
    hashed_name: str


class Assets:
    """All browser files, by the name that templates use."""

    def __init__(self, own: Path, packages: Path) -> None:
        self._by_name: dict[str, Asset] = {}
        for path in sorted(own.rglob("*.*")):
            self._add(path.relative_to(own).as_posix(), path)
        for package in PACKAGES:
            self._add_package(package, packages)
        self._by_hashed_name = {asset.hashed_name: asset for asset in self._by_name.values()}

    def find(self, name: str) -> Asset | None:
        """The asset with this name."""
        return self._by_name.get(name)

    def find_hashed(self, hashed_name: str) -> Asset | None:
        """The asset behind a hashed name."""
        return self._by_hashed_name.get(hashed_name)

    def _add(self, name: str, path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        stem, _, suffix = name.rpartition(".")
        self._by_name[name] = Asset(path, f"{stem}.{digest}.{suffix}")

    def _add_package(self, package: Package, folder: Path) -> None:
        path = folder / package.path
        if not path.is_file():
            log.warning("asset_missing", asset=package.name, package=package.distribution)
            return
        log.info(
            "asset_found",
            asset=package.name,
            file=path.name,
            package=package.distribution,
            version=_version(folder, package.distribution),
        )
        self._add(package.name, path)


def install(app: Flask) -> None:
    """Serve assets under `/assets/` and give templates `asset_url`."""
    assets = Assets(Path(app.root_path) / "static", Path(sys.prefix) / "assets")
    app.extensions["fillwire.assets"] = assets
    app.add_url_rule("/assets/<path:hashed_name>", "asset", _serve)
    app.jinja_env.globals["asset_url"] = _url


@needs(Permission.PUBLIC)
def _serve(hashed_name: str) -> Response:
    asset = _assets().find_hashed(hashed_name)
    if asset is None:
        abort(404)
    response = send_file(asset.path)
    response.headers["Cache-Control"] = FOREVER
    return response


def _url(name: str) -> str | None:
    """The address of an asset; None when its package is not installed."""
    asset = _assets().find(name)
    return url_for("asset", hashed_name=asset.hashed_name) if asset else None


def _assets() -> Assets:
    assets: Assets = current_app.extensions["fillwire.assets"]
    return assets


def _version(folder: Path, distribution: str) -> str:
    names = [path.name for path in folder.glob(f"{distribution}-*.dist-info")]
    return names[0].removeprefix(f"{distribution}-").removesuffix(".dist-info") if names else "?"
