"""Kill switches: what is halted, since when and by whom; limits of connections. Execution
decides; this asks it, remembers its answer and shows it."""
