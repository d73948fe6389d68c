"""Pure code, in thousands of cases a second."""
