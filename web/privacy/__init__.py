"""Privacy: everything that is kept of a person as a file, and their erasure."""
