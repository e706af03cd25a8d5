from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import half_even, minor_digits, read_decimal


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_division_rounds_as_decimal_does(numerator: int, denominator: int) -> None:
    # Fifty digits hold every quotient of these that lies near a half.
    exact = Decimal(numerator) / Decimal(denominator)
    assert abs(half_even(numerator, denominator) - exact) <= Decimal("0.5000001")


@pytest.mark.parametrize(
    ("numerator", "rounded"), [(5, 2), (15, 8), (25, 12), (26, 13), (-5, -2), (-15, -8), (0, 0)]
)
def test_a_half_goes_to_the_even_neighbour(numerator: int, rounded: int) -> None:
    assert half_even(numerator * 5, 10) == round(numerator * 5 / 10)
    assert half_even(numerator, 2) == rounded


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
    )
)
def test_a_decimal_is_read_without_losing_a_digit(value: Decimal) -> None:
    number, parts = read_decimal(f"{value:f}")
    assert Decimal(number) / parts == value
    minor = half_even(number * 100, parts)
    assert minor == (value * 100).quantize(Decimal(1), ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1,50", "1e3", "NaN", "£2", "1 000", "+1", "--1", "\u0661", "0x1", "1" * 21],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_decimal(text)


def test_a_point_needs_a_digit_on_one_side_only() -> None:
    assert read_decimal(".5") == (5, 10)
    assert read_decimal("5.") == (5, 1)
    assert read_decimal("-0.05") == (-5, 100)


def test_currencies_have_their_own_minor_units() -> None:
    assert [minor_digits(code) for code in ("EUR", "JPY", "KWD", "UYW")] == [2, 0, 3, 4]
