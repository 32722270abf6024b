"""How long something took, as people read it."""


def in_units(seconds: float, *, decimals: int = 0) -> str:
    """Hours and minutes, minutes and seconds, or seconds, which have so many decimals."""
    seconds = max(seconds, 0)
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.{decimals}f} s"
