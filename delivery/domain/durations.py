"""How long something took, as people read it."""


def in_units(seconds: int) -> str:
    """Hours and minutes, minutes and seconds, or seconds."""
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
