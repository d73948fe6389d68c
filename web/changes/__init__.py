"""Changes: what live pages resume from, and the tickets that let them listen."""
