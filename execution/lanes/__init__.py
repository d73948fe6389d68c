"""What is in play on one underlying of one account: runs, their orders, and what they hold.

lanes > scoping > opened, books; covers; overfills; known.
"""
