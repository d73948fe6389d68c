"""Running it: the private servers, the process table and the supervisor."""
