"""Facts that cannot be worked in, put aside for a person to look at."""

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos.execution.v1 import execution_pb2 as pb

log = structlog.get_logger()

_PUT_ASIDE = """
INSERT INTO web.quarantined_facts (broker, environment, account, canonical_id, fact, error)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def put_aside(connection: Connection[TupleRow], fact: pb.Fact, error: Exception) -> None:
    """Keep the fact with why it could not be read."""
    account = fact.account
    log.error("fact_quarantined", canonical_id=fact.canonical_id, error=error)
    connection.execute(
        _PUT_ASIDE,
        (
            account.broker,
            account.environment,
            account.account,
            fact.canonical_id,
            fact.SerializeToString(),
            f"{type(error).__name__}: {error}",
        ),
    )
