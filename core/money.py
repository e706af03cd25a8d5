"""Turns decimal text into minor units of a currency, exactly, and rounds half to even."""

from __future__ import annotations

import re

# ISO 4217 gives every other currency two digits.
OTHER_DIGITS = (
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
)
DIGITS = {code: digits for digits, codes in OTHER_DIGITS for code in codes.split()}
CURRENCY = re.compile(r"[A-Z]{3}")
# Longer numbers are no prices, and would only cost time.
DECIMAL = re.compile(r"(-?)(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,20}))?")


def minor_digits(currency: str) -> int:
    """Returns how many decimal digits the currency's minor unit stands for: 2 for `EUR`."""
    return DIGITS.get(currency, 2)


def half_even(numerator: int, denominator: int) -> int:
    """Divides integers and rounds half to even; `denominator` is above 0."""
    quotient, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def read_decimal(text: str) -> tuple[int, int]:
    """Reads text such as `-12.50` as a fraction: numerator and denominator, a power of ten.

    Raises ValueError where it is not a plain decimal number with a point.
    """
    found = DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(text)
    sign, whole, fraction = found.groups("")
    number = int(whole + fraction)
    return (-number if sign else number), 10 ** len(fraction)
