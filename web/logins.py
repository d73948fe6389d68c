"""Whether brokers let connections in, as execution tells it: their state, and why.

What is told of an account as a whole concerns each connection to it, but for those that are kept
out meanwhile: they see of it what they had seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json

Row = dict[str, Any]

# Added to a join of connections with what is told of their account.
SEES = "c.state <> 'needs_login'"

# Of one connection, or of every one to an account where it names none; what was said last counts.
# One that somebody closed stays closed.
_WRITE = """
UPDATE web.connections c SET
    state = CASE WHEN r.problem = '' THEN 'ok' ELSE 'needs_login' END,
    reported = c.reported || jsonb_build_object('login',
        jsonb_build_object('problem', r.problem, 'text', r.text))
FROM (
    SELECT DISTINCT ON (c.id) c.id, r.problem, r.text
    FROM json_to_recordset(%s::json) AS r(broker_account_id uuid, connection_id uuid,
        problem text, text text, nr int)
    JOIN web.connections c ON c.broker_account_id = r.broker_account_id
        AND c.id = coalesce(r.connection_id, c.id)
    ORDER BY c.id, r.nr DESC
) r WHERE c.id = r.id AND c.state IN ('ok', 'needs_login')
RETURNING c.id, c.state
"""

# Who comes back sees what is held, as the others who were there saw it last.
_CATCH_UP = """
INSERT INTO web.positions AS p (connection_id, instrument, tenant_id, quantity, avg_price, own,
    fact_seq, updated_at)
SELECT DISTINCT ON (c.id, o.instrument) c.id, o.instrument, c.tenant_id, o.quantity, o.avg_price,
    o.own, o.fact_seq, o.updated_at
FROM web.connections c
JOIN web.connections b ON b.broker_account_id = c.broker_account_id AND b.id <> c.id
JOIN web.positions o ON o.connection_id = b.id
WHERE c.id = ANY(%s)
ORDER BY c.id, o.instrument, o.fact_seq DESC
ON CONFLICT (connection_id, instrument) DO UPDATE SET quantity = excluded.quantity,
    avg_price = excluded.avg_price, own = p.own || excluded.own,
    fact_seq = excluded.fact_seq, updated_at = excluded.updated_at
WHERE p.fact_seq < excluded.fact_seq
"""


def row(fact: pb.Fact, login: pb.AccountLogin) -> Row:
    """What a fact says of the login of a connection, or of an account as a whole."""
    account = fact.account
    names = (account.broker, account.environment, account.account)
    return {
        "broker_account_id": ids.account_id(*names),
        "connection_id": fact.connection_id or None,
        "problem": login.problem,
        "text": login.text,
    }


def runs(facts: Sequence[pb.Fact]) -> Iterator[list[pb.Fact]]:
    """The facts, cut before each login that comes after others: who sees those is known then."""
    run: list[pb.Fact] = []
    for fact in facts:
        if run and fact.HasField("account_login") and not run[-1].HasField("account_login"):
            yield run
            run = []
        run.append(fact)
    if run:
        yield run


def write(connection: Connection[TupleRow], rows: Sequence[Row]) -> None:
    """The state of each connection that they concern."""
    numbered = [{**each, "nr": number} for number, each in enumerate(rows)]
    told = connection.execute(_WRITE, (to_json(numbered),)).fetchall()
    if back := [each for each, state in told if state == "ok"]:
        connection.execute(_CATCH_UP, (back,))
