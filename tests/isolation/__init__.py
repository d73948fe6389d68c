"""What holds tenants apart: rights in the database, and every door tried with other's ids."""
