"""The pages of the reference that are written from the code each time the site is built.

They are not committed: a copy could only be older than what it describes.
"""

from tools.site.reference.commands import command_pages
from tools.site.reference.device_messages import device_page
from tools.site.reference.errors import errors_page
from tools.site.reference.http import http_pages
from tools.site.reference.python_names import python_pages
from tools.site.reference.settings import settings_page

__all__ = ["reference_pages"]


def reference_pages() -> dict[str, str]:
    """Each page by its path below docs/."""
    return {
        "reference/settings.md": settings_page(),
        "reference/errors.md": errors_page(),
        "reference/device-messages.md": device_page(),
        **python_pages(),
        **command_pages(),
        **http_pages(),
    }
