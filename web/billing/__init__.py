"""Plans: what a workspace may have. Limits are rows, and so are exceptions to them."""
