"""What the database itself holds to: strangers learn nothing by waiting, staff act as themselves."""

from alembic import op

revision = "0035"
down_revision = "0034"

ALIKE = """
-- A try with an unknown address leaves a row of nobody's where one with a known address leaves one
-- of its owner's, and so does a link; looking its person up would cost only where there is one.
ALTER TABLE web.sign_ins DROP CONSTRAINT sign_ins_person_id_fkey;
ALTER TABLE web.links DROP CONSTRAINT links_person_id_fkey;
"""

STAFF = """
-- Staff ask, note and look in their own name; what takes two begins undecided, and a day is a day.
-- Nobody's rights change a request: `decide_staff_request` does, and its row's check holds that
-- whoever decides is another.
DROP POLICY staff ON web.staff_requests;
CREATE POLICY staff_see ON web.staff_requests FOR SELECT TO fillwire_staff USING (true);
CREATE POLICY staff_ask ON web.staff_requests FOR INSERT TO fillwire_staff
    WITH CHECK (asked_by = web.current_person() AND outcome IS NULL AND decided_by IS NULL
        AND decided_at IS NULL AND expires_at <= clock_timestamp() + interval '24 hours');

DROP POLICY staff ON web.staff_notes;
CREATE POLICY staff_see ON web.staff_notes FOR SELECT TO fillwire_staff USING (true);
CREATE POLICY staff_write ON web.staff_notes FOR INSERT TO fillwire_staff
    WITH CHECK (staff_id = web.current_person());

DROP POLICY staff ON web.view_as;
CREATE POLICY staff_see ON web.view_as FOR SELECT TO fillwire_staff USING (true);
CREATE POLICY staff_begin ON web.view_as FOR INSERT TO fillwire_staff
    WITH CHECK (staff_id = web.current_person() AND ended_at IS NULL
        AND expires_at <= clock_timestamp() + interval '15 minutes'
        AND EXISTS (SELECT FROM web.staff_sessions s
            WHERE s.id = staff_session_id AND s.staff_id = web.current_person()
              AND s.revoked_at IS NULL AND NOT s.pending));
"""

VIEW_AS = """
DROP FUNCTION web.find_view_as(bytea, interval);
-- As whom a staff member looks, from the session that began it: while it is good, and the look is.
CREATE FUNCTION web.find_view_as(p_hash bytea, p_session uuid)
RETURNS TABLE (person_id uuid, tenant_id uuid, email text, name text, tenant_name text,
               staff_id uuid, staff_email text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.id, t.id, p.email, p.name, t.name, m.id, m.email, v.expires_at
    FROM web.view_as v
    JOIN web.staff_sessions s ON s.id = v.staff_session_id AND s.revoked_at IS NULL
        AND NOT s.pending AND s.expires_at > now()
    JOIN web.staff m ON m.id = v.staff_id AND m.id = s.staff_id AND m.disabled_at IS NULL
    JOIN web.people p ON p.id = v.person_id
    JOIN web.tenants t ON t.id = v.tenant_id
    WHERE v.token_hash = p_hash AND v.staff_session_id = p_session
      AND v.ended_at IS NULL AND v.expires_at > now()
$$;
REVOKE ALL ON FUNCTION web.find_view_as(bytea, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web.find_view_as(bytea, uuid) TO fillwire_web;
"""


def upgrade() -> None:
    for part in (ALIKE, STAFF, VIEW_AS):
        op.execute(part)
