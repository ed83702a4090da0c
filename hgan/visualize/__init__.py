"""Drawing only, no model: results in, pictures out. Text from users and galleries is escaped in everything made here."""
