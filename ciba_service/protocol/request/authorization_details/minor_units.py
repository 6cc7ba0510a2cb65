"""How far a currency is divided (ISO 4217): an amount with more decimals is none of it."""

from typing import Final

__all__ = ["decimals_of"]

_USUAL: Final = 2
_UNDIVIDED: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_IN_THOUSANDTHS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DECIMALS: Final = dict.fromkeys(_UNDIVIDED, 0) | dict.fromkeys(_IN_THOUSANDTHS, 3)


def decimals_of(currency: str) -> int:
    """How many decimals its amounts have at most; two, where nothing else is known."""
    return _DECIMALS.get(currency, _USUAL)
