"""The site: pages, API, live process; on a real database."""
