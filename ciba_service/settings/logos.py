"""The logos that the configuration of clients names."""

from pathlib import Path

from ciba_service.protocol.client.logo import LARGEST_LOGO, InvalidLogoError, Logo, parse_logo
from ciba_service.settings.sections import InvalidSettingsError

__all__ = ["read_logo"]


def read_logo(where: str, file: object) -> Logo:
    """Read the PNG; raises ``InvalidSettingsError``."""
    if not isinstance(file, str):
        raise InvalidSettingsError(f"{where}: expected `str`")
    try:
        with Path(file).open("rb") as stream:
            return parse_logo(stream.read(LARGEST_LOGO + 1))
    except InvalidLogoError as error:
        raise InvalidSettingsError(f"{where}: {file} {error}") from error
    except OSError as error:
        raise InvalidSettingsError(f"{where}: {file!r} cannot be read") from error
