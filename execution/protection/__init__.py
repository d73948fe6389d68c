"""Positions stay guarded while they are held, whatever the venue does by itself.

protection > unguarded; shrinking, for exits that rest. What guards a run is `lanes/covers.py`.
"""
