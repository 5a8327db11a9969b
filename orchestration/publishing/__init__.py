"""How a finished cycle leaves: disclosure control, and the one swap that publishes it."""
