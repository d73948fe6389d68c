"""Quotes as clients may ask for them: the price at which orders fill, one tick either side."""

from execution.paper import matching, quotes
from execution.paper.book import Moment
from protos import wire
from protos.paper.v1 import paper_pb2 as pb


def answer(request: pb.GetQuoteRequest, moment: Moment, seed: int) -> pb.GetQuoteResponse:
    """The quote of an instrument; around the client's own price where it named one, since
    its orders fill there. Raises Refused."""
    if not matching.is_name(request.instrument):
        raise matching.Refused("instrument is missing or not printable")
    price = matching.optional("reference price", request.reference_price)
    if price is None:
        price = quotes.price(seed, request.instrument, moment.step)
    tick = min(quotes.tick(price), price / 2)
    return pb.GetQuoteResponse(
        bid=wire.to_text(price - tick),
        ask=wire.to_text(price + tick),
        last=wire.to_text(price),
        as_of_time=moment.stamp,
    )
