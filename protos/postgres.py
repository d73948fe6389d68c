"""How every process of the road asks PostgreSQL: rows by id, many ids at once."""

# The planner takes a JSON parameter for 100 rows, and on a small table then reads all of it
# for the sake of three. The road only ever looks rows up by an index; with nothing left to
# choose, a statement need not be planned anew for each of its parameters.
BY_ID = (
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off "
    "-c plan_cache_mode=force_generic_plan"
)
