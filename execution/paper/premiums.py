"""What an option is worth on paper: Black and Scholes without interest, in exact decimals."""

from decimal import Decimal, localcontext

from execution.domain.options import Right

_DIGITS = 20
_HALF = Decimal("0.5")
_ONE = Decimal(1)
_ROOT_TWO_PI = Decimal("2.50662827463100050242")
# The normal distribution as a polynomial (Abramowitz and Stegun, 26.2.17): good to 7 digits.
_P = Decimal("0.2316419")
_POLYNOMIAL = tuple(
    Decimal(term)
    for term in ("0.319381530", "-0.356563782", "1.781477937", "-1.821255978", "1.330274429")
)
# Beyond this the distribution is 0 or 1, and the exponential would be wasted.
_FAR = Decimal(8)


def premium(
    right: Right, *, spot: Decimal, strike: Decimal, years: Decimal, volatility: Decimal
) -> Decimal:
    """The premium of one option, not rounded; what it is worth at once when no time is left."""
    intrinsic = max(spot - strike if right is Right.CALL else strike - spot, Decimal(0))
    if years <= 0:
        return intrinsic
    with localcontext() as context:
        context.prec = _DIGITS
        spread = volatility * years.sqrt()
        d1 = (spot / strike).ln() / spread + spread * _HALF
        d2 = d1 - spread
        call = spot * _normal(d1) - strike * _normal(d2)
        worth = call if right is Right.CALL else call - spot + strike
        return max(worth, intrinsic)


def _normal(x: Decimal) -> Decimal:
    """The cumulative normal distribution."""
    if x < 0:
        return _ONE - _normal(-x)
    if x > _FAR:
        return _ONE
    k = _ONE / (_ONE + _P * x)
    tail = Decimal(0)
    for factor in reversed(_POLYNOMIAL):
        tail = (tail + factor) * k
    return _ONE - (-x * x * _HALF).exp() / _ROOT_TWO_PI * tail
