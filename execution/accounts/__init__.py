"""A broker account in the hands of this instance, and its orders: sent, asked about, written down.

accounts > usage, outside, reserving; out: dispatch > terms, doubt; in: folding, finished;
for the journal: recording > correcting.
"""
