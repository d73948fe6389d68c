#!/bin/sh
# Runs once in a new postgres container: the owner of the schema, who is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v secret="$FILLWIRE_OWNER_PASSWORD" -U postgres <<'SQL'
CREATE ROLE fillwire_owner LOGIN CREATEROLE PASSWORD :'secret';
CREATE DATABASE fillwire OWNER fillwire_owner;
SQL
