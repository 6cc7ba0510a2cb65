"""What operators look after: users and phones, clients, keys, transactions, evidence."""
