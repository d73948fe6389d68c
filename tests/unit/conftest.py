"""Hypothesis on a shared machine: what counts is the answer, not how long it took."""

from hypothesis import HealthCheck, settings

settings.register_profile("fillwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fillwire")
