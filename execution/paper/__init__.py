"""The paper venue: a broker of our own, in a process of its own.

It has its own role, schema, book and arrival log, and remembers when `execution` dies.
Nothing imports it; `execution` reaches it through `brokers/paper.py`, over the wire.

    server > writer > desk > book, moves > feeds > market > quotes, premiums
             writer > store, sessions
    gate > keys: accounts that ask for a login

The writer is the only place that changes anything. It takes all frames that wait,
matches them in memory, stores the result in one transaction, and only then answers.
"""
