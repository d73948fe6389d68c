"""Mail: written down with the change it tells of, sent by the relay."""
