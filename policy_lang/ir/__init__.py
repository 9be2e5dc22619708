"""Normal form: patterns as label sequences, rules with stable ids, the digest. No third-party imports."""
