"""Audit: who changed what, from what to what. Rows are only added."""
