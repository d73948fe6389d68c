"""One suite for all brokers: what every adapter must do."""
