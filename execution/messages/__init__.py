"""Between the contract's messages and the domain's values, both ways.

messages > reading, alarms; binding; seeing > alike.
"""
