"""What execution does for its callers, beside trading what arrives: one function a verb.

service > manual, switching, declaring, previews; simulation for the owners of paper accounts;
owning: whose a trade is.
"""
