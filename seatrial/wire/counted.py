"""Numbers with what they count, as people write them."""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 line`, `2,000 lines`; `many` where the plural is more than an `s`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
