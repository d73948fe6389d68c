"""Alarms: what somebody must look at."""
