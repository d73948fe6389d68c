"""The contract between web and execution, and the only code they share.

`execution/v1` and `paper/v1` are the wire. Beside them stand the few words that both
sides must spell alike: ids, decimals and times on the wire, reasons, and the two things
every process of the road does the same way: log lines and fault points.
"""
