"""How a finished cycle leaves: disclosure control, and the one swap that publishes it."""


class PublicationError(Exception):
    """Nothing was published; the last publication stands."""
