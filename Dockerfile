# One image for every process; the command says which: `docker run fillwire worker`.
FROM python:3.13-slim

WORKDIR /opt/fillwire
COPY requirements requirements
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
    && .venv/bin/pip install --no-cache-dir --require-hashes --no-deps \
        --target .venv/assets -r requirements/assets.txt
COPY . .
# The number that PostgreSQL and Redis have in their images: they read keys that `certs` makes.
RUN useradd --system --uid 999 fillwire && install -d -o fillwire /var/lib/fillwire \
    /var/lib/fillwire-certificates /var/lib/fillwire-checkpoints
USER fillwire
ENV FILLWIRE_DATA_DIR=/var/lib/fillwire
ENTRYPOINT [".venv/bin/python", "-m", "web.cli"]
