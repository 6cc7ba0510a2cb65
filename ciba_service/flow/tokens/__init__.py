"""Tokens that were issued: presented, asked about, given back."""
