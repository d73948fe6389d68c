"""Roles and schemas. Roles get their passwords from `fillwire migrate`, not from here."""

from alembic import op

revision = "0001"
down_revision = None

ROLES = (
    "fillwire_web",
    "fillwire_worker",
    "fillwire_staff",
    "fillwire_execution",
    "fillwire_paper",
)


def upgrade() -> None:
    for role in ROLES:
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$;
            """
        )
    op.execute(
        """
        CREATE SCHEMA web;
        CREATE SCHEMA execution;
        CREATE SCHEMA paper;
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
        GRANT USAGE ON SCHEMA web TO fillwire_web, fillwire_worker, fillwire_staff;
        GRANT USAGE ON SCHEMA execution TO fillwire_execution;
        GRANT USAGE ON SCHEMA paper TO fillwire_paper;
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        """
    )
