"""OpenAPI 3.1 and its page, served from packaged assets: nothing is fetched from elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.router import Router
from litestar.static_files import create_static_files_router

from sekisho import __version__
from sekisho.http.examples import DescriptionConfig
from sekisho.kernel.errors import ExtraMissing

ASSETS: Final = "/docs/assets"


def openapi_config() -> OpenAPIConfig:
    return DescriptionConfig(
        title="Sekisho",
        version=__version__,
        description="The checkpoint between an LLM change and production.",
        path="/docs",
        use_handler_docstrings=True,
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"token": []}],
        render_plugins=[
            SwaggerRenderPlugin(
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
                favicon=f"<link rel='icon' href='{ASSETS}/favicon-32x32.png'>",
            )
        ],
    )


def asset_router() -> Router:
    """The page's scripts and styles, from the installed package.

    It is found and not imported, since an import would bring Flask with it. Raises `ExtraMissing`.
    """
    package = find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise ExtraMissing("the API's page needs flask-swagger-ui", remedy="pip install 'sekisho[server]'")
    folder = Path(package.origin).parent / "dist"
    return create_static_files_router(path=ASSETS, directories=[folder], include_in_schema=False)
