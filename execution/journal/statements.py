"""The SQL of the execution schema. Rows travel as one JSON parameter a table, so that a
statement is the same for one row and for a thousand."""


def _flush_left(statement: str) -> str:
    """psycopg reads a statement of more than 4,096 characters anew each time it is asked."""
    return "\n".join(line.lstrip() for line in statement.splitlines())


# One transaction for a batch of entries. The lease row is locked against takeover; rows
# of an account whose epoch moved on are left out, and the caller learns who is held.
# `(… IN …) IS TRUE` is hashed; a join would be nested loops, since one row is expected.
# Orders that were decided without the newest switches are not stored. Their facts keep their
# number and say so: of two kinds of a fact, readers go by the one that comes last (`1a` is
# its canonical_id, `72` its order_stopped).
_WRITE = """
WITH held AS MATERIALIZED (
    SELECT l.account_id FROM execution.leases l
    JOIN json_to_recordset(%(leases)s::json) AS a(account_id uuid, epoch bigint)
        ON l.account_id = a.account_id AND l.epoch = a.epoch
    FOR KEY SHARE OF l
), stopped AS MATERIALIZED (
    SELECT trade_id FROM execution.stopped(%(bound)s::json, %(seen)s)
), written_orders AS (
    INSERT INTO execution.orders (id, cl_ord_id, trade_id, leg, revision, account_id,
        subscription_id, origin, instrument, side, ord_type, time_in_force, order_qty,
        limit_price, stop_price, trail_amount, trail_percent, reference_price, decided_from,
        created_at)
    SELECT o.* FROM json_to_recordset(%(orders)s::json) AS o(id uuid, cl_ord_id text,
        trade_id uuid, leg text, revision int, account_id uuid, subscription_id uuid,
        origin text, instrument text, side text, ord_type text, time_in_force text,
        order_qty numeric, limit_price numeric, stop_price numeric, trail_amount numeric,
        trail_percent numeric, reference_price numeric, decided_from jsonb,
        created_at timestamptz)
    WHERE (o.account_id IN (SELECT account_id FROM held)) IS TRUE
      AND (o.trade_id IN (SELECT trade_id FROM stopped)) IS NOT TRUE
    ON CONFLICT DO NOTHING
), written_facts AS (
    INSERT INTO execution.facts (account_id, seq, canonical_id, kind, trade_id, order_id,
        fact, at)
    SELECT f.account_id, f.seq, f.canonical_id || s.suffix, CASE WHEN s.suffix = ''
            THEN f.kind ELSE 'stopped' END, f.trade_id, f.order_id,
        CASE WHEN s.suffix = '' THEN decode(f.fact, 'base64') ELSE decode(f.fact, 'base64')
            || '\\x72001a'::bytea
            || set_byte('\\x00'::bytea, 0, octet_length(f.canonical_id || s.suffix))
            || convert_to(f.canonical_id || s.suffix, 'UTF8') END, f.at
    FROM ROWS FROM (json_to_recordset(%(facts)s::json) AS (account_id uuid, seq bigint,
        canonical_id text, kind text, trade_id uuid, order_id uuid, fact text,
        at timestamptz)) WITH ORDINALITY AS f(account_id, seq, canonical_id, kind, trade_id,
        order_id, fact, at, n)
    CROSS JOIN LATERAL (SELECT CASE WHEN f.kind = 'sending'
        AND (f.trade_id IN (SELECT trade_id FROM stopped)) IS TRUE
        THEN ':stopped:' || f.seq ELSE '' END AS suffix) s
    WHERE (f.account_id IN (SELECT account_id FROM held)) IS TRUE
    ORDER BY f.n
    ON CONFLICT (account_id, canonical_id) DO NOTHING
), written_positions AS (
    INSERT INTO execution.positions AS p (account_id, instrument, subscription_id, quantity,
        avg_price, fact_seq, attribution, initial_balance, flat_balance, is_in_step, followed,
        result_day, result)
    SELECT q.account_id, q.instrument, q.subscription_id, q.quantity, q.avg_price,
        q.fact_seq, q.attribution, q.initial_balance, q.flat_balance,
        coalesce(q.is_in_step, false), q.followed, q.result_day, q.result
    FROM json_to_recordset(%(positions)s::json) AS q(account_id uuid, instrument text,
        subscription_id uuid, quantity numeric, avg_price numeric, fact_seq bigint,
        attribution text, initial_balance numeric, flat_balance numeric, is_in_step boolean,
        followed numeric, result_day date, result numeric)
    WHERE (q.account_id IN (SELECT account_id FROM held)) IS TRUE
    ON CONFLICT (account_id, instrument, subscription_id) DO UPDATE
        SET quantity = excluded.quantity, avg_price = excluded.avg_price,
            fact_seq = excluded.fact_seq, initial_balance = excluded.initial_balance,
            flat_balance = excluded.flat_balance, is_in_step = excluded.is_in_step,
            followed = excluded.followed, result_day = excluded.result_day,
            result = excluded.result
        WHERE p.fact_seq <= excluded.fact_seq
), written_ends AS (
    UPDATE execution.instructions i
    SET done_at = CASE WHEN d.is_over THEN coalesce(i.done_at, clock_timestamp()) END
    FROM json_to_recordset(%(done)s::json) AS d(account_id uuid, trade_id uuid, is_over boolean)
    -- Not `done_at IS NULL`: the planner would then walk everything that is open.
    WHERE i.trade_id = d.trade_id
      AND (d.account_id IN (SELECT account_id FROM held)) IS TRUE
)
SELECT account_id, false FROM held UNION ALL SELECT trade_id, true FROM stopped
"""

WRITE = _flush_left(_WRITE)

# The same of rows that nobody has stored: no index is asked whether they are there. Raises
# UniqueViolation where one is, as after an answer that was lost.
WRITE_NEW = WRITE.replace("ON CONFLICT DO NOTHING\n", "").replace(
    "ON CONFLICT (account_id, canonical_id) DO NOTHING\n", ""
)

# With trades of our own, which is rare: no other batch pays for it.
WRITE_AND_STORE = _flush_left(
    _WRITE.replace(
        "), written_ends AS (",
        """), written_instructions AS (
    INSERT INTO execution.instructions (trade_id, content_hash, account_id, strategy_id, trade)
    SELECT t.trade_id, decode(t.content_hash, 'base64'), t.account_id, t.strategy_id,
        decode(t.trade, 'base64')
    FROM json_to_recordset(%(instructions)s::json) AS t(trade_id uuid, content_hash text,
        account_id uuid, strategy_id uuid, trade text)
    WHERE (t.account_id IN (SELECT account_id FROM held)) IS TRUE
    ON CONFLICT (trade_id) DO NOTHING
), written_ends AS (""",
    )
)

# Groups whose epoch is too low store nothing; known trades are left as they are, but for one
# that was given back to a person, who let it go: it had no order, and takes its turn anew. Where
# other instances are told too, what they may have stored of late for the same accounts is told.
ACCEPT = """
WITH fresh AS (
    INSERT INTO execution.drain_epochs AS e (strategy_id, epoch)
    SELECT g.strategy_id, max(g.epoch)
    FROM json_to_recordset(%(groups)s::json) AS g(strategy_id uuid, epoch bigint)
    GROUP BY g.strategy_id ORDER BY g.strategy_id
    ON CONFLICT (strategy_id) DO UPDATE SET epoch = excluded.epoch
        WHERE e.epoch <= excluded.epoch
    RETURNING strategy_id
), stored AS (
    INSERT INTO execution.instructions AS i (trade_id, content_hash, account_id, strategy_id,
        trade, revives)
    SELECT t.trade_id, decode(t.content_hash, 'base64'), t.account_id, t.strategy_id,
        decode(t.trade, 'base64'), t.revives
    FROM ROWS FROM (json_to_recordset(%(trades)s::json) AS (trade_id uuid, content_hash text,
        account_id uuid, strategy_id uuid, trade text, revives boolean)) WITH ORDINALITY
        AS t(trade_id, content_hash, account_id, strategy_id, trade, revives, n)
    JOIN fresh USING (strategy_id)
    ORDER BY t.n
    ON CONFLICT (trade_id) DO UPDATE SET id = DEFAULT, content_hash = excluded.content_hash,
        trade = excluded.trade, revives = true, stored_at = clock_timestamp(), done_at = NULL,
        canceled_at = NULL, cancel_reason = NULL
        WHERE excluded.revives AND i.done_at IS NOT NULL
          AND i.content_hash <> excluded.content_hash
          AND NOT EXISTS (SELECT FROM execution.orders o WHERE o.trade_id = i.trade_id)
    RETURNING trade_id, id
)
SELECT strategy_id AS key, NULL::bigint AS id, NULL::uuid AS earlier_of FROM fresh
UNION ALL SELECT trade_id, id, NULL FROM stored
UNION ALL SELECT i.trade_id, i.id, i.account_id FROM execution.instructions i
WHERE i.done_at IS NULL AND i.stored_at > clock_timestamp() - make_interval(secs => %(found)s)
  AND i.account_id IN (SELECT account_id
    FROM json_to_recordset(%(trades)s::json) AS t(account_id uuid))
  AND EXISTS (SELECT FROM execution.instances n WHERE n.id <> %(instance)s
    AND n.heartbeat_at > clock_timestamp() - make_interval(secs => %(ttl)s))
"""

KNOWN = """
SELECT trade_id, id, content_hash, done_at IS NULL AND canceled_at IS NULL AS waits
FROM execution.instructions WHERE trade_id = ANY(%s)
"""

WITHDRAW = """
UPDATE execution.instructions i
SET canceled_at = coalesce(canceled_at, clock_timestamp()),
    cancel_reason = coalesce(cancel_reason, %(reason)s)
WHERE i.trade_id = ANY(%(trades)s)
RETURNING trade_id
"""

HEARTBEAT = """
INSERT INTO execution.instances (id, target) VALUES (%(id)s, %(target)s)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp(), target = excluded.target
RETURNING clock_timestamp()
"""

# But for those that somebody is about to take: who takes may stand still, and nobody waits for it.
STILL_HELD = """
SELECT l.account_id FROM execution.leases l
JOIN unnest(%(accounts)s::uuid[], %(epochs)s::bigint[]) AS h(account_id, epoch)
    USING (account_id, epoch)
WHERE l.instance_id = %(instance)s FOR KEY SHARE OF l SKIP LOCKED
"""

DEPART = "UPDATE execution.instances SET heartbeat_at = 'epoch' WHERE id = %s RETURNING id"

NEW_LEASES = """
INSERT INTO execution.leases (account_id, broker, environment, account, instance_id, epoch)
SELECT a.*, %(instance)s, 1 FROM json_to_recordset(%(accounts)s::json)
    AS a(account_id uuid, broker text, environment text, account text)
ORDER BY a.account_id
ON CONFLICT (account_id) DO NOTHING
RETURNING account_id
"""

# Waits for writers of the former owner, which hold the row FOR KEY SHARE.
FREE_LEASES = """
SELECT l.account_id FROM execution.leases l
LEFT JOIN execution.instances i ON i.id = l.instance_id
WHERE l.account_id = ANY(%(accounts)s) AND (
    l.instance_id = %(instance)s OR i.id IS NULL
    OR i.heartbeat_at < clock_timestamp() - make_interval(secs => %(ttl)s))
ORDER BY l.account_id
FOR UPDATE OF l
"""

# Those rows are locked by now. Whoever said meanwhile that it lives was perhaps told that it holds
# them still, and keeps them.
TAKE_LEASES = """
UPDATE execution.leases l SET instance_id = %(instance)s, epoch = epoch + 1,
    taken_at = clock_timestamp()
WHERE l.account_id = ANY(%(accounts)s) AND (l.instance_id = %(instance)s OR NOT EXISTS (
    SELECT FROM execution.instances i WHERE i.id = l.instance_id
      AND i.heartbeat_at >= clock_timestamp() - make_interval(secs => %(ttl)s)))
RETURNING account_id, epoch
"""

# Accounts with open trades that nobody alive holds, or that this instance holds.
OPEN_TRADES = """
SELECT i.trade_id, i.account_id, i.cancel_reason, i.declared
FROM execution.instructions i
LEFT JOIN execution.leases l USING (account_id)
LEFT JOIN execution.instances n ON n.id = l.instance_id
WHERE i.done_at IS NULL AND i.stored_at < clock_timestamp() - make_interval(secs => %(settled)s)
  AND (l.instance_id IS NULL OR l.instance_id = %(instance)s OR n.id IS NULL
       OR n.heartbeat_at < clock_timestamp() - make_interval(secs => %(ttl)s))
ORDER BY i.id
"""

TRADES = """
SELECT id, trade_id, trade, coalesce(cancel_reason, 0) AS withdrawn, declared
FROM execution.instructions WHERE trade_id = ANY(%s) AND done_at IS NULL ORDER BY id
"""

IMAGE_POSITIONS = """
SELECT account_id, instrument, subscription_id, quantity, avg_price, attribution,
    initial_balance, flat_balance, is_in_step, followed, result_day, result
FROM execution.positions WHERE account_id = ANY(%s)
"""

IMAGE_SEQUENCES = """
SELECT a.id AS account_id,
    coalesce((SELECT f.seq FROM execution.facts f WHERE f.account_id = a.id
              ORDER BY f.seq DESC LIMIT 1), 0) AS seq,
    ARRAY(SELECT f.fact FROM execution.facts f WHERE f.account_id = a.id AND f.kind = 'report'
          ORDER BY f.seq DESC LIMIT 4) AS reports,
    (SELECT f.fact FROM execution.facts f WHERE f.account_id = a.id AND f.kind = 'move'
     ORDER BY f.seq DESC LIMIT 1) AS moved,
    (SELECT f.fact FROM execution.facts f WHERE f.account_id = a.id AND f.kind = 'external'
     ORDER BY f.seq DESC LIMIT 1) AS external
FROM unnest(%s::uuid[]) AS a(id)
"""

# What was written down within the last minute: limits of orders count it.
IMAGE_SENT = """
SELECT a.id AS account_id, f.fact
FROM unnest(%s::uuid[]) AS a(id) CROSS JOIN LATERAL (
    SELECT l.fact, l.kind FROM (
        SELECT n.fact, n.kind, n.at FROM execution.facts n WHERE n.account_id = a.id
        ORDER BY n.seq DESC LIMIT 1000) l
    WHERE l.at > clock_timestamp() - interval '1 minute') f
WHERE f.kind = 'sending' AND EXISTS (SELECT FROM execution.switches WHERE name = 'limits')
"""

# What stops lanes, or stopped them, and what was seen of it.
IMAGE_LANES = """
SELECT f.account_id, f.order_id, f.fact, s.value->>'filled' AS seen
FROM execution.facts f LEFT JOIN execution.switches s ON s.scope = 'order' AND s.name = 'seen'
    AND s.scope_id = replace(f.order_id::text, '-', '')
WHERE f.account_id = ANY(%s) AND f.kind = 'lane' ORDER BY f.seq
"""

IMAGE_OPEN = """
SELECT account_id, id, trade_id, trade, coalesce(cancel_reason, 0) AS withdrawn, declared
FROM execution.instructions WHERE account_id = ANY(%s) AND done_at IS NULL ORDER BY id
"""

# The same of accounts that were never held, without what is known of already, unless somebody
# withdrew it meanwhile.
IMAGE_EARLIER = """
SELECT account_id, id, trade_id, trade, coalesce(cancel_reason, 0) AS withdrawn, declared
FROM execution.instructions
WHERE account_id = ANY(%s) AND done_at IS NULL
  AND (cancel_reason IS NOT NULL OR NOT trade_id = ANY(%s::uuid[])) ORDER BY id
"""

IMAGE_ORDERS = "SELECT * FROM execution.orders WHERE trade_id = ANY(%s) ORDER BY leg, revision"

IMAGE_REPORTS = """
SELECT order_id, fact FROM execution.facts
WHERE order_id = ANY(%s) AND kind = 'report' ORDER BY seq
"""

IMAGE_UNANSWERED = """
SELECT order_id, fact FROM execution.facts
WHERE order_id = ANY(%s) AND kind IN ('unanswered', 'resent') ORDER BY seq
"""

IMAGE_OUTCOMES = """
SELECT trade_id, fact FROM execution.facts
WHERE trade_id = ANY(%s) AND kind = 'outcome' ORDER BY seq
"""

# The newest, and how many there are.
IMAGE_PROTECTIONS = """
SELECT DISTINCT ON (trade_id) trade_id, fact, count(*) OVER (PARTITION BY trade_id) AS count
FROM execution.facts WHERE trade_id = ANY(%s) AND kind = 'protection'
ORDER BY trade_id, seq DESC
"""

IMAGE_RESOLVED = """
SELECT trade_id, fact FROM execution.facts WHERE trade_id = ANY(%s) AND kind = 'resolved'
"""

# Trades of orders that this process no longer has in memory.
PAST_TRADES = """
SELECT i.id, i.trade_id, i.trade, coalesce(i.cancel_reason, 0) AS withdrawn, i.declared
FROM execution.instructions i
WHERE i.trade_id IN (SELECT o.trade_id FROM execution.orders o WHERE o.cl_ord_id = ANY(%s))
"""

# What is on record of these, whatever it became.
RECORDED = """
SELECT f.canonical_id FROM unnest(%s::uuid[], %s::text[]) AS a(account_id, canonical_id)
JOIN execution.facts f USING (account_id, canonical_id)
"""

# `f.xid`, not `xid`: bare, it would be the text of the output, and 1000 sort before 999.
FACTS_AFTER = """
SELECT f.xid::text, f.id, f.fact FROM execution.facts f
WHERE (f.xid, f.id) > (%(xid)s::xid8, %(id)s) AND f.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY f.xid, f.id LIMIT %(most)s
"""

NUMBERED_AFTER = """
SELECT f.xid::text, f.id, f.account_id, f.seq, f.fact FROM execution.facts f
WHERE (f.xid, f.id) > (%(xid)s::xid8, %(id)s) AND f.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY f.xid, f.id LIMIT %(most)s
"""

NUMBERED_BETWEEN = """
SELECT f.seq, f.fact FROM execution.facts f
WHERE f.account_id = %s AND f.seq BETWEEN %s AND %s ORDER BY f.seq LIMIT %s
"""

HELD_INSTRUMENTS = """
SELECT DISTINCT instrument FROM execution.positions
WHERE subscription_id = '00000000-0000-0000-0000-000000000000' AND quantity <> 0
"""

HOLDERS = """
SELECT DISTINCT l.broker, l.environment, l.account
FROM execution.positions p JOIN execution.leases l USING (account_id)
WHERE p.subscription_id = '00000000-0000-0000-0000-000000000000' AND p.quantity <> 0
  AND p.instrument = ANY(%s)
"""

FIND_ACCOUNT = "SELECT account_id FROM execution.leases WHERE account_id = %s"
