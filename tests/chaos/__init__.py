"""Process chaos: the whole product under load while its processes are hurt."""
