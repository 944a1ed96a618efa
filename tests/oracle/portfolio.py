"""The margin model `portfolio` (6.4): losses over ten moves, classes that hedge."""

from tests.oracle.book import ONE, Book, Instrument, Line, Message, down, scale_down, up

FIFTHS = [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]  # of the reach


def requirement(book: Book, lines: dict[str, Line], now: int, *, fills_only: bool = False) -> int:
    """What all positions need, less what their classes hedge."""
    total = 0
    classes: dict[str, list[list[int]]] = {}
    offsets = {one["class_id"]: one.get("offset_bps", 0) for one in margin_classes(book)}
    for instrument_id, line in lines.items():
        instrument = book.instruments[instrument_id]
        reach = reach_of(instrument, book.factor(instrument, now))
        outcomes = [line.held] if fills_only else outcomes_of(line)
        price = instrument.slow if fills_only else instrument.high
        losses = [
            max(loss(instrument, held, fifths * reach, price) for held in outcomes)
            for fifths in FIFTHS
        ]
        total += max(0, *losses)
        if instrument.facts.get("marginable", False):
            classes.setdefault(instrument.facts.get("margin_class", ""), []).append(losses)
    for name, members in classes.items():
        apart = sum(max(0, *losses) for losses in members)
        together = max(max(0, sum(at)) for at in zip(*members, strict=True))
        total -= scale_down(apart - together, offsets.get(name, 0))
    return total


def margin_classes(book: Book) -> list[Message]:
    """The classes of the policy in force."""
    found: list[Message] = book.policy.get("margin_classes", [])
    return found


def reach_of(instrument: Instrument, factor: int) -> int:
    """The greatest move in bps; all of the price of what is not marginable."""
    if not instrument.facts.get("marginable", False):
        return ONE
    return min(ONE, up(1_500 * factor, ONE))


def outcomes_of(line: Line) -> list[int]:
    """The quantities that may become of a position and its opening orders."""
    found = [line.held]
    if line.opening_buys():
        found.append(max(line.held, 0) + line.opening_buys())
    if line.opening_sells():
        found.append(-max(-line.held, 0) - line.opening_sells())
    return found


def loss(instrument: Instrument, held: int, move: int, price: int) -> int:
    """What a quantity loses at a move (fifths of a bp), up twice; a gain is negative, down."""
    product, unit = abs(held) * price, instrument.unit
    if held * move < 0:
        return up(up(product, unit) * abs(move), 5 * ONE)
    return -down(down(product, unit) * abs(move), 5 * ONE)
