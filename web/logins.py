"""Whether brokers let connections in, as execution tells it: their state, and why."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json

Row = dict[str, Any]

# One that somebody closed stays closed.
_WRITE = """
UPDATE web.connections c SET
    state = CASE WHEN r.problem = '' THEN 'ok' ELSE 'needs_login' END,
    reported = c.reported || jsonb_build_object('login',
        jsonb_build_object('problem', r.problem, 'text', r.text))
FROM json_to_recordset(%s::json) AS r(broker_account_id uuid, problem text, text text)
WHERE c.broker_account_id = r.broker_account_id AND c.state IN ('ok', 'needs_login')
"""


def row(fact: pb.Fact, login: pb.AccountLogin) -> Row:
    """What a fact says of an account's login."""
    account = fact.account
    names = (account.broker, account.environment, account.account)
    return {
        "broker_account_id": ids.account_id(*names),
        "problem": login.problem,
        "text": login.text,
    }


def write(connection: Connection[TupleRow], rows: Sequence[Row]) -> None:
    """Every connection to these accounts; what was said last counts."""
    newest = {each["broker_account_id"]: each for each in rows}
    connection.execute(_WRITE, (to_json(list(newest.values())),))
