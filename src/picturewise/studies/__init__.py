"""Studies: several recipes on the same pictures and one report; the packaged ones are the `.toml` files here."""
