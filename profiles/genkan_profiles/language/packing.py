"""Sentences as JSON, for what is kept until somebody reads it."""

from typing import Any

from .sentences import Row, Sentence, Wording, row, worded

_DEEPEST = 8


def packed(value: Any) -> Any:
    """Return a sentence, or a value in one, as JSON can hold it."""
    made_of = getattr(value, "made_of", None)
    match made_of:
        case Wording(text, many, count, values):
            return {
                "say": text,
                "many": many,
                "count": count,
                "values": {name: packed(values[name]) for name in values},
            }
        case Row(parts, listed):
            return {"row": [packed(part) for part in parts], "listed": listed}
        case _:
            return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def unpacked(value: Any) -> Sentence:
    """Return the sentence that was packed; ValueError for anything else."""
    found = _unpacked(value, _DEEPEST)
    if not isinstance(found, Sentence):
        raise ValueError("This is no sentence.")  # noqa: TRY004  # what was kept has another form, and no caller's mistake
    return found


def _unpacked(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError("No sentence has so many parts in parts.")
    match value:
        case str():
            return Sentence.quoted(value)
        case int() | float():
            return value
        case {"say": str(text), "many": str(many), "count": int(count), "values": dict(values)}:
            said = {str(name): _unpacked(inner, depth - 1) for name, inner in values.items()}
            try:
                return worded(Wording(text, many, count, said))
            except (LookupError, AttributeError, TypeError) as e:
                raise ValueError("The text does not go with its values.") from e
        case {"row": list(parts), "listed": bool(listed)} if not any(isinstance(part, int | float) for part in parts):
            return row([_unpacked(part, depth - 1) for part in parts], listed=listed)
        case _:
            raise ValueError("This is no sentence.")
