"""JWS as this service allows it: closed algorithm lists, typed keys, one verification function."""
