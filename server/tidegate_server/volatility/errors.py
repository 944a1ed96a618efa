"""What the model cannot work with."""


class ModelError(ValueError):
    """Closes or settings that make no estimate; the text names the row or the parameter."""
