"""The whole road, from webhook to paper fill, also when parts of it are killed."""
