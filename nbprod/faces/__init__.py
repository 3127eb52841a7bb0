"""The three faces: each turns input into nouns, calls one verb of `api`, and renders what comes back."""
