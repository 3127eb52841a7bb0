"""What depends on what in a notebook: its stages, what they need and give, and what is copied between them."""
