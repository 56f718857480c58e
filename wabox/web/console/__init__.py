"""``/console``: where people answer customers, in a browser.

The server gives out a page and files; everything that is shown comes from ``/api/v1``, with the same rights.

::

    pages       the page, for every address of the console
    login       signing in and out; works without JavaScript
    files       what is in assets/, under addresses that change with it
    assets/     index.html · css/ · js/ (ES modules as they are, no build) · texts/<language>.json
"""

from wabox.web.console.pages import console_router

__all__ = ["console_router"]
